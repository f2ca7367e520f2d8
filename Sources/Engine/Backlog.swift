internal import Synchronization

/// What was taken from the log and is not learned yet. Added to by the ingest thread, taken off by the engine's queue,
/// read by anybody: each number is exact in itself, and who reads both may see one a batch older than the other, which
/// moves back-pressure by a batch.
final class Backlog: Sendable {
    private let eventCount = Atomic<Int>(0)
    private let byteCount = Atomic<Int>(0)

    var events: Int { eventCount.load(ordering: .relaxed) }
    /// Bytes of their records.
    var bytes: Int { byteCount.load(ordering: .relaxed) }

    func add(events: Int, bytes: Int) {
        eventCount.add(events, ordering: .relaxed)
        byteCount.add(bytes, ordering: .relaxed)
    }

    /// Events left.
    func subtract(events: Int, bytes: Int) -> Int {
        byteCount.subtract(bytes, ordering: .relaxed)
        return eventCount.subtract(events, ordering: .relaxed).newValue
    }
}
