public import EventLog
public import Events
internal import Foundation
internal import Logging
internal import State

extension Engine: ConsumerDelegate {
    /// Behind the batches that were polled before, so that what is in flight is not read twice.
    public func position(of partition: Int32) -> Int64? {
        onQueue { $0.positions[partition] }
    }

    public var logMemory: LogMemory { onQueue { $0.logMemory } }

    public func recognised(_ identity: String) {
        changeLogMemory { state in
            guard state.logMemory.identity != identity else { return false }
            state.logMemory.identity = identity
            return true
        }
    }

    public func began(_ origins: [Int32: Int64]) {
        changeLogMemory { state in
            state.logMemory.origins = origins
            return true
        }
        // A failure is logged by the checkpointer, and tried again by the next one.
        _ = checkpointAndWait()
    }

    public func began(partition: Int32, at offset: Int64) {
        move(partition, to: offset, skipped: 0)
        requestCheckpoint { _ in }
    }

    public func confirmed(partition: Int32, anchor: RecordFingerprint) {
        changeLogMemory { state in
            state.logMemory.anchors[partition] = anchor
            return true
        }
    }

    public func revoke(_ partitions: [Int32]) {
        logger.info("partitions revoked; making the state durable", metadata: ["partitions": "\(partitions)"])
        var waited: Bool
        repeat {
            // Asked before: what is learned while a checkpoint ends is not in it.
            waited = backlog.events > 0
            if case .failure(let error) = checkpointAndWait() {
                logger.error("revoked without a checkpoint", metadata: ["error": "\(error)"])
                // Who stops has nothing more to do with them.
                guard cluster != nil, !isStopped else { return }
                return failClusterOnceReachable(
                    EventLogError(
                        .mustRestart,
                        "partitions \(partitions) were taken away before what was learned of them was committed: whoever "
                            + "has them learns it again. Start anew, to go on from what is committed"))
            }
            // What was held back for want of memory can be learned after each checkpoint.
        } while waited && options.memoryLimit > 0 && !isStopped
        guard let cluster, !isStopped else { return }
        // Where nobody can be asked, nobody else can have been given them yet.
        if (try? cluster.topics.itemsEnd()) == nil { lend(partitions) } else { giveUp(partitions) }
        // One that began in between holds these partitions still: their next owner must not come before its commit.
        _ = checkpointAndWait()
    }

    public func skipped(partition: Int32, from: Int64, to: Int64) {
        logger.warning(
            "records are gone from the log and source.on-gap says skip",
            metadata: ["partition": "\(partition)", "from": "\(from)", "to": "\(to)"])
        guard learnWhatWaits() else { return }
        move(partition, to: to, skipped: max(0, to - from))
    }

    public func restarted(partition: Int32, at offset: Int64) {
        logger.warning(
            "the log is another one than was learned from, and source.on-gap says skip",
            metadata: ["partition": "\(partition)", "from": "\(offset)"])
        guard learnWhatWaits() else { return }
        restart(partition, at: offset)
    }

    /// Batches that were held back for want of memory come before what the log says next: a position that moves past them
    /// would have them taken for learned. False where the engine stops first; then all of it is read again.
    private func learnWhatWaits() -> Bool {
        while options.memoryLimit > 0, backlog.events > 0, !isStopped {
            // Somebody may leave memory after each checkpoint; where none can be written, a moment later.
            if case .failure = checkpointAndWait() { Thread.sleep(forTimeInterval: 0.1) }
        }
        return options.memoryLimit == 0 || !isStopped
    }
}
