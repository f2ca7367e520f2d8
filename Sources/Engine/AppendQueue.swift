internal import EventLog
internal import Events
internal import Locking
internal import LookUps

/// Events on their way into the log: checked, written as records and appended in the order in which they came, all that
/// wait in one go.
///
/// Not on the threads of those who bring them, which are event loops: to read and write a thousand events takes as long
/// as ten look-ups.
final class AppendQueue: Sendable {
    typealias Outcome = Result<Token, LookupError>

    private enum Entry: Sendable {
        case event(Event, @Sendable (Outcome) -> Void)
        case texts(EventTexts, @Sendable ([Outcome]) -> Void)
    }

    private struct State {
        var waiting: [Entry] = []
        /// A task to take them is on its way, or at it.
        var isTaking = false
    }

    private let log: any EventLog
    private let clock: WallClock
    private let options: EventOptions
    private let state = Lock(State())
    private let thread = SerialThread(name: "freshet-append", prepare: ThreadPriority.appendEvents)
    /// The thread's alone; a lock a batch costs nothing.
    private let decoder: Lock<EventDecoder>

    init(to log: any EventLog, events options: EventOptions, clock: WallClock) {
        self.log = log
        self.clock = clock
        self.options = options
        decoder = Lock(EventDecoder(options: options))
    }

    func append(_ event: Event, completion: @escaping @Sendable (Outcome) -> Void) {
        add(.event(event, completion))
    }

    func append(_ texts: EventTexts, completion: @escaping @Sendable ([Outcome]) -> Void) {
        add(.texts(texts, completion))
    }

    private func add(_ entry: Entry) {
        let starts = state.withLock { state in
            state.waiting.append(entry)
            defer { state.isTaking = true }
            return !state.isTaking
        }
        if starts { thread.async { self.takeAll() } }
    }

    private func takeAll() {
        while true {
            let entries = state.withLock { state in
                defer { state.waiting = [] }
                state.isTaking = !state.waiting.isEmpty
                return state.waiting
            }
            if entries.isEmpty { return }
            append(entries)
        }
    }

    private func append(_ entries: [Entry]) {
        var batch = Batch()
        for entry in entries {
            switch entry {
            case .event(let event, let completion):
                let place = batch.count
                batch.add(record(of: event))
                batch.tell { completion($0[place]) }
            case .texts(let texts, let completion):
                let first = batch.count
                decoder.withLock { decoder in
                    texts.forEach { batch.add(record(of: $0, by: decoder)) }
                }
                let places = first..<batch.count
                batch.tell { completion(Array($0[places])) }
            }
        }
        batch.append(to: log)
    }

    /// The record's time is when it was appended: a log's retention goes by it, and a broker refuses what is far from
    /// its clock. The event's own time stands in the payload.
    private func record(of event: Event) -> Result<LogRecord, LookupError> {
        do throws(EventError) {
            try options.check(event)
        } catch {
            return .failure(error.lookUpError)
        }
        return .success(
            LogRecord(key: event.key, payload: EventEncoder.record(of: event), time: clock.milliseconds))
    }

    private func record(
        of text: UnsafeRawBufferPointer, by decoder: EventDecoder
    ) -> Result<LogRecord, LookupError> {
        do throws(EventError) {
            let event = try decoder.decode(text)
            // What freshet wrote is what it would write again.
            let payload = decoder.hasReadOwn ? Array(text) : EventEncoder.record(of: event)
            return .success(LogRecord(key: event.key, payload: payload, time: clock.milliseconds))
        } catch {
            return .failure(error.lookUpError)
        }
    }
}

extension EventError {
    fileprivate var lookUpError: LookupError {
        if case .unknownModel = self { return LookupError(.noModel, description) }
        return LookupError(.invalid, description)
    }
}

/// What is appended in one go, and who is told of which part.
private struct Batch {
    private var records: [LogRecord] = []
    /// Where each record stands among all that were added.
    private var places: [Int] = []
    private var outcomes: [AppendQueue.Outcome] = []
    private var listeners: [@Sendable ([AppendQueue.Outcome]) -> Void] = []

    /// Stands where the log's answer will.
    private static let unanswered = AppendQueue.Outcome.failure(
        LookupError(.unavailable, "the log has not answered"))

    var count: Int { outcomes.count }

    mutating func add(_ record: Result<LogRecord, LookupError>) {
        switch record {
        case .success(let record):
            records.append(record)
            places.append(outcomes.count)
            outcomes.append(Self.unanswered)
        case .failure(let error): outcomes.append(.failure(error))
        }
    }

    /// - Parameter listener: told of all outcomes; takes its own.
    mutating func tell(_ listener: @escaping @Sendable ([AppendQueue.Outcome]) -> Void) {
        listeners.append(listener)
    }

    func append(to log: any EventLog) {
        guard !records.isEmpty else { return listeners.forEach { $0(outcomes) } }
        log.append(records) { [places, outcomes, listeners] answers in
            var outcomes = outcomes
            for (place, answer) in zip(places, answers) {
                outcomes[place] = answer.mapError { LookupError($0.code.lookUpCode, $0.message) }
            }
            listeners.forEach { $0(outcomes) }
        }
    }
}
