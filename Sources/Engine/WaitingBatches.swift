internal import Events
internal import Locking
internal import StreamLearning

/// Batches that the ingest thread has handed over and the engine's queue has not begun to learn. While the queue is busy
/// what comes is added to the last one, up to the size of a batch: so batches grow with the load, and an event that comes
/// alone is not delayed.
///
/// Each batch that is not added to another has its own turn on the queue, in order. Hence whoever waits for a turn after
/// handing over finds all learned that was handed over before.
final class WaitingBatches: Sendable {
    private let batches = Lock<[IngestBatch]>([])

    /// False where it was added to one whose turn is still to come.
    func put(_ batch: IngestBatch, eventsMax: Int) -> Bool {
        batches.withLock { batches in
            guard let last = batches.indices.last,
                batches[last].recordCount + batch.recordCount <= eventsMax
            else {
                batches.append(batch)
                return true
            }
            batches[last].append(batch)
            return false
        }
    }

    /// Bytes held.
    var bytes: Int { batches.withLock { $0.reduce(0) { $0 + $1.events.bytes } } }

    /// The oldest one again, whose turn was no time to learn it.
    func putBack(_ batch: IngestBatch) { batches.withLock { $0.insert(batch, at: 0) } }

    /// The oldest one.
    func take() -> IngestBatch? {
        batches.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }
}
