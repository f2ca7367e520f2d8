// Feeding: files of events, or standard input, into a log.
//
// Here live the reading of several files as one sequence in the order of time, the two sinks (the daemon's socket, or
// the log itself), the pace, and what is said of it at the end. Events come in, and leave with a receipt each. What
// never comes in: anything that learns, and the configuration; who feeds opens the connection or the log.

import Events
public import Reporting

/// Passes events from a source to a sink, at the pace asked for.
///
/// ```swift
/// var source = try FeedSource(
///     FeedSource.Options(paths: ["ratings.csv"]), events: EventOptions(), isCancelled: { false },
///     onBadLine: { Terminal.writeError("\($0)") })
/// let sink = RPCSink(try RPCClient(socketPath: path), backoff: Backoff(isCancelled: { false }))
/// var feeder = Feeder(isCancelled: { false }, progress: EventProgress(isTerminal: Terminal.errorIsTerminal))
/// try feeder.run(&source, to: sink)
/// print(sink.receipts.acknowledged)
/// ```
public struct Feeder {
    /// Events after which it ends; `nil` for none.
    private let limit: Int?
    /// Events a second; 0 sets no pace.
    private let rate: Double
    private let isCancelled: () -> Bool
    /// Shows how far it is; its time runs from when it was made.
    public private(set) var progress: EventProgress

    /// - Parameters:
    ///   - limit: events after which it ends; `nil` for none.
    ///   - rate: events a second; 0 sets no pace.
    ///   - isCancelled: asked before each event, and ten times a second while it waits.
    public init(
        limit: Int? = nil, rate: Double = 0, isCancelled: @escaping () -> Bool, progress: EventProgress
    ) {
        (self.limit, self.rate, self.isCancelled, self.progress) = (limit, rate, isCancelled, progress)
    }

    /// Ends with the source, the limit, or when cancelled; all that was sent then has its answer.
    ///
    /// - Returns: where to go on, if it was cancelled before the end of a file; `nil` where nothing is missing.
    /// - Throws: what the sink throws; `CommandError` where the source cannot be read on, once all that was read before has
    ///   its answer. `sink.receipts` says what was sent until then.
    @discardableResult
    public mutating func run(_ source: inout FeedSource, to sink: any EventSink) throws -> EventPlace? {
        var pace = Pace(perSecond: rate)
        var count = 0
        let limit = limit
        while count < limit ?? .max {
            // Whoever feeds single events by a pipe wants each passed on before the next one comes.
            if !source.hasNext { try sink.drain() }
            guard try awaitTurn(&pace, sink), let event = try next(of: &source, sink) else { break }
            try sink.send(event, from: source.lastPlace)
            count += 1
            progress.update(events: count, fraction: Self.fraction(count, of: limit, source))
        }
        try sink.drain()
        guard count < limit ?? .max else { return nil }
        return isCancelled() ? source.placeToGoOn() : nil
    }

    private func next(of source: inout FeedSource, _ sink: any EventSink) throws -> Event? {
        do {
            return try source.next()
        } catch {
            // Counted is what has its answer, and the line that is named has to be the first that was not sent.
            try sink.drain()
            let place = source.faultPlace.map { "; what was read before it is sent: go on with \($0)" } ?? ""
            throw CommandError("\(error)\(place)", code: .data)
        }
    }

    /// Waits for the next event's turn in slices, so that Ctrl-C is heard; false when cancelled.
    private func awaitTurn(_ pace: inout Pace, _ sink: any EventSink) throws -> Bool {
        if pace.remaining > .zero { try sink.drain() }
        while !isCancelled() {
            let remaining = pace.remaining
            guard remaining > .zero else {
                pace.advance()
                return true
            }
            sleep(for: min(remaining, .milliseconds(100)))
        }
        return false
    }

    private static func fraction(_ count: Int, of limit: Int?, _ source: FeedSource) -> Double? {
        guard let limit else { return source.fraction }
        return Double(count) / Double(max(1, min(limit, source.total ?? limit)))
    }
}
