import Engine
import EngineSupport
import EventLog
import Events
import Factors
import Foundation
import GRDB
import Histories
import Learners
import Locking
import StreamLearning
import TestSupport
import Testing

@testable import Checkpoints
@testable import State

@Suite("Checkpoints")
struct PersistenceTests {
    private func restored(_ folder: Folder, _ options: EngineOptions) throws -> LearnedState {
        let state = LearnedState(options: options.state)
        let file = try StateFile(path: folder.state, identity: twoIdentity)
        try file.read(into: StateLoader(state: state, path: folder.state))
        return state
    }

    @Test("a restored state has the digest of the saved one, on any number of shards", arguments: [1, 2, 5])
    func restoreIsExact(shards: Int) throws {
        let folder = Folder()
        let state = learned(batches(events(3_000), sizes: [300]), smallOptions(shards: 2))
        let digest = state.digest()
        try StateFile(path: folder.state, identity: twoIdentity).write(state.collectChanges())
        #expect(try restored(folder, smallOptions(shards: shards)).digest() == digest)
    }

    @Test("a state told out of memory is what its file tells", arguments: [1, 2])
    func toldFromMemory(shards: Int) throws {
        let folder = Folder()
        let state = learned(batches(events(3_000), sizes: [300]), smallOptions(shards: shards))
        let delta = state.collectChanges()
        try StateFile.create(path: folder.state, identity: twoIdentity, delta: delta)
        let told = LearnedState(options: smallOptions(shards: shards).state)
        try delta.read(into: StateLoader(state: told, path: "memory"), identity: twoIdentity)
        #expect(told.digest() == state.digest())
        #expect(try restored(folder, smallOptions(shards: shards)).digest() == told.digest())
        // And refuses what the file refuses: here rows of a model that are not all there.
        var less = delta
        less.userFactors.removeLast()
        #expect(throws: StateError.self) {
            let other = LearnedState(options: smallOptions(shards: shards).state)
            try less.read(into: StateLoader(state: other, path: "memory"), identity: twoIdentity)
        }
    }

    @Test("saving only what changed, batch by batch, gives the same file as learning without a break")
    func incrementalAndResumed() throws {
        let folder = Folder()
        let all = batches(events(3_000, seed: 4), sizes: [150])
        let undisturbed = learned(all, smallOptions())
        for batch in all {
            // Each batch is learned by a new process, so to say.
            let state = try restored(folder, smallOptions())
            let application = BatchApplication(
                state: state, options: smallOptions().learning)
            application.apply(batch)
            try StateFile(path: folder.state, identity: twoIdentity).write(state.collectChanges())
        }
        #expect(try restored(folder, smallOptions()).digest() == undisturbed.digest())
        #expect(try StateFile.verify(path: folder.state).problems == [])
    }

    @Test("a file of before ratings were standardised predicts what it predicted")
    func olderRatings() throws {
        let folder = Folder()
        let state = learned(batches(events(3_000), sizes: [300]), smallOptions())
        func predictions(_ state: LearnedState, _ scale: RatingScale) -> [Float] {
            let (users, items) = (state.shards[0].tables[0], state.models[0].items)
            return (0..<20).map {
                let (user, item) = (users.row($0), items.row($0 * 3))
                return scale.rating(user.bias + item.bias + user.dot(item))
            }
        }
        let before = predictions(state, state.ratings.scale)
        // As it was: rows in the ratings' unit, and nothing of their spread.
        let deviation = Float(state.ratings.scale.deviation)
        func inStars(_ row: Factors.Row) {
            for lane in row.indices { row[lane] = deviation.squareRoot() * row[lane] }
            row.bias *= deviation
        }
        for row in 0..<state.models[0].items.count { inStars(state.models[0].items.row(row)) }
        for row in 0..<state.shards[0].users.count { inStars(state.shards[0].tables[0].row(row)) }
        try StateFile(path: folder.state, identity: twoIdentity).write(state.collectChanges())
        try DatabaseQueue(path: folder.state).write {
            try $0.execute(sql: "DELETE FROM scalars WHERE name = 'mean.squares'")
            try $0.execute(sql: beforeChecksums)
        }
        let after = try restored(folder, smallOptions())
        #expect(after.ratings.scale.deviation > 0.5)
        for (old, new) in zip(before, predictions(after, after.ratings.scale)) {
            #expect(abs(old - new) < 1e-3)
        }
    }

    @Test("what could not be written is in the next checkpoint")
    func failedWriteIsMadeUpFor() throws {
        let folder = Folder()
        let file = try StateFile(path: folder.state, identity: twoIdentity)
        let outside = try DatabaseQueue(path: folder.state)
        let state = LearnedState(options: smallOptions().state)
        for (number, batch) in batches(events(1_500, seed: 6), sizes: [100]).enumerated() {
            let application = BatchApplication(state: state, options: smallOptions().learning)
            application.apply(batch)
            let fails = number % 3 != 2
            if fails {
                try outside.write {
                    try $0.execute(
                        sql:
                            "CREATE TRIGGER full BEFORE INSERT ON users BEGIN SELECT RAISE(ABORT, 'disk full'); END"
                    )
                }
            }
            let delta = state.collectChanges()
            do {
                try file.write(delta)
                #expect(!fails)
            } catch {
                #expect(fails)
                state.restoreMarks(of: delta)
            }
            if fails { try outside.write { try $0.execute(sql: "DROP TRIGGER full") } }
        }
        #expect(try restored(folder, smallOptions()).digest() == state.digest())
        #expect(try StateFile.verify(path: folder.state).problems == [])
    }

    @Test("nothing is written when nothing changed")
    func emptyDelta() {
        let state = learned(batches(events(500), sizes: [100]), smallOptions())
        #expect(state.collectChanges().rowCount > 0)
        #expect(state.collectChanges().rowCount == 0)
    }

    @Test("a forgotten user's bytes are gone from the file")
    func forgottenFromFile() throws {
        let folder = Folder()
        let file = try StateFile(path: folder.state, identity: twoIdentity)
        let name = "somebody-who-wants-to-be-forgotten"
        let rating = Event(.rating(user: id(name), item: id("i"), value: 5))
        let state = LearnedState(options: smallOptions().state)
        for batch in batches([rating, Event(.forget(user: id(name)))], sizes: [1]) {
            let application = BatchApplication(
                state: state, options: smallOptions().learning)
            application.apply(batch)
            try file.write(state.collectChanges())
            let bytes = ["", "-wal"].map {
                try? Data(contentsOf: URL(fileURLWithPath: folder.state + $0))
            }
            let found = bytes.contains { $0?.range(of: Data(name.utf8)) != nil }
            #expect(found == (batch.positions[0] == 1))
        }
        #expect(try StateFile.verify(path: folder.state).users == 0)
    }

    // The -wal cannot be cut while it is read; the transaction had been committed, and was reported as failed.
    @Test(
        "a reader of the file, say a notebook, fails no checkpoint; what was forgotten is wiped once it is done"
    )
    func forgottenWhileRead() throws {
        let folder = Folder()
        let file = try StateFile(path: folder.state, identity: twoIdentity)
        try file.queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA busy_timeout = 1") }
        let name = "somebody-who-wants-to-be-forgotten"
        let rating = Event(.rating(user: id(name), item: id("i"), value: 5))
        let state = LearnedState(options: smallOptions().state)
        let cut = batches([rating, Event(.forget(user: id(name)))], sizes: [1])
        func write(_ batch: IngestBatch) throws {
            let application = BatchApplication(
                state: state, options: smallOptions().learning)
            application.apply(batch)
            try file.write(state.collectChanges())
        }
        func isOnDisk() -> Bool {
            ["", "-wal"].contains {
                let bytes = try? Data(contentsOf: URL(fileURLWithPath: folder.state + $0))
                return bytes?.range(of: Data(name.utf8)) != nil
            }
        }
        try write(cut[0])
        var notebookOptions = Configuration()
        notebookOptions.allowsUnsafeTransactions = true
        let notebook = try DatabaseQueue(path: folder.state, configuration: notebookOptions)
        try notebook.writeWithoutTransaction { try $0.execute(sql: "BEGIN; SELECT count(*) FROM users") }
        try write(cut[1])
        #expect(isOnDisk())
        try notebook.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        try file.write(state.collectChanges())
        #expect(!isOnDisk())
        #expect(try restored(folder, smallOptions()).digest() == state.digest())
    }

    @Test("a state of other factors, models or log is refused with the way out")
    func mismatches() throws {
        let folder = Folder()
        _ = try StateFile(path: folder.state, identity: twoIdentity)
        for change in [
            { (identity: inout StateIdentity) in identity.factors = 32 },
            { $0.models["more"] = "bpr" },
            { $0.source = "kafka:ratings" },
        ] {
            var other = twoIdentity
            change(&other)
            let error = #expect(throws: StateError.self) {
                try StateFile(path: folder.state, identity: other)
            }
            #expect(error?.code == .mismatch)
            #expect(error?.message.contains("another state.folder") == true)
        }
    }

    @Test("a newer schema, another program's file and a damaged one are refused, each by its name")
    func refusals() throws {
        let newer = Folder()
        _ = try StateFile(path: newer.state, identity: twoIdentity)
        try DatabaseQueue(path: newer.state).write { try $0.execute(sql: "PRAGMA user_version = 999") }
        #expect(throws: StateError.self) { try StateFile(path: newer.state, identity: twoIdentity) }

        let foreign = Folder()
        try DatabaseQueue(path: foreign.state).write { try $0.execute(sql: "CREATE TABLE t(x)") }
        let notAState = #expect(throws: StateError.self) {
            try StateFile(path: foreign.state, identity: twoIdentity)
        }
        #expect(notAState?.code == .notAState)

        let broken = Folder()
        try Data(repeating: 7, count: 20_000).write(to: URL(fileURLWithPath: broken.state))
        let damaged = #expect(throws: StateError.self) {
            try StateFile(path: broken.state, identity: twoIdentity)
        }
        #expect(damaged?.code == .damaged)
        #expect(damaged?.message.contains("learned anew from the log") == true)
    }

    @Test("a number that is not finite is refused on restore and found by verify")
    func nonFiniteIsFound() throws {
        let folder = Folder()
        let state = learned(batches(events(300), sizes: [100]), smallOptions())
        try StateFile(path: folder.state, identity: twoIdentity).write(state.collectChanges())
        let nan = Data([Float](repeating: .nan, count: 16).flatMap { $0.bitPattern.littleEndianBytes })
        try DatabaseQueue(path: folder.state).write {
            try $0.execute(
                sql: "UPDATE item_factors SET vector = ? WHERE row = 3 AND model = 'likes'", arguments: [nan])
        }
        let problems = try StateFile.verify(path: folder.state).problems
        #expect(problems.contains { $0.contains("finite") } && problems.contains { $0.contains("checksum") })
        let error = #expect(throws: StateError.self) { try restored(folder, smallOptions()) }
        #expect(error?.code == .damaged)
        // Of an earlier version, it has no checksums, and is refused for what it says.
        try DatabaseQueue(path: folder.state).write { try $0.execute(sql: beforeChecksums) }
        #expect(try StateFile.verify(path: folder.state).problems.count == 1)
        #expect(throws: StateError.self) { try restored(folder, smallOptions()) }
    }

    // A missing row was restored as zeros, or drawn anew, and `verify` saw nothing.
    @Test(
        "a row that is missing or absurd is refused on restore, and found by verify",
        arguments: [
            "DELETE FROM user_factors WHERE row = 3 AND model = 'likes'",
            "DELETE FROM item_factors WHERE row = 3 AND model = 'stars'",
            "UPDATE items SET users = 1 << 40 WHERE row = 3",
            "UPDATE users SET row = -1 WHERE row = 3", "UPDATE users SET hidden = x'010203' WHERE row = 3",
            "UPDATE users SET hidden = x'FFFFFF7F' WHERE row = 3",
            "UPDATE users SET tallies = x'0102' WHERE row = 3",
            "UPDATE users SET tallies = x'FFFFFF7F0200000000000000000000000000000000000000' WHERE row = 3",
        ])
    func missingRows(damage: String) throws {
        let folder = Folder()
        let state = learned(batches(events(300), sizes: [100]), smallOptions())
        try StateFile(path: folder.state, identity: twoIdentity).write(state.collectChanges())
        try DatabaseQueue(path: folder.state).write { try $0.execute(sql: damage) }
        let checked = #expect(throws: StateError.self) { try restored(folder, smallOptions()) }
        #expect(checked?.message.contains("written") == true, "by its checksum")
        // What is refused beside, as in files of before there were any.
        try DatabaseQueue(path: folder.state).write { try $0.execute(sql: beforeChecksums) }
        #expect(try StateFile.verify(path: folder.state).problems != [])
        let error = #expect(throws: StateError.self) { try restored(folder, smallOptions()) }
        #expect(error?.code == .damaged)
    }

    @Test(
        "a state of schema 1 is brought up to date when it is opened, and serves what it held",
        arguments: ["", "ALTER TABLE users DROP COLUMN last_event;"])
    func schemaOneIsMigrated(asFirstWritten: String) throws {
        let folder = Folder()
        let state = learned(batches(events(300), sizes: [100]), smallOptions())
        try StateFile(path: folder.state, identity: twoIdentity).write(state.collectChanges())
        try DatabaseQueue(path: folder.state).write {
            try $0.execute(
                sql: """
                    \(beforeChecksums)
                    \(asFirstWritten)
                    ALTER TABLE users DROP COLUMN tallies;
                    ALTER TABLE users DROP COLUMN tags;
                    ALTER TABLE users DROP COLUMN tags_at;
                    ALTER TABLE users DROP COLUMN marks;
                    ALTER TABLE items DROP COLUMN title_at;
                    ALTER TABLE items DROP COLUMN tags_at;
                    ALTER TABLE items DROP COLUMN available_at;
                    ALTER TABLE users DROP COLUMN hidden;
                    ALTER TABLE items DROP COLUMN last_event;
                    ALTER TABLE user_factors DROP COLUMN step;
                    ALTER TABLE user_factors DROP COLUMN long_term;
                    ALTER TABLE item_factors DROP COLUMN step;
                    ALTER TABLE item_factors DROP COLUMN popular;
                    ALTER TABLE item_factors DROP COLUMN trend;
                    ALTER TABLE item_factors DROP COLUMN counted_at;
                    PRAGMA user_version = 1;
                    """)
        }
        #expect(try StateFile.verify(path: folder.state).problems == [])
        let back = try restored(folder, smallOptions())
        for (old, new) in zip(state.models, back.models) {
            let rows = 0..<state.stats.count
            #expect(rows.allSatisfy { old.items.row($0).vector == new.items.row($0).vector })
            #expect(rows.allSatisfy { new.counts[$0].popular == Double(old.positives[$0]) })
            #expect(rows.allSatisfy { new.counts[$0].at == state.counters.applied })
        }
        #expect(try StateFile.verify(path: folder.state).schemaVersion == 6)
    }

    @Test("a state of schema 3 is brought up to date: what signals come to begins with the last of each item")
    func schemaThreeIsMigrated() throws {
        let folder = Folder()
        let state = learned(batches(events(900, users: 10, items: 12), sizes: [100]), smallOptions())
        let tallies = state.shards[0].users.reduce(0) { $0 + $1.history.tallyBlob.count }
        #expect(tallies > 0, "some were come to again")
        try StateFile(path: folder.state, identity: twoIdentity).write(state.collectChanges())
        #expect(try restored(folder, smallOptions()).digest() == state.digest())
        try DatabaseQueue(path: folder.state).write {
            try $0.execute(
                sql: """
                    \(beforeChecksums)
                    ALTER TABLE users DROP COLUMN tallies; ALTER TABLE users DROP COLUMN tags;
                    ALTER TABLE users DROP COLUMN tags_at; PRAGMA user_version = 3;
                    """)
        }
        #expect(try StateFile.verify(path: folder.state).problems == [])
        let back = try restored(folder, smallOptions())
        #expect(back.violations() == [])
        for (old, new) in zip(state.shards[0].users, back.shards[0].users) where old.isSomebody {
            #expect(old.history.blob == new.history.blob && !new.history.hasTallies)
        }
        #expect(try StateFile.verify(path: folder.state).schemaVersion == 6)
    }

    @Test("ids and titles with NUL bytes, quotes and emoji come back as they were")
    func strangeNames() throws {
        let folder = Folder()
        let item = ItemDescription(
            item: id("a\0b'\"🎬"), title: "Amélie\0 «2001» 🎬", tags: ["a,b", "\"q\"", "é"])
        let state = learned(
            batches(
                [Event(.item(item)), Event(.rating(user: id("\0"), item: item.item, value: 5))], sizes: [2]),
            smallOptions())
        try StateFile(path: folder.state, identity: twoIdentity).write(state.collectChanges())
        let back = try restored(folder, smallOptions())
        #expect(back.digest() == state.digest())
        #expect(back.catalogue.read { $0.entries[0].title } == item.title)
        #expect(back.catalogue.read { $0.entries[0].tags } == item.tags)
    }
}

extension UInt32 {
    fileprivate var littleEndianBytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) } }
}
