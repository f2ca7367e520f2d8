import Dispatch
import Engine
import EngineSupport
import Events
import Factors
import Locking
import StreamLearning
import TestSupport
import Testing

@testable import Checkpoints
@testable import State

@Suite("A state frozen for a checkpoint while learning goes on")
struct FrozenStateTests {
    private static func apply(
        _ batch: IngestBatch, to state: LearnedState, _ options: EngineOptions
    ) {
        let application = BatchApplication(state: state, options: options.learning)
        application.apply(batch)
    }

    private func restored(_ folder: Folder, _ options: EngineOptions) throws -> LearnedState {
        let state = LearnedState(options: options.state)
        let file = try StateFile(path: folder.state, identity: fourIdentity)
        try file.read(into: StateLoader(state: state, path: folder.state))
        return state
    }

    @Test(
        "each checkpoint has the state as it was when it began, whatever is learned between its pages",
        arguments: [1, 3])
    func betweenPages(shards: Int) throws {
        let folder = Folder()
        let options = fourLearners(shards: shards)
        let file = try StateFile(path: folder.state, identity: fourIdentity)
        let state = LearnedState(options: options.state)
        var waiting = batches(events(6_000, seed: 8, users: 200), sizes: [40])[...]
        while let next = waiting.popFirst() {
            Self.apply(next, to: state, options)
            let digest = state.digest()
            let frozen = state.freeze(usersPerPage: 17)
            try file.write(
                frozen.head,
                then: {
                    if let batch = waiting.popFirst() { Self.apply(batch, to: state, options) }
                    return frozen.nextPage()
                })
            state.thaw(frozen, isSaved: true)
            #expect(try restored(folder, options).digest() == digest)
        }
        #expect(try StateFile.verify(path: folder.state).problems == [])
    }

    @Test(
        "and so it has when another thread writes while the shards learn", arguments: [1, 3])
    func besideLearning(shards: Int) throws {
        let folder = Folder()
        let options = fourLearners(shards: shards)
        let file = try StateFile(path: folder.state, identity: fourIdentity)
        let state = LearnedState(options: options.state)
        var waiting = batches(events(9_000, seed: 9, users: 400), sizes: [150])[...]
        while let next = waiting.popFirst() {
            Self.apply(next, to: state, options)
            let digest = state.digest()
            let frozen = state.freeze(usersPerPage: 5)
            let outcome = Lock<Result<Void, StateError>?>(nil)
            let group = DispatchGroup()
            DispatchQueue.global().async(group: group) {
                let result = Result { () throws(StateError) in
                    _ = try file.write(frozen.head, then: frozen.nextPage)
                }
                outcome.withLock { $0 = result }
            }
            repeat {
                guard let batch = waiting.popFirst() else { break }
                Self.apply(batch, to: state, options)
            } while outcome.withLock({ $0 == nil })
            group.wait()
            try #require(outcome.withLock { $0 }).get()
            state.thaw(frozen, isSaved: true)
            #expect(try restored(folder, options).digest() == digest)
        }
    }

    @Test(
        "what a checkpoint could not write is in the next one, and so is what changed meanwhile",
        arguments: [1, 3])
    func failed(shards: Int) throws {
        let folder = Folder()
        let options = fourLearners(shards: shards)
        let file = try StateFile(path: folder.state, identity: fourIdentity)
        let state = LearnedState(options: options.state)
        var waiting = batches(events(4_000, seed: 10, users: 100), sizes: [60])[...]
        var turn = 0
        while let next = waiting.popFirst() {
            Self.apply(next, to: state, options)
            let frozen = state.freeze(usersPerPage: 17)
            turn += 1
            let isWritten = turn % 4 == 0 || waiting.isEmpty
            let digest = state.digest()
            let rows = {
                if let batch = waiting.popFirst() { Self.apply(batch, to: state, options) }
                return frozen.nextPage()
            }
            // The disk is full after two pages.
            if isWritten { try file.write(frozen.head, then: rows) } else { _ = (rows(), rows()) }
            state.thaw(frozen, isSaved: isWritten)
            if isWritten { #expect(try restored(folder, options).digest() == digest) }
        }
        let frozen = state.freeze()
        try file.write(frozen.head, then: frozen.nextPage)
        state.thaw(frozen, isSaved: true)
        #expect(try restored(folder, options).digest() == state.digest())
        #expect(try StateFile.verify(path: folder.state).problems == [])
    }

    @Test("pages hold what collecting all at once holds, and nothing is left unsaved")
    func asCollected() throws {
        let options = fourLearners(shards: 2)
        let cut = batches(events(2_000, seed: 11), sizes: [200])
        let (left, right) = (learned(cut, options), learned(cut, options))
        let folders = (Folder(), Folder())
        try StateFile(path: folders.0.state, identity: fourIdentity).write(left.collectChanges())
        let frozen = right.freeze(usersPerPage: 3)
        let report = try StateFile(path: folders.1.state, identity: fourIdentity)
            .write(frozen.head, then: frozen.nextPage)
        right.thaw(frozen, isSaved: true)
        #expect(try restored(folders.0, options).digest() == restored(folders.1, options).digest())
        #expect(report.rows > 0)
        #expect(right.collectChanges().rowCount == 0)
    }
}
