import Testing

@testable import Training

@Suite("Interactions")
struct InteractionsTests {
    @Test("of several events of one cell the latest stands, of equal times the one added last")
    func duplicates() {
        var builder = InteractionsBuilder<String>()
        builder.add(user: "a", item: "x", value: 1, time: 10)
        builder.add(user: "a", item: "y", value: 2, time: 10)
        builder.add(user: "a", item: "x", value: 3, time: 5)
        builder.add(user: "b", item: "x", value: 4, time: 7)
        builder.add(user: "a", item: "y", value: 5, time: 10)
        let data = builder.build()
        #expect(builder.users == ["a", "b"] && builder.items == ["x", "y"])
        #expect(data.users == [0, 1, 0] && data.items == [0, 0, 1])
        #expect(data.values == [1, 4, 5] && data.times == [10, 7, 10])
    }

    @Test("groups hold each event once, by row or by time, and know what they hold")
    func groups() {
        let data = Interactions(
            userCount: 3, itemCount: 6, users: [2, 0, 2, 2, 0], items: [5, 1, 0, 3, 4],
            values: [1, 2, 3, 4, 5], times: [30, 10, 20, 10, 10])
        let byUser = data.grouped(by: .user)
        #expect(byUser.starts == [0, 2, 2, 5])
        #expect(byUser.others == [1, 4, 0, 3, 5] && byUser.values == [2, 5, 3, 4, 1])
        for user in 0..<3 {
            for item in 0..<6 as Range<Int32> {
                let isThere = zip(data.users, data.items).contains { $0 == user && $1 == item }
                #expect(byUser.contains(user, item) == isThere)
            }
        }
        #expect(data.grouped(by: .user, order: .time).others == [1, 4, 3, 0, 5])
        let byItem = data.grouped(by: .item)
        #expect(byItem.groups == 6 && byItem.range(2).isEmpty && byItem.others[byItem.range(3)] == [2])
    }

    @Test("a part keeps the numbers of users and items")
    func filter() {
        let data = Checkerboard().all
        let part = data.filter { $0 % 2 == 0 }
        #expect(part.count == (data.count + 1) / 2)
        #expect(part.userCount == 24 && part.itemCount == 20)
    }
}
