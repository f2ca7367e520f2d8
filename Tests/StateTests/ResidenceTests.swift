import Blending
import Counting
import Engine
import EngineSupport
import Events
import Factors
import Foundation
import Histories
import Identities
import Learners
import Locking
import StreamLearning
import TestSupport
import Testing

@testable import Checkpoints
@testable import State

@Suite("Users who leave memory and come back")
struct ResidenceTests {
    private static let identity = StateIdentity(
        factors: 16,
        models: [
            "stars": "sgd", "likes": "bpr", "warped": "warp", "solved": "als", "after": "next",
            "again": "repeat", "mixed": "blend",
        ], source: "test")

    private func options(shards: Int = 1, leaving: Bool) -> EngineOptions {
        var options = fourLearners(shards: shards)
        for (name, kind) in [("after", CounterOptions.Kind.next), ("again", .repeat)] {
            options.state.models.append(
                ModelOptions(
                    name: name, learner: .counter(CounterOptions(kind), positive: PositiveRule(ratingMin: 3)))
            )
        }
        options.state.models.append(
            ModelOptions(
                name: "mixed", learner: .blend(BlendOptions(), positive: PositiveRule(ratingMin: 3))))
        options.learning.historyMax = 12
        // So that what a user's signals come to says how long ago they were, too.
        options.learning.signalHalfLife = .events(3)
        options.state.usersMayLeave = leaving
        return options
    }

    /// A state on a file, whose users may leave.
    private func restored(_ folder: Folder, _ options: EngineOptions) throws -> (LearnedState, StateFile) {
        let state = LearnedState(options: options.state)
        let file = try StateFile(path: folder.state, identity: Self.identity)
        if options.state.usersMayLeave { state.spill = SpillStore(file, options: options.state) }
        try file.read(into: StateLoader(state: state, path: folder.state))
        return (state, file)
    }

    private func apply(_ batch: IngestBatch, to state: LearnedState, _ options: EngineOptions) {
        BatchApplication(state: state, options: options.learning).apply(batch)
    }

    private func save(_ state: LearnedState, _ file: StateFile, meanwhile: () -> Void = {}) throws {
        let frozen = state.freeze(usersPerPage: 9)
        try file.write(frozen.head) {
            meanwhile()
            return frozen.nextPage()
        }
        state.thaw(frozen, isSaved: true)
    }

    @Test(
        "change nothing of what is learned, whoever is away, is forgotten, or comes while a checkpoint is written",
        arguments: [1, 3])
    func sameDigest(shards: Int) throws {
        // Small enough for the shards to learn in turn, which several shards do the same way each time.
        var stream = events(4_000, seed: 21, users: 150)
        for (place, model) in [(700, "likes"), (1_900, "again"), (2_600, "likes")] {
            stream.insert(Event(.promote(model: model), time: Int64(place)), at: place)
        }
        let all = batches(stream, sizes: [40])
        let folder = Folder()
        let (plain, leaving) = (
            options(shards: shards, leaving: false), options(shards: shards, leaving: true)
        )
        let undisturbed = LearnedState(options: plain.state)
        let (state, file) = try restored(folder, leaving)
        var waiting = all[...]
        var turn = 0
        while let next = waiting.popFirst() {
            apply(next, to: undisturbed, plain)
            apply(next, to: state, leaving)
            turn += 1
            if turn % 3 == 0 {
                var others: [IngestBatch] = []
                try save(state, file) {
                    guard others.count < 2, let batch = waiting.popFirst() else { return }
                    others.append(batch)
                    apply(batch, to: state, leaving)
                    // Those whom this checkpoint is about to write have to stay.
                    _ = state.letLeave(1_000)
                }
                for batch in others { apply(batch, to: undisturbed, plain) }
            }
            // All but a few, or the older half.
            _ = state.letLeave(turn % 2 == 0 ? 1_000 : state.residentCount / 2)
            if turn % 5 == 0 { #expect(state.digest() == undisturbed.digest()) }
        }
        #expect(state.digest() == undisturbed.digest())
        #expect(state.violations() == [])
        let counts = try #require(state.spill).counts
        #expect(counts.left > 200 && counts.cameBack > 200)
        try save(state, file)
        #expect(state.letLeave(1_000) > 0)
        #expect(state.residentCount == 0)
        #expect(state.digest() == undisturbed.digest())
        #expect(try StateFile.verify(path: folder.state).problems == [])
        let (again, _) = try restored(folder, plain)
        #expect(again.digest() == undisturbed.digest())
    }

    @Test("a state that begins with nobody in memory goes on as one with all")
    func restart() throws {
        let folder = Folder()
        let all = batches(events(3_000, seed: 22, users: 120), sizes: [12])
        let (plain, leaving) = (options(leaving: false), options(leaving: true))
        let undisturbed = LearnedState(options: plain.state)
        for part in 0..<5 {
            let (state, file) = try restored(folder, leaving)
            #expect(state.residentCount == 0)
            #expect(state.digest() == undisturbed.digest())
            for batch in all[part * 10..<part * 10 + 10] {
                apply(batch, to: state, leaving)
                apply(batch, to: undisturbed, plain)
            }
            #expect(state.residentCount < 120 || part == 0)
            try save(state, file)
        }
    }

    @Test("a checkpoint that could not be written keeps those it held in memory")
    func failedCheckpoint() throws {
        let folder = Folder()
        let all = batches(events(2_000, seed: 23, users: 100), sizes: [50])
        let (plain, leaving) = (options(leaving: false), options(leaving: true))
        let undisturbed = LearnedState(options: plain.state)
        let (state, file) = try restored(folder, leaving)
        for (number, batch) in all.enumerated() {
            apply(batch, to: state, leaving)
            apply(batch, to: undisturbed, plain)
            let isWritten = number % 4 == 3
            let frozen = state.freeze(usersPerPage: 9)
            if isWritten { try file.write(frozen.head, then: frozen.nextPage) } else { _ = frozen.nextPage() }
            state.thaw(frozen, isSaved: isWritten)
            _ = state.letLeave(1_000)
            #expect(state.residentCount == 0 || !isWritten)
        }
        #expect(state.digest() == undisturbed.digest())
    }

    @Test("those heard of least recently are the ones who leave, and the bound on users counts them")
    func leastRecent() throws {
        let folder = Folder()
        let (state, file) = try restored(folder, options(leaving: true))
        let rated = (0..<100).map {
            Event(.rating(user: id("u\($0)"), item: id("i\($0 % 7)"), value: 5), time: Int64($0))
        }
        apply(batches(rated, sizes: [100])[0], to: state, options(leaving: true))
        // Nobody is saved yet.
        #expect(state.letLeave(1_000) == 0)
        try save(state, file)
        #expect(state.letLeave(40) == 40)
        let away = (0..<100).filter { number in
            state.away.contains(state.users.read { $0.row(of: id("u\(number)"))! })
        }
        #expect(away == Array(0..<40))
        #expect(state.leastRecentUsers(60).map(\.string) == (0..<60).map { "u\($0)" })
    }

    @Test("a view reads who is away as who is not, many at once too")
    func view() throws {
        let folder = Folder()
        let all = batches(events(2_000, seed: 24, users: 80), sizes: [100])
        let (plain, leaving) = (options(leaving: false), options(leaving: true))
        let (state, file) = try restored(folder, leaving)
        let undisturbed = learned(all, plain)
        for batch in all { apply(batch, to: state, leaving) }
        try save(state, file)
        _ = state.letLeave(1_000)
        func look(_ user: borrowing UserView) -> [String] {
            ["\(user.id!)", "\(user.history.entries)", "\(user.hidden.rows)"]
                + (0..<6).map { "\(user.row(ofModel: $0).vector) \(user.row(ofModel: $0).bias)" }
                + (4..<6).map { "\(String(describing: user.trail(ofModel: $0)))" }
        }
        let (expected, found) = (StateView(undisturbed), StateView(state))
        var seen = 0
        for number in 0..<80 {
            let user = id("u\(number)")
            for _ in 0..<2 { #expect(try found.readUser(user, look) == expected.readUser(user, look)) }
            seen += 1
        }
        var (one, other): ([Int32: [Float]], [Int32: [Float]]) = ([:], [:])
        try found.forEachUser(ofModel: 0) { one[$0.number] = $0.row.vector }
        try expected.forEachUser(ofModel: 0) { other[$0.number] = $0.row.vector }
        #expect(one == other && one.count > 60)
        let counts = try #require(state.spill).counts
        #expect(counts.kept == counts.lookUps / 2 && counts.kept > 60)
        #expect(state.residentCount == 0)
    }
}
