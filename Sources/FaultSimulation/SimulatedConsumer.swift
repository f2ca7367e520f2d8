internal import EventLog
internal import Events
internal import Foundation
internal import Locking

/// Hands out what it is ordered to. Confined to its thread, but for `commit`.
final class SimulatedConsumer: EventLogConsumer {
    private let log: SimulatedLog
    private let delegate: any ConsumerDelegate
    var onGap: ConsumerOptions.OnGap
    /// Where each partition stands, of those that are assigned.
    private var next: [Int32: Int64] = [:]
    /// Partitions whose next offset the engine does not know: it has never seen them, and was handed nothing of them.
    private var unknown: Set<Int32> = []
    private var hasStarted = false
    private var paused = false

    init(_ log: SimulatedLog, options: ConsumerOptions, delegate: any ConsumerDelegate) {
        self.log = log
        self.delegate = delegate
        onGap = options.onGap
    }

    func poll(into batch: inout LogBatch, recordsMax: Int, timeout: Duration) throws(EventLogError) {
        let order = log.exchange.next()
        if log.isCut { throw EventLogError(.closed, "the process is gone") }
        switch order {
        case .nothing: break
        case .fail: throw EventLogError(.closed, "the process is gone")
        case .runFreely: Thread.sleep(forTimeInterval: 0.0002)
        case .deliver(let count):
            if !hasStarted { try assignAll() }
            if !paused, log.health().reachable { try deliver(min(count, recordsMax), into: &batch) }
        case .revoke(let partition):
            guard next[partition] != nil else { return }
            if log.flaw != .revokedUnlearned { delegate.revoke([partition]) }
            if !unknown.contains(partition) { log.noteRevoked(partition, at: next[partition]) }
            next[partition] = nil
        case .assign: try assignAll()
        }
    }

    private func assignAll() throws(EventLogError) {
        hasStarted = true
        for partition in 0..<Int32(log.broker.partitionCount) where next[partition] == nil {
            next[partition] = try start(partition)
        }
    }

    /// Where to begin, once it is clear that this is the log that was learned from.
    private func start(_ partition: Int32) throws(EventLogError) -> Int64 {
        let extent = log.broker.extent(partition)
        let memory = delegate.logMemory
        unknown.remove(partition)
        if memory.origins == nil { delegate.began([:]) }
        guard LogContinuity.isSame(memory.identity, SimulatedBroker.identity) else {
            throw .otherLog(log.name, "it has another id", thing: "log")
        }
        delegate.recognised(SimulatedBroker.identity)
        guard let position = delegate.position(of: partition) else {
            log.noteSkipped(partition, from: 0, to: extent.lowerBound, isCounted: false)
            unknown.insert(partition)
            return extent.lowerBound
        }
        let stand = LogContinuity.Stand(next: position, learned: memory.learned(partition))
        let there = LogContinuity.Extent(earliest: extent.lowerBound, end: extent.upperBound)
        let found = LogContinuity.witnesses(of: stand, in: there).compactMap { fingerprint(partition, $0) }
        switch LogContinuity.judge(stand, there, found: found) {
        case .continues:
            if let last = memory.last[partition] { delegate.confirmed(partition: partition, anchor: last) }
            return position
        case .gap: return try cross(partition, from: position)
        case .tooShort: throw .tooShort(log.name, partition, next: position, there, thing: "log")
        case .differs(let offset): throw .otherRecord(log.name, partition, at: offset, thing: "log")
        }
    }

    private func cross(_ partition: Int32, from position: Int64) throws(EventLogError) -> Int64 {
        let extent = log.broker.extent(partition)
        guard onGap == .skip else {
            throw .gap(log.name, partition, next: position, holds: "it holds \(extent)", thing: "log")
        }
        delegate.skipped(partition: partition, from: position, to: extent.lowerBound)
        unknown.remove(partition)
        log.noteSkipped(partition, from: position, to: extent.lowerBound, isCounted: true)
        return extent.lowerBound
    }

    private func fingerprint(_ partition: Int32, _ offset: Int64) -> RecordFingerprint? {
        guard let record = log.broker.record(partition, offset) else { return nil }
        return record.key.withUnsafeBytes { key in
            record.payload.withUnsafeBytes { payload in
                RecordFingerprint(offset: offset, key: key, payload: payload, time: record.time)
            }
        }
    }

    /// Some of each partition that is assigned.
    private func deliver(_ count: Int, into batch: inout LogBatch) throws(EventLogError) {
        var left = count
        for partition in next.keys.sorted() {
            guard var offset = next[partition] else { continue }
            if offset < log.broker.extent(partition).lowerBound {
                offset = try cross(partition, from: offset)
            }
            guard left > 0 else {
                next[partition] = offset
                continue
            }
            let share = partition == next.keys.max() ? left : max(1, left / next.count)
            let end = min(log.broker.extent(partition).upperBound, offset + Int64(share))
            next[partition] = offset
            guard offset < end else { continue }
            for offset in offset..<end {
                guard let record = log.broker.record(partition, offset) else { continue }
                record.payload.withUnsafeBytes {
                    batch.append(
                        token: Token(partition: partition, offset: offset), time: record.time, payload: $0,
                        isTombstone: record.isTombstone)
                }
            }
            left -= Int(end - offset)
            next[partition] = end
            unknown.remove(partition)
            batch.stand(partition, at: end, last: fingerprint(partition, end - 1))
        }
    }

    func pause() { paused = true }
    func resume() { paused = false }
    func commit(_ positions: [Int32: Int64]) {
        // Planted: the log is told what was handed out rather than what is durable.
        log.commit(log.flaw == .committedTooSoon ? log.broker.ends : positions)
    }
    func close() {
        if !next.isEmpty, !log.isCut { delegate.revoke(next.keys.sorted()) }
    }
}
