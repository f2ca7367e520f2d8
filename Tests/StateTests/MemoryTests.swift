import Dispatch
import Engine
import EngineSupport
import Histories
import StreamLearning
import Testing

@testable import State

@Suite("What a state says of its memory")
struct MemoryTests {
    /// On the shard's queue.
    private func bytes(_ shard: UserShard) -> Int {
        shard.users.reduce(0) {
            $0 + $1.history.bytes + $1.marks.bytes + AllocatedBytes.ofArray($1.hidden.rows.capacity * 4)
        }
    }

    @Test("the first measure of histories looks at all users, and a later one at some of them in turn")
    func parts() {
        let all = batches(events(4_000, users: 100), sizes: [2_000])
        let state = learned([all[0]], smallOptions())
        let shard = state.shards[0]
        let before = shard.queue.sync { (shard.measureHistories(usersMax: 16), bytes(shard)) }
        #expect(before.0 == before.1 && before.0 > 1_000 * 8)

        BatchApplication(state: state, options: smallOptions().learning).apply(all[1])
        let calls = shard.queue.sync {
            (0..<(shard.users.count + 15) / 16).map { _ in shard.measureHistories(usersMax: 16) }
        }
        #expect(calls.first != calls.last)
        #expect(calls.last == shard.queue.sync { bytes(shard) })
    }
}
