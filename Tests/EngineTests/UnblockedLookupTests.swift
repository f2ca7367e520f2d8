import Checkpoints
import Dispatch
import EngineSupport
import Events
import Foundation
import Histories
import Locking
import LookUps
import State
import TestSupport
import Testing

@testable import Engine

@Suite("look-ups beside learning")
struct UnblockedLookupTests {
    @Test("nothing that is asked of a user or an item waits for the queues that learn")
    func busyQueues() async throws {
        let live = try LiveEngine(smallOptions(shards: 2))
        try await live.feed(events(300))
        let users = (0..<60).map { id("u\($0)") }
        let user = try #require(users.first { (try? live.engine.user($0, listMax: 1)) != nil })
        // As while thousands of events are learned: no queue is free until there are answers.
        let (taken, answered) = (DispatchGroup(), DispatchSemaphore(value: 0))
        let timedOut = Lock(false)
        let queues = [live.engine.queue] + live.engine.state.shards.map(\.queue)
        for queue in queues {
            taken.enter()
            queue.async {
                taken.leave()
                if answered.wait(timeout: .now() + 20) == .timedOut { timedOut.withLock { $0 = true } }
            }
        }
        await withCheckedContinuation { continuation in
            taken.notify(queue: .global()) { continuation.resume() }
        }
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                #expect(throws: Never.self) { try askAll(live.engine, of: user) }
                for _ in queues { answered.signal() }
                continuation.resume()
            }
        }
        #expect(!timedOut.withLock { $0 })
        try live.stop()
    }

    private func askAll(_ engine: Engine, of user: EntityID) throws {
        let item = try engine.recommend(RecommendQuery(user: user, count: 1))[0].id
        _ = try engine.predict(user: user, items: [item], model: nil)
        _ = try engine.explain(ExplainQuery(user: user, item: item))
        _ = try engine.similarUsers(SimilarUsersQuery(user: user))
        _ = try engine.user(user, listMax: 10)
        _ = try engine.item(item)
        _ = engine.status()
    }

    @Test("users are looked up while others come, so that their shard's tables grow and move")
    func newcomers() async throws {
        let live = try LiveEngine(smallOptions(shards: 2))
        let (users, items) = (3_000, 20)
        let all = (0..<users).map { user in
            Event(.rating(user: id("u\(user)"), item: id("i\(user % items)"), value: 5), time: 0)
        }
        try await live.feed(Array(all[..<10]))
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await live.feed(Array(all[10...])) }
            for reader in 0..<3 {
                group.addTask {
                    for turn in 0..<2_000 {
                        let user = (turn * 31 + reader) % users
                        guard let record = try? live.engine.user(id("u\(user)"), listMax: 1) else { continue }
                        // One who has come and not been learned has no history yet.
                        let seen = record.history.map(\.item)
                        #expect(seen.isEmpty || seen == [id("i\(user % items)")])
                        #expect(record.models.allSatisfy { $0.norm > 0 && $0.norm.isFinite })
                    }
                    let similar = try live.engine.similarUsers(SimilarUsersQuery(user: id("u1"), count: 50))
                    #expect(Set(similar.map(\.id)).count == similar.count)
                }
            }
        }
        for user in 0..<users {
            #expect(try live.engine.user(id("u\(user)"), listMax: 1).seen == 1)
        }
        try live.stop()
        #expect(try StateFile.verify(path: live.folder.state).problems == [])
    }
}
