public import Events

/// Records that a log holds already, read once from one offset to another.
///
/// Apart from the log's consumer: it joins no group, commits nothing and takes no partition away from a daemon that
/// runs meanwhile. Confined to one thread.
public protocol LogHistory: AnyObject {
    /// The next offset of each partition: once all is read, where a consumer goes on without a break.
    var positions: [Int32: Int64] { get }

    /// What a state learned from all that was read remembers of the log.
    var memory: LogMemory { get }

    /// Part of the offsets already read, 0 to 1.
    var fractionRead: Double { get }

    /// Appends up to `recordsMax` records to `batch`; waits up to `timeout` for the first one. False once all is read.
    ///
    /// - Throws: `.gap` where records went while they were being read, `.unreachable` when nothing comes for long.
    func poll(into batch: inout LogBatch, recordsMax: Int, timeout: Duration) throws(EventLogError) -> Bool

    func close()
}

/// A log whose past can be read.
public protocol HistoricalLog: EventLog {
    /// - Throws: `.invalid` for a range that the log does not hold.
    func history(_ range: LogRange) throws(EventLogError) -> any LogHistory
}

/// Which part of a log to read: by default all that is there at the beginning.
public struct LogRange: Sendable, Equatable {
    /// One end of the range.
    public enum Bound: Sendable, Equatable {
        /// The oldest record, or one past the newest.
        case whole
        /// An offset of the only partition.
        case offset(Int64)
        /// Offsets by partition; those not named are read whole.
        case offsets([Int32: Int64])

        /// Reads `OFFSET`, or `PARTITION:OFFSET` several times with commas between; `nil` when it is anything else.
        public init?(_ text: String) {
            if let offset = Int64(text) {
                guard offset >= 0 else { return nil }
                self = .offset(offset)
                return
            }
            var offsets: [Int32: Int64] = [:]
            for part in text.split(separator: ",", omittingEmptySubsequences: false) {
                guard let token = Token(part), offsets[token.partition] == nil else { return nil }
                offsets[token.partition] = token.offset
            }
            self = .offsets(offsets)
        }
    }

    /// The first offset read.
    public var from: Bound
    /// One past the last offset read.
    public var to: Bound

    public init(from: Bound = .whole, to: Bound = .whole) {
        self.from = from
        self.to = to
    }

    /// The offsets to read of each partition, which holds `held`.
    ///
    /// - Throws: `.invalid` where they are not all held.
    func resolve(_ held: [Int32: Range<Int64>], of name: String) throws(EventLogError) -> [Int32: Range<
        Int64
    >] {
        var ranges: [Int32: Range<Int64>] = [:]
        try requirePartitions(held, name)
        for (partition, held) in held {
            let from = try offset(from, of: partition) ?? held.lowerBound
            let to = try offset(to, of: partition) ?? held.upperBound
            guard held.lowerBound <= from, from <= to, to <= held.upperBound else {
                throw EventLogError(
                    .invalid,
                    "\(name), partition \(partition): offsets \(from) to \(to) were asked for, it holds "
                        + "\(held.lowerBound) to \(held.upperBound) (end not included)")
            }
            ranges[partition] = from..<to
        }
        return ranges
    }

    private func offset(_ bound: Bound, of partition: Int32) throws(EventLogError) -> Int64? {
        switch bound {
        case .whole: nil
        case .offset(let offset): offset
        case .offsets(let offsets): offsets[partition]
        }
    }

    private func requirePartitions(_ held: [Int32: Range<Int64>], _ name: String) throws(EventLogError) {
        for bound in [from, to] {
            switch bound {
            case .whole: continue
            case .offset where held.count > 1:
                throw EventLogError(
                    .invalid, "\(name) has \(held.count) partitions; write partition:offset, say 0:1000,1:980"
                )
            case .offset: continue
            case .offsets(let offsets):
                guard let unknown = offsets.keys.sorted().first(where: { held[$0] == nil }) else { continue }
                let known = held.keys.sorted().map(String.init).joined(separator: ", ")
                throw EventLogError(.invalid, "\(name) has no partition \(unknown), only \(known)")
            }
        }
    }
}
