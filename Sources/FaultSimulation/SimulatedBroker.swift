internal import EventLog
internal import Events
internal import Locking

/// What outlives the engine: a topic, what its group has committed, its dead letters. Safe from any thread.
final class SimulatedBroker: Sendable {
    struct Record: Sendable {
        var key: [UInt8]
        var payload: [UInt8]
        /// Milliseconds since 1970.
        var time: Int64
        var isTombstone: Bool
    }

    private struct State {
        var partitions: [[Record]]
        /// The oldest record still there.
        var earliest: [Int64]
        var committed: [Int32: Int64] = [:]
        var letters: Set<Token> = []
        /// The log's clock, milliseconds since 1970.
        var now: Int64
    }

    static let identity = "simulated-cluster"
    private let state: Lock<State>
    let partitionCount: Int

    init(partitions: Int, now: Int64) {
        partitionCount = partitions
        state = Lock(
            State(
                partitions: Array(repeating: [], count: partitions),
                earliest: Array(repeating: 0, count: partitions), now: now))
    }

    var now: Int64 { state.withLock { $0.now } }

    func setClock(by milliseconds: Int64) { state.withLock { $0.now = max(1_000, $0.now + milliseconds) } }

    /// FNV-1a, as any producer's partitioner: one key, one partition.
    func partition(of key: [UInt8]) -> Int32 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return Int32(hash % UInt64(partitionCount))
    }

    @discardableResult
    func append(_ record: Record) -> Token {
        let partition = partition(of: record.key)
        return state.withLock { state in
            state.partitions[Int(partition)].append(record)
            // A second a record, so that times are whole seconds.
            state.now += 1_000
            return Token(partition: partition, offset: Int64(state.partitions[Int(partition)].count) - 1)
        }
    }

    func extent(_ partition: Int32) -> Range<Int64> {
        state.withLock { $0.earliest[Int(partition)]..<Int64($0.partitions[Int(partition)].count) }
    }

    /// One past the newest record of each partition.
    var ends: [Int32: Int64] {
        state.withLock { state in
            Dictionary(
                uniqueKeysWithValues: state.partitions.enumerated().map { (Int32($0), Int64($1.count)) })
        }
    }

    /// Whether it is still there or not: checkers remember what the log forgot.
    func record(_ partition: Int32, _ offset: Int64) -> Record? {
        state.withLock { state in
            let records = state.partitions[Int(partition)]
            return offset >= 0 && offset < records.count ? records[Int(offset)] : nil
        }
    }

    /// Deletes all but the newest records, whether they were read or not.
    func retain(newest count: Int) {
        state.withLock { state in
            for partition in state.partitions.indices {
                let earliest = Int64(max(0, state.partitions[partition].count - count))
                state.earliest[partition] = max(state.earliest[partition], earliest)
            }
        }
    }

    /// The group says what is durable.
    func commit(_ positions: [Int32: Int64], deletesBehind: Bool) {
        state.withLock { state in
            for (partition, position) in positions {
                state.committed[partition] = position
                guard deletesBehind else { continue }
                state.earliest[Int(partition)] = max(state.earliest[Int(partition)], position)
            }
        }
    }

    var committed: [Int32: Int64] { state.withLock { $0.committed } }

    func store(_ letters: [DeadLetter]) { state.withLock { $0.letters.formUnion(letters.map(\.token)) } }
    var letters: Set<Token> { state.withLock { $0.letters } }
}
