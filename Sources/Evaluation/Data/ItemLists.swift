/// A list of items per user in one array: row u is `items[starts[u]..<starts[u + 1]]`, ascending.
public struct ItemLists: Sendable, Equatable {
    private let items: [Int32]
    private let starts: [Int]

    public init(users: Int, pairs: [(user: Int32, item: Int32)]) {
        var lists = [[Int32]](repeating: [], count: users)
        for pair in pairs { lists[Int(pair.user)].append(pair.item) }
        var (items, starts): ([Int32], [Int]) = ([], [0])
        for list in lists {
            items += list.sorted()
            starts.append(items.count)
        }
        self.items = items
        self.starts = starts
    }

    public var users: Int { starts.count - 1 }

    public subscript(user: Int) -> ArraySlice<Int32> { items[starts[user]..<starts[user + 1]] }

    public func contains(user: Int, item: Int32) -> Bool {
        let list = self[user]
        var (low, high) = (list.startIndex, list.endIndex)
        while low < high {
            let middle = (low + high) / 2
            if list[middle] < item { low = middle + 1 } else { high = middle }
        }
        return low < list.endIndex && list[low] == item
    }
}
