import Dispatch
import Events
import Locking

/// Produces dead letters, and keeps those that failed until a flush gets them through.
final class KafkaDeadLetters: Sendable {
    private struct State {
        var unsent: [DeadLetter] = []
        /// Produced, and not yet answered by the broker.
        var underway = 0
        var lastError: EventLogError?
    }

    private static let flushTimeout: DispatchTimeInterval = .seconds(60)

    private let topic: String
    private let name: String
    private let underway = DispatchGroup()
    private let state = Lock(State())

    init(_ options: KafkaOptions) {
        topic = options.deadLetterTopic
        name = "dead-letter topic '\(options.deadLetterTopic)' at \(options.brokers)"
    }

    /// The key is the token, so that a replay's second copy can be told, and a compacted topic drops it.
    func put(_ letter: DeadLetter, through producer: KafkaProducer) {
        let token = letter.token.description
        underway.enter()
        state.withLock { $0.underway += 1 }
        do throws(EventLogError) {
            try producer.produce(
                topic: topic, key: Array(token.utf8), value: letter.payload, time: letter.time,
                headers: [("reason", letter.reason), ("token", token)]
            ) { [self] result in
                if case .failure(let error) = result { keep(letter, error) }
                leave()
            }
        } catch {
            keep(letter, error)
            leave()
        }
    }

    private func leave() {
        state.withLock { $0.underway -= 1 }
        underway.leave()
    }

    func keep(_ letter: DeadLetter, _ error: EventLogError) {
        state.withLock {
            $0.unsent.append(letter)
            $0.lastError = error
        }
    }

    var hasUnsent: Bool { state.withLock { !$0.unsent.isEmpty } }

    /// Letters in memory: failed, or not yet answered by the broker.
    var held: Int { state.withLock { $0.unsent.count + $0.underway } }

    /// Sends again what failed before, then waits for all that is under way.
    func flush(through producer: KafkaProducer) throws(EventLogError) {
        let again = state.withLock { state in
            defer { state.unsent = [] }
            return state.unsent
        }
        for letter in again { put(letter, through: producer) }
        guard underway.wait(timeout: .now() + Self.flushTimeout) == .success else {
            throw EventLogError(
                .timedOut, "\(name): dead letters are still on their way after 60 s; trying on")
        }
        if let error = state.withLock({ $0.unsent.isEmpty ? nil : $0.lastError }) {
            throw EventLogError(error.code, "dead letters were not stored: \(error.message)")
        }
    }
}
