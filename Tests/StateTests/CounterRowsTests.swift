import Counting
import Dispatch
import Engine
import EngineSupport
import Events
import Factors
import Foundation
import GRDB
import Identities
import Learners
import Locking
import TestSupport
import Testing

@testable import Checkpoints
@testable import State

@Suite("What models that count have in the state file")
struct CounterRowsTests {
    private static let kinds: [CounterOptions.Kind] = [.popular, .next, .repeat]
    private static let identity = StateIdentity(
        factors: 16, models: Dictionary(uniqueKeysWithValues: kinds.map { ($0.rawValue, $0.rawValue) }),
        source: "test")

    private func options() -> EngineOptions {
        var options = smallOptions()
        options.state.models = Self.kinds.map {
            ModelOptions(
                name: $0.rawValue, learner: .counter(CounterOptions($0), positive: PositiveRule(ratingMin: 1))
            )
        }
        return options
    }

    private func restored(_ folder: Folder) throws -> LearnedState {
        let state = LearnedState(options: options().state)
        let file = try StateFile(path: folder.state, identity: Self.identity)
        try file.read(into: StateLoader(state: state, path: folder.state))
        return state
    }

    private func count(_ folder: Folder, _ sql: String) throws -> Int {
        try DatabaseQueue(path: folder.state).read { try Int.fetchOne($0, sql: sql) ?? 0 }
    }

    // They had a row of zeros for each user and item, and `verify` asked for it.
    @Test("no numbers where none are learned: not in memory, not in the file, and verify asks for none")
    func noVectors() throws {
        let folder = Folder()
        let file = try StateFile(path: folder.state, identity: Self.identity)
        let state = learned(batches(events(3_000), sizes: [500]), options())
        let frozen = state.freeze(usersPerPage: 16)
        try file.write(frozen.head, then: frozen.nextPage)
        state.thaw(frozen, isSaved: true)
        #expect(state.models.allSatisfy { $0.items.factors == 8 })
        #expect(state.shards[0].tables.allSatisfy { $0.factors == 8 })
        for table in ["user_factors", "item_factors"] {
            #expect(try count(folder, "SELECT coalesce(sum(length(vector)), 0) FROM \(table)") == 0)
        }
        #expect(try count(folder, "SELECT count(*) FROM user_factors WHERE model = 'popular'") == 0)
        #expect(try count(folder, "SELECT count(*) FROM user_factors WHERE model = 'next'") > 50)
        #expect(try StateFile.verify(path: folder.state).problems == [])
        #expect(try restored(folder).digest() == state.digest())
    }

    @Test("a file that has trails in blocks of users is read, and written in rows from then on")
    func blocks() throws {
        let folder = Folder()
        let state = learned(batches(events(3_000), sizes: [500]), options())
        try StateFile(path: folder.state, identity: Self.identity).write(state.collectChanges())
        try inBlocks(folder, state)
        let loaded = try restored(folder)
        #expect(loaded.digest() == state.digest())
        try StateFile(path: folder.state, identity: Self.identity).write(loaded.collectChanges())
        #expect(try count(folder, "SELECT count(*) FROM model_scalars WHERE name GLOB '*users*'") == 0)
        #expect(try StateFile.verify(path: folder.state).problems == [])
        #expect(try restored(folder).digest() == state.digest())
    }

    @Test("after how long things are taken again is in the file, with the user and with the item")
    func waits() throws {
        let folder = Folder()
        var options = options()
        options.state.seen = .allow
        let state = learned(
            batches(
                (0..<400).map {
                    Event(
                        .signal(user: id("u\($0 % 5)"), item: id("i\($0 % 20)"), name: "click"),
                        time: Int64($0) * 60_000)
                }, sizes: [100]), options)
        // Everybody takes each of four items every twentieth minute.
        #expect(state.models[2].items.row(0).step > 15)
        #expect(abs(exp2(state.models[2].items.row(0).bias) - 20) < 0.1)
        let own = try #require(state.shards[0].trails[2]?[0].own.first)
        #expect(abs(try #require(UsualWait.wait(own.wait)) - 20) < 1.5)
        try StateFile(path: folder.state, identity: Self.identity).write(state.collectChanges())
        let loaded = LearnedState(options: options.state)
        try StateFile(path: folder.state, identity: Self.identity).read(
            into: StateLoader(state: loaded, path: folder.state))
        #expect(loaded.digest() == state.digest())
        #expect(loaded.shards[0].trails[2]?[0].own.first == own)
    }

    @Test("a trail of an earlier version has no expected waits")
    func earlierTrail() throws {
        var trail = UserTrail()
        for turn in 0..<6 {
            trail.take(Int32(turn % 2), at: Int64(turn) * 600_000, ordinal: Int64(turn), halfLife: .never)
            trail.events += 1
        }
        // No last items; two that were taken, 44 bytes each and their wait.
        let blob = [UInt8](trail.blob)
        #expect(blob.count == 12 + 2 * 45)
        var earlier = Array(blob[..<12])
        earlier[10] = 0
        for place in 0..<2 { earlier += blob[(12 + place * 45)..<(12 + place * 45 + 44)] }
        var reader = ByteReader(Data(earlier))
        let read = try #require(UserTrail(&reader, items: 2))
        #expect(reader.isAtEnd && read.own.map(\.wait) == [0, 0])
        #expect(read.own.map(\.count) == [3, 3] && trail.own.allSatisfy { $0.wait > 0 })
    }

    /// As the file was written before: vectors of zeros, and trails in scalars.
    private func inBlocks(_ folder: Folder, _ state: LearnedState) throws {
        let rows = state.users.read { $0.rowCount }
        try DatabaseQueue(path: folder.state).write { db in
            try db.execute(sql: beforeChecksums)
            for (number, model) in state.models.enumerated() {
                let name = model.options.name
                try db.execute(sql: "DELETE FROM user_factors WHERE model = ?", arguments: [name])
                for row in 0..<rows where state.users.read({ $0.id(of: Int32(row)) }) != nil {
                    try db.execute(
                        sql: "INSERT INTO user_factors VALUES (?, ?, 0, zeroblob(64), 0, NULL)",
                        arguments: [name, row])
                }
                guard let trails = state.shards[0].trails[number] else { continue }
                for block in 0...(rows / 64) {
                    var data = Data()
                    for row in block * 64..<min(rows, block * 64 + 64) { data += trails[row].blob }
                    try db.execute(
                        sql: "INSERT INTO model_scalars VALUES (?, ?, ?)",
                        arguments: [name, "counter.users.\(block)", data])
                }
            }
            try db.execute(sql: "UPDATE item_factors SET vector = zeroblob(64)")
            try db.execute(sql: "DELETE FROM model_scalars WHERE name = 'vectors'")
        }
    }
}
