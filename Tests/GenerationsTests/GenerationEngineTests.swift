import Checkpoints
import Engine
import EngineSupport
import EventLog
import Events
import Foundation
import Identities
import Locking
import State
import TestSupport
import Testing

@testable import Generations

@Suite("Generations of a running engine", .ownThread)
struct GenerationEngineTests {
    private func options(keep: Int = 100) -> EngineOptions {
        var options = fourLearners()
        options.state.deterministic = true
        options.generations.count = keep
        // One with each checkpoint.
        options.generations.interval = .zero
        return options
    }

    private func engine(_ folder: TestSupport.Folder, _ options: EngineOptions) throws -> LiveEngine {
        try LiveEngine(options, in: folder, identity: fourIdentity)
    }

    private func wait(_ live: LiveEngine, _ name: String, _ holds: (Int64) -> Bool) async throws {
        while true {
            if case .integer(let value)? = live.status(name), holds(value) { return }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    @Test("an older generation learns from its positions on, and ends in the same digest")
    func replay() async throws {
        let folder = TestSupport.Folder()
        // Whom nobody forgets: an erased user is new when the log tells of them again.
        let all = Array(
            events(2_500, seed: 21).filter {
                if case .forget = $0.kind { false } else { true }
            }.prefix(2_400))
        let live = try engine(folder, options())
        for part in 0..<3 {
            try await live.feedInOrder(Array(all[part * 800..<(part + 1) * 800]))
            try await live.checkpoint()
            try await wait(live, "generations.made") { $0 > part }
        }
        let digest = try live.engine.digest().digest
        try live.stop()
        let generations = GenerationFolder(of: folder.state)
        #expect(generations.all.count >= 3)
        for generation in generations.all {
            let restored = try generations.restore(generation)
            let again = try engine(folder, options(keep: 0))
            try await again.wait(for: Token(partition: 0, offset: Int64(all.count - 1)))
            #expect(try again.engine.digest().digest == digest, "from \(restored.positions)")
            #expect(again.failure.withLock { $0 } == nil)
            try again.stop()
        }
    }

    @Test("FORGET takes a user's bytes out of the state and of every generation; each stays sound")
    func forget() async throws {
        let folder = TestSupport.Folder()
        let name = "somebody-who-wants-to-be-forgotten"
        let own = (0..<30).map {
            Event(
                .rating(user: id(name), item: id("i\($0)"), value: Float(1 + $0 % 5)), time: Int64($0) * 1000)
        }
        let live = try engine(folder, options())
        try await live.feedInOrder(events(600, seed: 22) + own)
        try await live.checkpoint()
        try await wait(live, "generations.made") { $0 >= 1 }
        try await live.feedInOrder(events(200, seed: 23))
        try await live.checkpoint()
        try await wait(live, "generations.made") { $0 >= 2 }
        #expect(found(name, folder).count >= 3, "in the state and both generations")
        try await live.wait(for: live.append(Event(.forget(user: id(name)))))
        try await live.checkpoint()
        // A copy that was under way is erased from, too.
        while !found(name, folder).isEmpty { try await Task.sleep(for: .milliseconds(20)) }
        try live.stop()
        let generations = GenerationFolder(of: folder.state)
        #expect(generations.all.count >= 3)
        for generation in generations.all {
            #expect(try StateFile.verify(path: generation.path).problems == [])
            let state = LearnedState(options: options().state)
            try StateFile(path: generation.path, identity: fourIdentity).read(
                into: StateLoader(state: state, path: generation.path))
            #expect(state.violations() == [])
            #expect(state.users.read { $0.row(of: id(name)) } == nil)
        }
    }

    @Test("what a kill left to be erased is erased at the next start")
    func forgetAfterKill() async throws {
        let folder = TestSupport.Folder()
        let name = "somebody-who-wants-to-be-forgotten"
        let live = try engine(folder, options())
        try await live.feedInOrder([Event(.rating(user: id(name), item: id("i1"), value: 5))] + events(50))
        try await live.checkpoint()
        try await wait(live, "generations.made") { $0 >= 1 }
        try live.stop()
        // The checkpoint that forgets was written, and nothing after it.
        var delta = StateDelta()
        delta.erasures = [Data(name.utf8).withUnsafeBytes { ErasedID($0, events: 1 << 40) }]
        let file = try StateFile(path: folder.state, identity: fourIdentity)
        try file.write(delta)
        try file.close()
        let again = try engine(folder, options(keep: 1))
        try await wait(again, "generations.erased") { $0 == 1 }
        #expect(!GenerationFolder(of: folder.state).all.isEmpty)
        let copies = found(name, folder).filter { $0.contains("generations") }
        #expect(copies == [])
        try again.stop()
    }

    @Test("users erased from a copy leave the counts that forgetting them leaves in the engine")
    func counts() async throws {
        let folder = TestSupport.Folder()
        let all = events(1_500, seed: 24, users: 30)
        let forgotten = ["u3", "u7", "u11"]
        let live = try engine(folder, options(keep: 0))
        try await live.feedInOrder(all)
        try live.stop()
        let copy = folder.path + "/copy.sqlite"
        try StateFile.durableCopy(of: folder.state, to: copy)
        let rules = ErasureRules(options().state)
        let erased = Set(forgotten.map { Data($0.utf8).withUnsafeBytes { ErasedID($0, events: 1 << 40) } })
        let count = try StateFile.erase(erased, fromCopy: copy) { try rules.counts(of: $0) }
        #expect(count == 3)
        let again = try engine(folder, options(keep: 0))
        try await again.feedInOrder(forgotten.map { Event(.forget(user: id($0))) })
        try again.stop()
        func restored(_ path: String) throws -> LearnedState {
            let state = LearnedState(options: options().state)
            try StateFile(path: path, identity: fourIdentity).read(
                into: StateLoader(state: state, path: path))
            return state
        }
        let (ours, engines) = (try restored(copy), try restored(folder.state))
        for row in 0..<engines.stats.count {
            #expect(ours.stats[row].users == engines.stats[row].users)
            #expect(ours.stats[row].ratings == engines.stats[row].ratings)
            #expect(abs(ours.stats[row].ratingSum - engines.stats[row].ratingSum) < 1e-9)
            for (own, other) in zip(ours.models, engines.models) {
                #expect(own.positives[row] == other.positives[row])
            }
        }
        #expect(try StateFile.verify(path: copy).problems == [])
    }

    /// Files of the folder, save the log, in which these bytes stand.
    private func found(_ text: String, _ folder: TestSupport.Folder) -> [String] {
        let all = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
        return all.filter { file in
            guard !file.hasPrefix("log.sqlite"),
                let bytes = try? Data(contentsOf: URL(filePath: "\(folder.path)/\(file)"))
            else { return false }
            return bytes.range(of: Data(text.utf8)) != nil
        }
    }
}
