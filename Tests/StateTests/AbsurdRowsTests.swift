import Engine
import EngineSupport
import Foundation
import Identities
import Locking
import TestSupport
import Testing

@testable import Checkpoints
@testable import State

/// Files whose checksums are all right, and whose numbers nobody can have meant.
@Suite("A state file with absurd numbers")
struct AbsurdRowsTests {
    private let folder = Folder()

    /// What reading a file says in which `change` was made before it was written.
    private func refusal(_ change: (inout StateDelta) -> Void) throws -> StateError? {
        var delta = learned(batches(events(1_500), sizes: [300]), smallOptions()).collectChanges()
        change(&delta)
        try? FileManager.default.removeItem(atPath: folder.state)
        try StateFile.create(path: folder.state, identity: twoIdentity, delta: delta)
        do throws(StateError) {
            try StateFile(path: folder.state, identity: twoIdentity).read(
                into: StateLoader(state: LearnedState(options: smallOptions().state), path: folder.state))
            return nil
        } catch {
            return error
        }
    }

    private func move(user from: Int32, to row: Int32, _ delta: inout StateDelta) {
        for place in delta.users.indices where delta.users[place].row == from { delta.users[place].row = row }
        for table in delta.userFactors.indices {
            for place in delta.userFactors[table].rows.indices
            where delta.userFactors[table].rows[place] == from {
                delta.userFactors[table].rows[place] = row
            }
        }
    }

    @Test(
        "asks for no room that the file cannot have needed: a user far out is refused, one not so far is read"
    )
    func users() throws {
        let error = try #require(try refusal { move(user: 7, to: 1_900_000_000, &$0) })
        #expect(error.code == .damaged)
        #expect(error.message.contains("users has a row 1900000000, and the file never held more than"))
        #expect(error.message.contains("Put back a copy of it"))
        #expect(try refusal { move(user: 7, to: 60_000, &$0) } == nil)
    }

    @Test("items are as many as the last one says")
    func items() throws {
        let error = try refusal { delta in
            let last = delta.items.count - 1
            delta.items[last].row = 1_900_000_000
        }
        #expect(
            error?.message.contains("items has a row 1900000000, and the file never held more than") == true)
    }

    @Test(
        "counts that the next event would take past what a number holds are refused",
        arguments: ["events.applied", "mean.count", "updates", "rejected"])
    func counts(name: String) throws {
        let error = try refusal { delta in
            if delta.scalars[name] != nil {
                delta.scalars[name] = .integer(.max)
            } else {
                delta.models[0].scalars[name] = .integer(.max)
            }
        }
        #expect(error?.message.contains("'\(name)' is no count") == true)
    }

    @Test(
        "a row whose squares are no number, or whose bias is none as float32, is refused, and verify says so too"
    )
    func overflowing() throws {
        let changes: [(String, (inout StateDelta) -> Void)] = [
            ("item_factors row", { $0.itemFactors[0].vectors[0] = 1e38 }),
            ("user_factors row", { $0.userFactors[0].vectors[0] = -1e30 }),
            ("item_factors row", { $0.itemFactors[0].biases[0] = 1e38 }),
            ("popularity of item_factors row", { $0.itemFactors[0].popularity[0].popular = .infinity }),
        ]
        for (words, change) in changes {
            let error = try refusal(change)
            #expect(error?.message.contains(words) == true, "\(words): \(error?.message ?? "taken")")
        }
        _ = try refusal { $0.itemFactors[0].vectors[0] = 1e38 }
        #expect(
            try StateFile.verify(path: folder.state).problems.contains {
                $0.contains("1 rows of item_factors")
            })
        // As much as a configuration could ever let a row come to.
        #expect(try refusal { $0.itemFactors[0].vectors[0] = 1e6 } == nil)
    }

    @Test("sums of ratings that are no number, and a user's counts past all bounds, are refused")
    func sums() throws {
        let changes: [(String, (inout StateDelta) -> Void)] = [
            ("'mean.sum' is no count", { $0.scalars["mean.sum"] = .double(.infinity) }),
            ("'mean.squares' is no count", { $0.scalars["mean.squares"] = .double(-1e300) }),
            ("the counts of items row", { $0.items[0].ratingSum = .infinity }),
            ("the counts of users row", { $0.users[0].ratings = .max }),
            ("the counts of users row", { $0.users[0].residualSum = -.infinity }),
            // What a daemon took from a time like these, with the next event, ended it.
            ("the counts of users row", { $0.users[0].lastEvent = .min }),
            ("the counts of items row", { $0.items[0].lastEvent = .max }),
            ("popularity of item_factors row", { $0.itemFactors[0].popularity[0].countedAt = .min }),
        ]
        for (words, change) in changes {
            let error = try refusal(change)
            #expect(error?.message.contains(words) == true, "\(words): \(error?.message ?? "taken")")
        }
    }

    @Test("pages that changed places are refused, or free: a row was once written beyond its table's end")
    func swappedPages() throws {
        let source = learned(batches(events(1_500), sizes: [300]), smallOptions())
        let digest = source.digest()
        try StateFile.create(path: folder.state, identity: twoIdentity, delta: source.collectChanges())
        let whole = Array(try Data(contentsOf: URL(filePath: folder.state)))
        let pageBytes = 4_096
        // Leaves of tables (sqlite.org/fileformat.html, "B-tree Pages").
        let leaves = (1..<whole.count / pageBytes).filter { whole[$0 * pageBytes] == 13 }
        try #require(leaves.count > 4)
        var refused = 0
        for (one, other) in zip(leaves, leaves.dropFirst()) {
            var bytes = whole
            for byte in 0..<pageBytes { bytes.swapAt(one * pageBytes + byte, other * pageBytes + byte) }
            try Data(bytes).write(to: URL(filePath: folder.state))
            let state = LearnedState(options: smallOptions().state)
            do throws(StateError) {
                try StateFile(path: folder.state, identity: twoIdentity).read(
                    into: StateLoader(state: state, path: folder.state))
                // Pages that are free, which hold what once stood in them.
                #expect(state.digest() == digest, "pages \(one) and \(other)")
            } catch {
                refused += 1
            }
        }
        // Two that are free, or of one kind in an order that says nothing, may change places.
        #expect(refused > leaves.count / 4)
    }

    @Test("a window of recent events of absurd length asks for nothing, and starts anew")
    func recent() throws {
        let error = try refusal { delta in
            for total in [Int64.max, 1 << 50] {
                delta.scalars["recent.0"] = .integer(total)
                delta.scalars["recent.0.capacity"] = .integer(total)
            }
        }
        #expect(error == nil)
    }

    @Test("a file that once held many users and now few is read, however far out they are")
    func left() throws {
        var many = learned(batches(events(1_500), sizes: [300]), smallOptions()).collectChanges()
        let first = try #require(many.users.first)
        let rows = many.userFactors.map { ($0, $0.rows.firstIndex(of: first.row)) }
        let last: Int32 = 80_000
        for row in Int32(many.users.count)...last {
            var user = first
            (user.row, user.id) = (row, Data("v\(row)".utf8))
            many.users.append(user)
        }
        for (number, (table, place)) in rows.enumerated() {
            let place = try #require(place)
            let width = table.vectors.count / max(1, table.rows.count)
            for user in many.users.dropFirst(table.rows.count) {
                many.userFactors[number].rows.append(user.row)
                many.userFactors[number].biases.append(table.biases[place])
                many.userFactors[number].steps.append(table.steps[place])
                many.userFactors[number].vectors += table.vectors[place * width..<(place + 1) * width]
            }
        }
        try StateFile.create(path: folder.state, identity: twoIdentity, delta: many)
        let file = try StateFile(path: folder.state, identity: twoIdentity)
        var gone = StateDelta()
        (gone.scalars, gone.models, gone.positions) = (many.scalars, many.models, many.positions)
        gone.forgottenUsers = Array(1..<last)
        try file.write(gone)
        let state = LearnedState(options: smallOptions().state)
        try file.read(into: StateLoader(state: state, path: folder.state))
        #expect(state.users.withLock { $0.rowCount } == Int(last) + 1)
        try file.close()
    }
}
