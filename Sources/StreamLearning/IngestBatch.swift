package import Events

/// An event with its place in the log.
package struct LoggedEvent: Sendable {
    package var token: Token
    /// Milliseconds since 1970, as the log says; stands in where the event has no time of its own.
    package var logTime: Int64
    package var event: Event

    package init(token: Token, logTime: Int64, event: Event) {
        self.token = token
        self.logTime = logTime
        self.event = event
    }
}

/// Events taken from the log together, decoded.
package struct IngestBatch: Sendable {
    package var events = DecodedEvents()
    /// Next offset per partition once this batch is applied.
    package var positions: [Int32: Int64] = [:]
    /// The last record of each partition.
    package var fingerprints: [Int32: RecordFingerprint] = [:]
    /// Records that are no events; by token, because what comes again after a rebalance is not counted again.
    package var deadLetters: [Token] = []
    /// Records without a payload.
    package var tombstones: [Token] = []
    /// Bytes of the records as the log handed them out.
    package var bytes = 0
    /// When the first of them came into the log, in milliseconds since 1970.
    package var oldestTime: Int64?

    package init(events: [LoggedEvent] = [], positions: [Int32: Int64] = [:]) {
        for logged in events { self.events.append(logged) }
        self.positions = positions
    }

    /// Records this batch stands for.
    package var recordCount: Int { events.count + deadLetters.count + tombstones.count }

    /// Takes the batch that was taken from the log after this one.
    package mutating func append(_ later: IngestBatch) {
        events.append(later.events)
        positions.merge(later.positions) { $1 }
        fingerprints.merge(later.fingerprints) { $1 }
        deadLetters += later.deadLetters
        tombstones += later.tombstones
        bytes += later.bytes
        oldestTime = oldestTime ?? later.oldestTime
    }
}

extension DecodedEvents {
    package mutating func append(_ logged: LoggedEvent) {
        append(logged.event, token: logged.token, logTime: logged.logTime)
    }
}
