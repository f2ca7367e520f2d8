/// Gathers interactions of users and items named by ids, and numbers both in the order in which they first come.
public struct InteractionsBuilder<ID: Hashable & Sendable>: Sendable {
    /// Id of each user row.
    public private(set) var users: [ID] = []
    /// Id of each item row.
    public private(set) var items: [ID] = []
    private var userRows: [ID: Int32] = [:]
    private var itemRows: [ID: Int32] = [:]
    private var entries: [Entry] = []

    private struct Entry {
        var user: Int32
        var item: Int32
        var value: Float
        var time: Int64
    }

    public init() {}

    public var count: Int { entries.count }

    /// Adds an event.
    public mutating func add(user: ID, item: ID, value: Float, time: Int64) {
        entries.append(
            Entry(user: userRow(user), item: itemRow(item), value: value, time: time))
    }

    /// The user's row; a new one where the user is not known.
    public mutating func userRow(_ user: ID) -> Int32 {
        if let row = userRows[user] { return row }
        let row = Int32(users.count)
        userRows[user] = row
        users.append(user)
        return row
    }

    /// The item's row; a new one where the item is not known.
    public mutating func itemRow(_ item: ID) -> Int32 {
        if let row = itemRows[item] { return row }
        let row = Int32(items.count)
        itemRows[item] = row
        items.append(item)
        return row
    }

    /// The interactions, in the order in which they were added. Of several events of one user with one item the latest
    /// stands; of several at one time the one added last.
    public func build() -> Interactions {
        var latest: [Int64: Int] = [:]
        latest.reserveCapacity(entries.count)
        for (index, entry) in entries.enumerated() {
            let pair = Int64(entry.user) << 32 | Int64(entry.item)
            if let other = latest[pair], entries[other].time > entry.time { continue }
            latest[pair] = index
        }
        let kept = latest.values.sorted().map { entries[$0] }
        return Interactions(
            userCount: users.count, itemCount: items.count, users: kept.map(\.user),
            items: kept.map(\.item), values: kept.map(\.value), times: kept.map(\.time))
    }
}
