public import EventLog
import Events

/// The past of an embedded log.
final class EmbeddedHistory: LogHistory {
    private static let batchBytesMax = 16 << 20

    private let log: EmbeddedLog
    private let range: Range<Int64>
    private var next: Int64
    private(set) var memory = LogMemory()

    init(log: EmbeddedLog, range: LogRange) throws(EventLogError) {
        self.log = log
        let held = log.extent.bounds
        let ranges = try range.resolve([EmbeddedLog.partition: held.earliest..<held.end], of: log.name)
        self.range = ranges[EmbeddedLog.partition] ?? held.end..<held.end
        next = self.range.lowerBound
        memory.identity = log.identity
        memory.origins = [:]
    }

    var positions: [Int32: Int64] { [EmbeddedLog.partition: next] }

    var fractionRead: Double {
        range.isEmpty ? 1 : Double(next - range.lowerBound) / Double(range.count)
    }

    func poll(into batch: inout LogBatch, recordsMax: Int, timeout: Duration) throws(EventLogError) -> Bool {
        try log.requireOpen()
        guard next < range.upperBound else { return false }
        let wanted = Int(min(Int64(recordsMax), range.upperBound - next))
        switch try log.store.read(from: next, recordsMax: wanted, bytesMax: Self.batchBytesMax, into: &batch)
        {
        case .next(let offset):
            // A read that brings nothing would never end: the records before the log's end are gone.
            guard offset > next else { throw gap(log.extent.bounds) }
            next = offset
            memory.last.merge(batch.fingerprints) { $1 }
        case .gap(let bounds): throw gap(bounds)
        case .damaged(let damage): throw log.failures.damaged(damage)
        }
        return true
    }

    private func gap(_ bounds: LogExtent.Bounds) -> EventLogError {
        EventLogError(
            .gap,
            "\(log.name): offset \(next) went while the log was being read; it now holds \(bounds.earliest) to "
                + "\(bounds.end) (end not included). Begin again")
    }

    func close() {}
}

extension EmbeddedLog: HistoricalLog {
    public func history(_ range: LogRange) throws(EventLogError) -> any LogHistory {
        try requireOpen()
        return try EmbeddedHistory(log: self, range: range)
    }
}
