import Events

/// Passes events from a source to a sink, at the pace asked for.
struct Feeder {
    var limit: Int?
    /// Events a second; 0 sets no pace.
    var rate = 0.0
    var isCancelled: () -> Bool
    var progress: Progress

    /// Ends with the source, the limit, or when cancelled; all that was sent then has its answer.
    mutating func run(_ source: inout FeedSource, to sink: any EventSink) throws {
        var pace = Pace(perSecond: rate)
        var count = 0
        let limit = limit
        while limit.map({ count < $0 }) ?? true {
            // Whoever feeds single events by a pipe wants each passed on before the next one comes.
            if !source.hasNext { try sink.drain() }
            guard try awaitTurn(&pace, sink), let event = try source.next() else { break }
            try sink.send(event)
            count += 1
            progress.update(events: count, fraction: Self.fraction(count, of: limit, source))
        }
        try sink.drain()
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
