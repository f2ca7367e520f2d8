internal import Events

/// A moment of a log's past.
public enum LogMoment: Sendable, Equatable {
    /// When these records, one of each partition, were the newest.
    case tokens([Int32: Int64])
    /// Before the first record of each partition that is later than this, in milliseconds since 1970 and as the log times it.
    case time(Int64)

    /// Reads `PARTITION:OFFSET`, several with commas between; `nil` when it is anything else.
    public init?(tokens text: String) {
        var offsets: [Int32: Int64] = [:]
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let token = Token(part), token.offset < .max, offsets[token.partition] == nil else {
                return nil
            }
            offsets[token.partition] = token.offset
        }
        self = .tokens(offsets)
    }
}

extension LogMoment {
    private static let recordsAtOnce = 8_192

    /// One past the last record of each partition at that moment.
    ///
    /// - Throws: `.invalid` where a partition is not named, or the log does not reach so far; what reading throws.
    public func ends(in log: any HistoricalLog) throws(EventLogError) -> [Int32: Int64] {
        let history = try log.history(LogRange())
        defer { history.close() }
        let earliest = history.positions
        switch self {
        case .tokens(let offsets):
            let missing = earliest.keys.filter { offsets[$0] == nil }.sorted()
            guard missing.isEmpty else {
                throw EventLogError(
                    .invalid,
                    "\(log.name) has \(earliest.count) partitions; name a token of each, with commas between: "
                        + "\(missing.map(String.init).joined(separator: ", ")) is missing")
            }
            return offsets.mapValues { $0 + 1 }
        case .time(let time):
            return try ends(at: time, history)
        }
    }

    /// Reads until every partition has a later record, or none is left.
    private func ends(at time: Int64, _ history: any LogHistory) throws(EventLogError) -> [Int32: Int64] {
        var later: [Int32: Int64] = [:]
        var batch = LogBatch()
        while later.count < history.positions.count,
            try history.poll(
                into: &batch, recordsMax: Self.recordsAtOnce, timeout: .milliseconds(100))
        {
            for record in batch.records where record.time > time && later[record.token.partition] == nil {
                later[record.token.partition] = record.token.offset
            }
            batch.removeAll()
        }
        return history.positions.merging(later) { $1 }
    }
}
