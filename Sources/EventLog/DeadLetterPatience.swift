import Events

/// How long dead letters that cannot be stored may hold the state back from being durable. Pure: told the time.
package struct DeadLetterPatience {
    /// `nil` for ever.
    package var limit: Duration?
    private var failingSince: ContinuousClock.Instant?

    package init(_ limit: Duration?) { self.limit = limit }

    /// All that was put aside is stored.
    package mutating func stored() { failingSince = nil }

    /// Letters that were first sent at `start`, or earlier, could not be stored: whether that has lasted for too long.
    /// They are then let go, and the next ones have the whole time again.
    package mutating func isOver(at now: ContinuousClock.Instant, since start: ContinuousClock.Instant)
        -> Bool
    {
        let since = failingSince ?? start
        failingSince = since
        guard let limit, since.duration(to: now) >= limit else { return false }
        failingSince = nil
        return true
    }

    /// What the log says of letters that are let go.
    package static func farewell(to letters: [DeadLetter], _ error: EventLogError) -> String {
        let tokens = letters.prefix(10).map(\.token.description).joined(separator: " ")
        let more = letters.count > 10 ? " and \(letters.count - 10) more" : ""
        return
            "\(letters.count) dead letters are let go (source.dead-letter-wait-s), of the records \(tokens)\(more): "
            + error.message
    }
}
