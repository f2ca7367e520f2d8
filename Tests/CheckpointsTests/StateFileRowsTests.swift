import Factors
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Checkpoints

@Suite("Rows of a state file")
struct StateFileRowsTests {
    static let identity = StateIdentity(factors: 8, models: [:], source: "test")

    /// What a file says: rows, their ids, and one number that changes.
    private final class Contents: StateReader {
        var users: [Int32: Holder] = [:]
        var items: [Int32: Holder] = [:]
        var tags: [[String]] = []

        func read(position: Int64, partition: Int32) {}
        func read(scalar: Scalar, name: String) {}
        func read(scalar: Scalar, name: String, model: String) {}
        func read(user: ReadUser) { users[user.row] = Holder(Data(user.id), user.ratings) }
        func read(item: StoredItem) {
            items[item.row] = Holder(item.id, item.ratings)
            tags.append(item.tags)
        }
        func read(userRow: ReadRow) {}
        func read(itemRow: ReadRow, popularity: StoredPopularity) {}
    }

    private struct Holder: Equatable, CustomStringConvertible {
        var id: String
        var ratings: Int64

        init(_ id: Data, _ ratings: Int64) {
            self.id = String(decoding: id, as: UTF8.self)
            self.ratings = ratings
        }

        var description: String { "\(id) \(ratings)" }
    }

    /// A row, its id and its ratings; of users and items alike.
    private typealias Written = (row: Int32, id: String, ratings: Int64)

    private func delta(_ rows: [Written], forgotten: [Int32] = []) -> StateDelta {
        var delta = StateDelta()
        delta.forgottenUsers = forgotten
        delta.users = rows.map { row in
            StoredUser(
                row: row.row, id: Data(row.id.utf8), history: Data(), residualSum: 0, ratings: row.ratings,
                nextOrder: 0, lastEvent: 0, hidden: Data())
        }
        delta.items = rows.map { item(row: $0.row, id: $0.id, ratings: $0.ratings) }
        return delta
    }

    private func item(row: Int32, id: String, ratings: Int64 = 0, tags: [String] = []) -> StoredItem {
        StoredItem(
            row: row, id: Data(id.utf8), title: nil, tags: tags, available: true, users: 0, ratings: ratings,
            ratingSum: 0, lastEvent: nil)
    }

    private func contents(_ file: StateFile) throws -> Contents {
        let contents = Contents()
        try file.read(into: contents)
        return contents
    }

    private func isWhole(_ folder: Folder) throws -> Bool {
        try DatabaseQueue(path: folder.state).read { try String.fetchOne($0, sql: "PRAGMA integrity_check") }
            == "ok"
    }

    @Test(
        "a row that is forgotten and goes to another id has that one's values, and its id may come back elsewhere"
    )
    func reusedRow() throws {
        let folder = Folder()
        let file = try StateFile(path: folder.state, identity: Self.identity)
        try file.write(delta([(0, "a", 1), (1, "b", 2), (2, "c", 3)]))
        try file.write(delta([(0, "d", 4), (1, "b", 5), (3, "a", 6)], forgotten: [0]))
        let users = try contents(file).users.mapValues(\.description)
        #expect(users == [0: "d 4", 1: "b 5", 2: "c 3", 3: "a 6"])
        #expect(try isWhole(folder))
    }

    @Test(
        "ids that change rows within one delta come out right, in whatever order they are written",
        arguments: [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
    func movedIDs(order: [Int]) throws {
        let folder = Folder()
        let file = try StateFile(path: folder.state, identity: Self.identity)
        try file.write(delta([(0, "a", 1), (1, "b", 2), (2, "c", 3), (7, "e", 4)]))
        // Two change places, and "c" leaves its row to nobody.
        let moves: [Written] = [(0, "b", 5), (1, "a", 6), (5, "c", 7)]
        try file.write(delta(order.map { moves[$0] }))
        let found = try contents(file)
        for rows in [found.users, found.items] {
            #expect(rows.mapValues(\.description) == [0: "b 5", 1: "a 6", 5: "c 7", 7: "e 4"])
        }
        #expect(try isWhole(folder))
    }

    @Test("any rows and ids leave what replacing row by row leaves")
    func asReplacing() throws {
        let folder = Folder()
        let file = try StateFile(path: folder.state, identity: Self.identity)
        var random = KeyedRandom(seed: 41)
        var (users, items): ([Int32: String], [Int32: String]) = ([:], [:])
        func replace(_ row: Int32, _ id: String, _ ratings: Int64, in rows: inout [Int32: String]) {
            rows = rows.filter { $0.key != row && !$0.value.hasPrefix("\(id) ") }
            rows[row] = "\(id) \(ratings)"
        }
        for step in 0..<400 {
            var rows: [Written] = []
            for _ in 0..<random.next(below: 5) {
                let row = Int32(random.next(below: 6))
                guard !rows.contains(where: { $0.row == row }) else { continue }
                rows.append((row, "id\(random.next(below: 6))", Int64(step)))
            }
            let forgotten = random.next(below: 3) == 0 ? [Int32(random.next(below: 6))] : []
            try file.write(delta(rows, forgotten: forgotten))
            for row in forgotten { users[row] = nil }
            // Users go in by row.
            for row in rows.sorted(by: { $0.row < $1.row }) {
                replace(row.row, row.id, row.ratings, in: &users)
            }
            for row in rows { replace(row.row, row.id, row.ratings, in: &items) }
            let found = try contents(file)
            #expect(found.users.mapValues(\.description) == users, "step \(step)")
            #expect(found.items.mapValues(\.description) == items, "step \(step)")
        }
        #expect(try isWhole(folder))
    }

    @Test(
        "an item whose id stays is changed in place: nothing is deleted, and the index of ids is left alone")
    func inPlace() throws {
        let folder = Folder()
        let file = try StateFile(path: folder.state, identity: Self.identity)
        try file.write(delta([(0, "a", 1), (1, "b", 1)]))
        try DatabaseQueue(path: folder.state).write {
            try $0.execute(
                sql: """
                    CREATE TABLE touched(what TEXT);
                    CREATE TRIGGER gone AFTER DELETE ON items BEGIN INSERT INTO touched VALUES ('gone'); END;
                    CREATE TRIGGER named AFTER UPDATE OF id ON items
                        BEGIN INSERT INTO touched VALUES ('named'); END;
                    CREATE TRIGGER changed AFTER UPDATE ON items
                        BEGIN INSERT INTO touched VALUES ('changed'); END;
                    """)
        }
        try file.write(delta([(0, "a", 2), (1, "b", 2)]))
        let touched = try DatabaseQueue(path: folder.state).read {
            try String.fetchAll($0, sql: "SELECT what FROM touched")
        }
        #expect(touched == ["changed", "changed"])
    }

    @Test("tags come back byte by byte, and plain SQL can read them")
    func tags() throws {
        let folder = Folder()
        let file = try StateFile(path: folder.state, identity: Self.identity)
        let lists: [[String]] = [
            [], [""], ["Horror", "Science Fiction"], ["\"quoted\"", "back\\slash", "a/b"],
            ["\u{0}\u{1}\u{F}\u{10}\u{1F}\u{7F}", "\n\r\t\u{8}\u{C}"],
            ["caf\u{E9}", "cafe\u{301}", "\u{1F600}\u{2028}"],
        ]
        var delta = StateDelta()
        delta.items = lists.enumerated().map { item(row: Int32($0), id: "i\($0)", tags: $1) }
        try file.write(delta)
        // By bytes: equal strings need not be the same ones.
        #expect(
            try contents(file).tags.map { $0.map { Array($0.utf8) } }
                == lists.map { $0.map { Array($0.utf8) } })
        let names = try DatabaseQueue(path: folder.state).read {
            try String.fetchAll(
                $0, sql: "SELECT value FROM items, json_each(tags) WHERE row IN (2, 3) ORDER BY row, key")
        }
        #expect(names == lists[2] + lists[3])
    }
}
