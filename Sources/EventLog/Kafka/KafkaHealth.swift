import Locking
import Logging

/// Whether the broker answers and the topic exists; logs once per change.
final class KafkaHealth: Sendable {
    enum Side: Sendable { case consumer, producer }

    private struct State {
        /// By client, for each tells of its own connections; absent until the first answer or failure.
        var up: [Side: Bool] = [:]
        var topicMissing = false
        var closed = false
        var lastError: String?
        var lastErrorAt: ContinuousClock.Instant?

        mutating func note(_ error: String) {
            lastError = error
            lastErrorAt = .now
        }
    }

    private let options: KafkaOptions
    private let logger: Logger
    private let state = Lock(State())

    init(_ options: KafkaOptions, logger: Logger) {
        self.options = options
        self.logger = logger
    }

    var current: LogHealth {
        state.withLock { state in
            if state.closed { return LogHealth(reachable: false, lastError: "\(options.name) is closed") }
            if state.up.isEmpty {
                return LogHealth(
                    reachable: false, lastError: state.lastError ?? "\(options.name): not connected yet",
                    lastErrorAt: state.lastErrorAt)
            }
            let reachable = state.up.values.allSatisfy(\.self) && !state.topicMissing
            return LogHealth(
                reachable: reachable, lastError: state.topicMissing ? missingWords : state.lastError,
                lastErrorAt: state.lastErrorAt)
        }
    }

    /// Whether a client should ask now and then if the broker is back or the topic is there.
    func needsProbe(_ side: Side) -> Bool {
        state.withLock { $0.up[side] != true || (side == .consumer && $0.topicMissing) }
    }

    func up(_ side: Side) {
        let wasDown = state.withLock { $0.up.updateValue(true, forKey: side) == false }
        if wasDown { logger.notice("\(options.name) is reachable again") }
    }

    func down(_ side: Side, _ reason: String?) {
        let (wasDown, why) = state.withLock { state in
            state.note(reason ?? state.lastError ?? "no broker answers")
            return (state.up.updateValue(false, forKey: side) == false, state.lastError)
        }
        if !wasDown {
            logger.warning("\(options.name) is unreachable: \(why ?? "no broker answers"); trying on")
        }
    }

    func note(_ error: String) {
        state.withLock { $0.note(error) }
    }

    func topicMissing(_ missing: Bool) {
        let changed = state.withLock { state in
            if missing { state.note(missingWords) }
            defer { state.topicMissing = missing }
            return state.topicMissing != missing
        }
        guard changed else { return }
        if missing {
            logger.warning("\(missingWords)")
        } else {
            logger.notice("\(options.name) is there now")
        }
    }

    func close() {
        state.withLock { $0.closed = true }
    }

    private var missingWords: String {
        "\(options.name) does not exist; waiting for it. Create it: kafka-topics --bootstrap-server "
            + "\(options.brokers) --create --topic \(options.topic) --partitions 4"
    }
}
