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
            $0 + $1.history.bytes + ($1.hasExtras ? AllocatedBytes.ofBlock(40) : 0) + $1.marks.bytes
                + AllocatedBytes.ofArray($1.hidden.rows.capacity * 4)
        }
    }

    @Test(
        "the first measure of histories looks at all users, and later ones at some, by which the others are told"
    )
    func parts() {
        let all = batches(events(24_000, users: 3_000), sizes: [6_000])
        let state = learned([all[0]], smallOptions())
        let shard = state.shards[0]
        func measure() -> Int { shard.queue.sync { shard.measureHistories(usersMax: 1_024) } }
        func exact() -> Int { shard.queue.sync { bytes(shard) } }
        let before = measure()
        #expect(before == exact() && before > 6_000 * 8)

        let application = BatchApplication(state: state, options: smallOptions().learning)
        for batch in all.dropFirst() {
            application.apply(batch)
            let (told, known) = (Double(measure()), Double(exact()))
            #expect(abs(told - known) < 0.05 * known, "\(told) of \(known)")
        }
        #expect(exact() > before * 3 / 2)
        for _ in 0..<shard.users.count / 1_024 { _ = measure() }
        #expect(measure() == exact())
    }

    @Test("users that came since the last measure count, and those that went do not")
    func comingAndGoing() {
        var (measure, bytes) = (HeapMeasure(), [Int](repeating: 100, count: 2_000))
        func told() -> Int { measure.measure(users: bytes.count, usersPerPart: 512) { bytes[$0] } }
        #expect(told() == 200_000)
        bytes += Array(repeating: 50, count: 20_000)
        #expect(abs(told() - 1_200_000) < 12_000)
        bytes.removeLast(21_000)
        #expect(told() == 100_000)
        bytes = bytes.map { $0 * 2 }
        #expect(told() == 200_000)
        bytes = []
        #expect(told() == 0)
    }
}
