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

    @Test(
        "rows of items go into the room made for them, into more where that is too small, and none of another's shows"
    )
    func room() throws {
        let options = fourLearners(shards: 2)
        let cut = batches(events(2_000, seed: 11), sizes: [200])
        let expected = learned(cut, options).freeze().head.itemFactors
        for numbers in [[], [3, 3, 3, 3, 3], Array(repeating: 1 << 18, count: 5)] {
            let state = learned(cut, options)
            let room = CopyRoom(numbers: numbers)
            let found = state.freeze(into: room).head.itemFactors
            #expect(found.map(\.rows) == expected.map(\.rows))
            #expect(found.map(\.vectors) == expected.map(\.vectors))
            #expect(expected.indices.allSatisfy { room.take(model: $0).isEmpty })
        }
    }

    @Test("windows of recent events are written as they were, whatever comes while they are")
    func recentEvents() {
        func fingerprint(_ number: Int) -> UInt64 { UInt64(number + 1) &* 0x9E37_79B9_7F4A_7C15 }
        for taken in [3, 4_096, 5_000, 9_000, 23_000] {
            var recent = RecentEvents(capacity: 10_000)
            for number in 0..<taken { _ = recent.insert(fingerprint(number), of: 2) }
            var changes = recent.takeChanges()
            for number in taken..<taken + 7_000 { _ = recent.insert(fingerprint(number), of: 2) }
            var scalars: [String: Scalar] = [:]
            while let page = changes.nextPage() { scalars.merge(page) { own, _ in own } }
            var back = RecentEvents(capacity: 10_000)
            back.restore(scalars)
            let first = max(0, taken - 10_000)
            #expect(back.windows[2]?.inOrder == (first..<taken).map(fingerprint))
            #expect(back.windows[2]?.total == taken)
            // And what came since is in the next ones.
            var later = recent.takeChanges()
            while let page = later.nextPage() { scalars.merge(page) { _, new in new } }
            back.restore(scalars)
            #expect(back.windows[2]?.inOrder == recent.windows[2]?.inOrder)
        }
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
