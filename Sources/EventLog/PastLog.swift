public import Events
internal import Foundation
internal import SQLiteFiles

/// A log as it was: hands out what it held up to a moment, and takes nothing. Nobody is told what was read.
public final class PastLog: EventLog {
    /// Where what is read begins and ends, by partition.
    public let range: [Int32: Range<Int64>]
    public let name: String
    public var source: String { log.source }
    private let log: any HistoricalLog

    /// - Parameters:
    ///   - ends: one past the last record to hand out, of every partition (`LogMoment.ends`).
    ///   - starts: where to begin: at what a state that is restored stands, or where it began to learn.
    ///   - skipsGap: begins with the oldest record that is still there, where what comes before it is gone.
    /// - Throws: `.gap` where the log no longer holds what is needed, `.invalid` where it does not reach so far.
    public init(
        _ log: any HistoricalLog, until ends: [Int32: Int64], from starts: [Int32: Int64], skipsGap: Bool
    ) throws(EventLogError) {
        self.log = log
        let probe = try log.history(LogRange())
        defer { probe.close() }
        var range: [Int32: Range<Int64>] = [:]
        for (partition, end) in ends {
            var start = starts[partition] ?? 0
            let earliest = probe.positions[partition] ?? 0
            if start < earliest, start < end {
                guard skipsGap else {
                    throw EventLogError(
                        .gap,
                        "\(log.name), partition \(partition): to answer as of \(partition):\(end - 1) all is wanted from offset "
                            + "\(start) on, and the log holds \(earliest) on; the rest is deleted. Name a state.folder whose "
                            + "checkpoint stands between \(earliest) and \(end), or set source.on-gap: skip to learn without "
                            + "what is gone")
                }
                start = min(earliest, end)
            }
            guard start <= end else {
                throw EventLogError(
                    .invalid,
                    "\(log.name), partition \(partition): the state stands at \(start), behind \(end)")
            }
            range[partition] = start..<end
        }
        self.range = range
        let moment = ends.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value - 1)" }
        name = "\(log.name), as of \(moment.joined(separator: ","))"
        // What is past the log's end is found out now, and not in the middle of the replay.
        try history(behind: [:]).close()
    }

    fileprivate func history(behind positions: [Int32: Int64]) throws(EventLogError) -> any LogHistory {
        let starts = range.mapValues(\.lowerBound).merging(positions) { max($0, $1) }
        return try log.history(
            LogRange(from: .offsets(starts), to: .offsets(range.mapValues(\.upperBound))))
    }

    private var refusal: EventLogError {
        EventLogError(.unacceptable, "\(name): the past takes no events")
    }

    public func append(
        key: EntityID, payload: [UInt8], time: Int64,
        completion: @escaping @Sendable (Result<Token, EventLogError>) -> Void
    ) {
        completion(.failure(refusal))
    }

    /// Malformed records were put aside when they were the present.
    public func putAside(_ letter: DeadLetter) {}
    public var deadLettersHeld: Int { 0 }
    public var deadLetterLosses: DeadLetterLosses { DeadLetterLosses() }
    public func flushDeadLetters(isLast: Bool) throws(EventLogError) {}

    public func makeConsumer(
        _ options: ConsumerOptions, delegate: any ConsumerDelegate
    ) throws(EventLogError) -> any EventLogConsumer {
        PastConsumer(self, options: options, delegate: delegate)
    }

    public func partitions() -> [PartitionStatus] {
        range.sorted { $0.key < $1.key }.map {
            PartitionStatus(partition: $0.key, end: $0.value.upperBound, earliest: $0.value.lowerBound)
        }
    }

    public func health() -> LogHealth { log.health() }
    public func close() { log.close() }
}

/// Reads a range of the log once, and then has no more. Confined to its thread.
private final class PastConsumer: EventLogConsumer {
    private let log: PastLog
    private let delegate: any ConsumerDelegate
    private var history: (any LogHistory)?
    private var isRead = false
    private var paused = false
    var onGap: ConsumerOptions.OnGap

    init(_ log: PastLog, options: ConsumerOptions, delegate: any ConsumerDelegate) {
        self.log = log
        self.delegate = delegate
        onGap = options.onGap
    }

    func poll(into batch: inout LogBatch, recordsMax: Int, timeout: Duration) throws(EventLogError) {
        guard !paused, !isRead else { return Thread.sleep(forTimeInterval: timeout / .seconds(1)) }
        let history: any LogHistory
        if let opened = self.history { history = opened } else { history = try open() }
        self.history = history
        if try !history.poll(into: &batch, recordsMax: recordsMax, timeout: timeout) {
            isRead = true
            history.close()
        }
        // Of a partition whose last offsets are no records, the end is told without any.
        for (partition, next) in history.positions {
            batch.stand(partition, at: isRead ? log.range[partition]?.upperBound ?? next : next)
        }
    }

    private func open() throws(EventLogError) -> any LogHistory {
        var positions: [Int32: Int64] = [:]
        for partition in log.range.keys { positions[partition] = delegate.position(of: partition) }
        let history = try log.history(behind: positions)
        guard LogContinuity.isSame(delegate.logMemory.identity, history.memory.identity) else {
            throw EventLogError.otherLog(log.name, "it has another id", thing: "log")
        }
        return history
    }

    func pause() { paused = true }
    func resume() { paused = false }
    func commit(_ positions: [Int32: Int64]) {}
    func close() { history?.close() }
}
