import Dispatch
import EventLog
import Events
import Locking
import Logging

/// Produces dead letters, and keeps those that failed until a flush gets them through or the patience with them is
/// over.
final class KafkaDeadLetters: Sendable {
    private struct State {
        var unsent: [Letter] = []
        /// Produced, and not yet answered by the broker.
        var underway = 0
        var lastError: EventLogError?
        /// Since the last flush began, a letter was found too long and cut further.
        var wasCutFurther = false
        var patience: DeadLetterPatience
        var losses = DeadLetterLosses()
    }

    private struct Letter {
        let letter: DeadLetter
        /// Bytes of the payload that are sent.
        var payloadMax: Int
    }

    /// How long one flush waits, in seconds.
    private static let flushSeconds = 60
    /// The last one waits no longer than librdkafka needs to tell that a topic is missing.
    private static let lastFlushSeconds = 35

    private let options: KafkaOptions
    private let name: String
    private let logger: Logger
    private let underway = DispatchGroup()
    private let state: Lock<State>

    init(_ options: KafkaOptions, logger: Logger) {
        self.options = options
        self.logger = logger
        name = "dead-letter topic '\(options.deadLetterTopic)' at \(options.brokers)"
        state = Lock(State(patience: DeadLetterPatience(options.deadLetterPatience)))
    }

    /// Holds from the next flush on.
    func change(patience: Duration?) { state.withLock { $0.patience.limit = patience } }

    func put(_ letter: DeadLetter, through producer: KafkaProducer) {
        put(Letter(letter: letter, payloadMax: DeadLetterForm.payloadMax(options)), through: producer)
    }

    private func put(_ letter: Letter, through producer: KafkaProducer) {
        let form = DeadLetterForm(letter.letter, payloadMax: letter.payloadMax)
        underway.enter()
        state.withLock { $0.underway += 1 }
        do throws(EventLogError) {
            try producer.produce(
                topic: options.deadLetterTopic, key: form.key, value: form.payload, headers: form.headers
            ) { [self] result in
                switch result {
                case .success: if form.isCut { state.withLock { $0.losses.cut += 1 } }
                case .failure(let error): keep(letter, error)
                }
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
        keep(Letter(letter: letter, payloadMax: DeadLetterForm.payloadMax(options)), error)
    }

    private func keep(_ letter: Letter, _ error: EventLogError) {
        var letter = letter
        let sent = min(letter.payloadMax, letter.letter.payload.count)
        let isTooLong = error.code == .tooLarge && sent > 0
        // The topic allows less than the producer, and does not say how much.
        if isTooLong { letter.payloadMax = sent / 4 }
        state.withLock {
            $0.unsent.append(letter)
            $0.lastError = error
            $0.wasCutFurther = $0.wasCutFurther || isTooLong
        }
    }

    var hasUnsent: Bool { state.withLock { !$0.unsent.isEmpty } }

    /// Letters in memory: failed, or not yet answered by the broker.
    var held: Int { state.withLock { $0.unsent.count + $0.underway } }

    var losses: DeadLetterLosses { state.withLock { $0.losses } }

    /// Sends again what failed before, waits for all that is under way, and lets go what has failed for too long.
    func flush(through producer: KafkaProducer, isLast: Bool) throws(EventLogError) {
        if isLast, let refusal = state.withLock({ $0.unsent.isEmpty ? nil : $0.lastError }),
            refusal.isRefusal
        {
            // The broker has said no, and nobody is left to wait for another answer.
            return letGo(refusal)
        }
        let start = ContinuousClock.now
        let outcome = send(through: producer, seconds: isLast ? Self.lastFlushSeconds : Self.flushSeconds)
        guard let error = outcome else { return state.withLock { $0.patience.stored() } }
        guard state.withLock({ $0.patience.isOver(at: .now, since: start) }) || (isLast && error.isRefusal)
        else {
            throw EventLogError(error.code, "dead letters were not stored: \(error.message)")
        }
        letGo(error)
    }

    private func send(through producer: KafkaProducer, seconds: Int) -> EventLogError? {
        let deadline = DispatchTime.now() + .seconds(seconds)
        repeat {
            let again = state.withLock { state in
                defer { state.unsent = [] }
                state.wasCutFurther = false
                return state.unsent
            }
            for letter in again { put(letter, through: producer) }
            guard underway.wait(timeout: deadline) == .success else {
                return EventLogError(
                    .timedOut, "\(name): dead letters are still on their way after \(seconds) s")
            }
        } while state.withLock({ $0.wasCutFurther })
        return state.withLock { $0.unsent.isEmpty ? nil : $0.lastError }
    }

    /// What is still on its way is not waited for; it may arrive.
    private func letGo(_ error: EventLogError) {
        let letters = state.withLock { state in
            defer { state.unsent = [] }
            state.losses.dropped += state.unsent.count
            return state.unsent.map(\.letter)
        }
        if letters.isEmpty {
            logger.error("\(error.message); checkpoints no longer wait for them")
        } else {
            logger.error("\(DeadLetterPatience.farewell(to: letters, error))")
        }
    }
}

extension EventLogError {
    /// An answer, and the answer is no; anything else may pass by itself.
    fileprivate var isRefusal: Bool {
        switch code {
        case .refused, .unacceptable, .tooLarge, .topicMissing: true
        default: false
        }
    }
}
