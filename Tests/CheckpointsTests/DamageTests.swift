import Factors
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Checkpoints

/// Bits that flip on a disk, files that are cut, logs that are missing or another file's. Whatever happens to a file, it is
/// refused in words, or says what it said at some checkpoint: all of it.
@Suite("a damaged state file", .ownThread)
struct DamageTests {
    private static let identity = StateIdentity(
        factors: 8, models: ["a": "sgd", "b": "next"], source: "test")

    /// All that a file says, in one number.
    private final class Contents: StateReader, @unchecked Sendable {
        // By the two threads that read: each adds to its own.
        private var own = [Int64: Int64]()
        private var factors = [Int64: Int64]()

        private func add(
            _ to: ReferenceWritableKeyPath<Contents, [Int64: Int64]>, _ key: Int64, _ parts: AnyHashable...
        ) {
            self[keyPath: to][key, default: 0] &+= Int64(parts.hashValue)
        }

        private func value(of scalar: Scalar) -> AnyHashable {
            switch scalar {
            case .integer(let value): value
            case .double(let value): value
            // Of data itself the beginning alone is hashed.
            case .blob(let data): Array(data)
            }
        }

        var all: [[Int64: Int64]] { [own, factors] }

        func read(position: Int64, partition: Int32) { add(\.own, 1, position, partition) }
        func read(scalar: Scalar, name: String) { add(\.own, 2, value(of: scalar), name) }
        func read(scalar: Scalar, name: String, model: String) {
            add(\.own, 3, value(of: scalar), name, model)
        }
        func read(user: ReadUser) {
            add(
                \.own, 4, user.row, Array(user.id), Array(user.history), user.ratings,
                user.nextOrder,
                Array(user.hidden), Array(user.marks), Array(user.tallies), Array(user.tags), user.residualSum
            )
        }
        func read(item: StoredItem) {
            add(\.own, 5, item.row, Array(item.id), item.title.map { Array($0) } ?? [], item.tags, item.users)
        }
        func read(userRow: ReadRow) {
            add(\.factors, 6, userRow.model, userRow.row, Array(userRow.vector), userRow.bias)
        }
        func read(itemRow: ReadRow, popularity: StoredPopularity) {
            add(\.factors, 7, itemRow.model, itemRow.row, Array(itemRow.vector), popularity.popular)
        }
    }

    private func contents(_ path: String) throws -> [[Int64: Int64]] {
        let contents = Contents()
        try StateFile(path: path, identity: Self.identity).read(into: contents)
        return contents.all
    }

    /// Users with histories that need pages of their own, some of them forgotten later, so that there are free pages.
    private func delta(_ step: Int, users: Int = 60) -> StateDelta {
        var (random, delta) = (KeyedRandom(seed: UInt64(step)), StateDelta())
        delta.positions = [0: Int64(step)]
        delta.scalars = [
            "s": .blob(Data((0..<9_000).map { UInt8(truncatingIfNeeded: $0 &* step) })), "n": .integer(3),
        ]
        for name in ["a", "b"] {
            delta.models.append(StoredModel(name: name, learner: "", scalars: ["d": .double(Double(step))]))
            var (own, items) = (
                StoredFactors(model: name, factors: 8), StoredFactors(model: name, factors: 8)
            )
            for row in 0..<Int32(users) {
                let vector = (0..<8).map { _ in Float(random.nextUnit()) }
                own.rows.append(row)
                own.vectors += vector
                own.biases.append(Float(step))
                own.steps.append(0)
                guard row < 30 else { continue }
                items.rows.append(row)
                items.vectors += vector
                items.biases.append(1)
                items.steps.append(0)
                items.popularity.append(StoredPopularity(positives: 1, popular: 2, trend: 3, countedAt: 4))
            }
            delta.userFactors.append(own)
            delta.itemFactors.append(items)
        }
        for row in 0..<Int32(users) {
            let bytes = row % 9 == 0 ? 9_600 : 24 * (1 + Int(row) % 7)
            delta.users.append(
                StoredUser(
                    row: row, id: Data("user-\(row)".utf8),
                    history: Data(repeating: UInt8(step), count: bytes),
                    residualSum: Double(step), ratings: Int64(row), nextOrder: 5, lastEvent: 6,
                    hidden: Data(count: 8)))
        }
        for row in 0..<Int32(30) {
            delta.items.append(
                StoredItem(
                    row: row, id: Data("item-\(row)".utf8), title: Data("Title \(row)".utf8),
                    tags: ["t", "u"],
                    available: true, users: 3, ratings: 2, ratingSum: 1, lastEvent: 9))
        }
        return delta
    }

    private func whole(_ folder: Folder) throws -> [UInt8] {
        let file = try StateFile(path: folder.state, identity: Self.identity)
        try file.write(delta(1, users: 90))
        var second = delta(2)
        second.forgottenUsers = Array(60..<90)
        try file.write(second)
        try file.close()
        return Array(try Data(contentsOf: URL(filePath: folder.state)))
    }

    private enum Outcome: String, Hashable { case refused, same }

    /// What comes of a file of these bytes.
    private func outcome(_ bytes: [UInt8], log: [UInt8]? = nil, _ known: [[[Int64: Int64]]]) throws -> Outcome
    {
        let folder = Folder()
        try Data(bytes).write(to: URL(filePath: folder.state))
        if let log { try Data(log).write(to: URL(filePath: folder.state + "-wal")) }
        do {
            let found = try contents(folder.state)
            guard known.contains(found) else { throw TestFailure("it says what it never said") }
            return .same
        } catch let error as StateError {
            #expect(error.message.count > 40 && error.message.contains(folder.state), "\(error)")
            if [.damaged, .notAState].contains(error.code), let log {
                // What is refused is left as it is, so that there is a way back.
                #expect(Array(try Data(contentsOf: URL(filePath: folder.state + "-wal"))) == log)
                #expect(Array(try Data(contentsOf: URL(filePath: folder.state))) == bytes)
            }
            return .refused
        }
    }

    /// What kind of page each is: by its first byte where it is one of a tree, else overflow or free.
    private func pages(_ bytes: [UInt8]) -> [String: [Int]] {
        var kinds: [String: [Int]] = [:]
        for page in 0..<bytes.count / 4096 {
            let kind =
                switch bytes[page * 4096 + (page == 0 ? 100 : 0)] {
                case 2: "interior index"
                case 5: "interior table"
                case 10: "leaf index"
                case 13: "leaf table"
                default: "overflow or free"
                }
            kinds[page == 0 ? "header" : kind, default: []].append(page)
        }
        return kinds
    }

    @Test("a bit that flips, in any kind of page, is refused or changes nothing")
    func flips() throws {
        let folder = Folder()
        let bytes = try whole(folder)
        let known = try contents(folder.state)
        let kinds = pages(bytes)
        #expect(Set(kinds.keys).isSuperset(of: ["header", "leaf table", "leaf index", "overflow or free"]))
        var (random, outcomes) = (KeyedRandom(seed: 77), [String: [Outcome: Int]]())
        for (kind, pages) in kinds.sorted(by: { $0.key < $1.key }) {
            for _ in 0..<60 {
                let page = pages[random.next(below: pages.count)]
                var damaged = bytes
                // Half of them where there is surely something: in the page's beginning.
                let within = random.next(below: random.next(below: 2) == 0 ? 120 : 4096)
                damaged[page * 4096 + within] ^= 1 << UInt8(random.next(below: 8))
                outcomes[kind, default: [:]][try outcome(damaged, [known]), default: 0] += 1
            }
        }
        for (kind, count) in ["leaf table": 20, "leaf index": 8, "overflow or free": 20] {
            #expect(outcomes[kind]?[.refused] ?? 0 > count, "\(outcomes)")
        }
    }

    @Test("a bit that flips within a value, which SQLite does not see, is refused, and found by verify")
    func values() throws {
        let folder = Folder()
        let bytes = try whole(folder)
        let known = try contents(folder.state)
        var random = KeyedRandom(seed: 78)
        for text in ["user-7", "Title 9", "item-3"] {
            // In the table; an index is looked at by verify alone.
            let places = (0..<bytes.count - 8).filter { place in
                bytes[place / 4096 * 4096] == 13 && bytes[place...].starts(with: Array(text.utf8))
            }
            let place = try #require(places.first)
            for _ in 0..<15 {
                var damaged = bytes
                damaged[place + random.next(below: text.utf8.count)] ^= 1 << UInt8(random.next(below: 7))
                #expect(try outcome(damaged, [known]) == .refused)
                try Data(damaged).write(to: URL(filePath: folder.state))
                #expect(try StateFile.verify(path: folder.state).problems != [])
            }
        }
    }

    @Test("a file that is cut anywhere is refused")
    func cut() throws {
        let bytes = try whole(Folder())
        var random = KeyedRandom(seed: 79)
        // Of less than a page SQLite makes a new file, and a daemon would have begun with nothing.
        for count in [1, 15, 100, 511] + (0..<40).map({ _ in 1 + random.next(below: bytes.count - 1) }) {
            #expect(try outcome(Array(bytes[..<count]), []) == .refused, "\(count) of \(bytes.count)")
        }
    }

    /// A file and its log as a kill leaves them, after some checkpoints, some of which were folded in; and what it said at each.
    private func killed(seed: Int) throws -> (file: [UInt8], log: [UInt8], known: [[[Int64: Int64]]]) {
        let folder = Folder()
        let file = try StateFile(path: folder.state, identity: Self.identity)
        var known: [[[Int64: Int64]]] = []
        for step in 1...4 {
            try file.write(delta(seed * 10 + step, users: 30 + step * 5))
            let contents = Contents()
            try file.read(into: contents)
            known.append(contents.all)
            if step == 2 { _ = try file.keepWithinBounds(always: true) }
        }
        let bytes = ["", "-wal"].map { try? Data(contentsOf: URL(filePath: folder.state + $0)) }
        return (Array(bytes[0] ?? Data()), Array(bytes[1] ?? Data()), known)
    }

    @Test(
        "a write-ahead log that is damaged, cut, missing or another file's gives an earlier checkpoint, or is refused"
    )
    func logs() throws {
        let (file, log, known) = try killed(seed: 1)
        #expect(try outcome(file, log: log, [known[3]]) == .same, "as it is, it has the last checkpoint")
        var random = KeyedRandom(seed: 80)
        for _ in 0..<60 {
            var damaged = log
            damaged[random.next(below: log.count)] ^= 1 << UInt8(random.next(below: 8))
            _ = try outcome(file, log: damaged, known)
        }
        for _ in 0..<20 {
            _ = try outcome(file, log: Array(log[..<random.next(below: log.count)]), known)
        }
        _ = try outcome(file, known)
        let other = try killed(seed: 2)
        for _ in 0..<10 {
            let part = Array(other.log[..<(32 + 4120 * (1 + random.next(below: other.log.count / 4120 - 1)))])
            // Without an end of a transaction it is nothing.
            _ = try outcome(file, log: part, known)
        }
        // It has all pages of the other one, and would make that of this one.
        #expect(try outcome(file, log: other.log, known) == .refused)
        #expect(try outcome([], log: log, []) == .refused)
    }

    @Test("a newer schema is refused with what to do")
    func newerSchema() throws {
        let folder = Folder()
        _ = try whole(folder)
        try DatabaseQueue(path: folder.state).write { try $0.execute(sql: "PRAGMA user_version = 7") }
        let error = #expect(throws: StateError.self) { try contents(folder.state) }
        #expect(error?.code == .newerSchema && error?.message.contains("newer freshet") == true)
    }

    @Test(
        "a value of another kind, or a row beyond everything, is refused and found by verify, which once ended the program",
        arguments: [
            "UPDATE positions SET next_offset = 'x'", "UPDATE items SET users = 'many' WHERE row = 3",
            "UPDATE users SET history = 'x' WHERE row = 3", "UPDATE scalars SET value = 'x'",
            "UPDATE users SET row = 9223372036854775807 WHERE row = 5",
            "UPDATE items SET row = 2000000000 WHERE row = 29", "UPDATE identity SET value = x'ff00'",
        ])
    func otherKinds(sql: String) throws {
        let folder = Folder()
        _ = try whole(folder)
        try DatabaseQueue(path: folder.state).write { try $0.execute(sql: sql) }
        let error = #expect(throws: StateError.self) { try contents(folder.state) }
        #expect(error?.message.contains(folder.state) == true)
        let found = try? StateFile.verify(path: folder.state)
        #expect(found?.problems.isEmpty != true)
        _ = try? StateFile.summary(path: folder.state)
        _ = try? StateFile.positions(path: folder.state)
    }
}
