import Dispatch
public import EventLog
public import Events
import Foundation
import Locking
import Reporting

/// Feeds straight into a log, with a bounded number of appends on their way.
///
/// An event for which the log has no room, or that it did not take in time, is sent again after a while. Of one that a broker had
/// been sent when it went away nobody knows whether it is stored: it may be in the log twice, as where a daemon goes away.
public final class LogSink: EventSink {
    /// Between two looks at whether somebody has interrupted.
    private static let slice: DispatchTimeInterval = .milliseconds(100)

    private struct Sent {
        /// From 1, in the order of sending.
        let number: Int
        let event: Event
        let place: EventPlace?
    }

    private struct Answers {
        var receipts = Receipts()
        /// On their way or postponed, by their numbers.
        var unanswered: [Int: Sent] = [:]
        /// To be sent again, and why the last one is.
        var postponed: [Sent] = []
        var postponement = ""
        /// Whether that is because the log did not answer in time, rather than for want of room.
        var isOutage = false
    }

    private let log: any EventLog
    private let options: EventOptions
    private let window: Int
    private var backoff: Backoff
    /// One permit per append that may still be sent.
    private let permits: DispatchSemaphore
    private let answers = Shared(Answers())

    /// - Parameters:
    ///   - options: field names, for the records as the daemon will read them.
    ///   - window: appends that may be without an answer at once.
    ///   - backoff: how to wait while the log is full, or out of reach; once it is cancelled, answers are awaited no more.
    public init(_ log: any EventLog, options: EventOptions, window: Int = 4_096, backoff: Backoff) {
        self.log = log
        self.options = options
        self.window = window
        self.backoff = backoff
        // Filled afterwards: Dispatch ends the process where a semaphore goes with less than it was made with, as it does
        // here where answers never came.
        permits = DispatchSemaphore(value: 0)
        for _ in 0..<window { permits.signal() }
    }

    /// What became of the events so far.
    public var receipts: Receipts { answers.mutex.withLock { $0.receipts } }

    /// Where the first event was read that has no answer yet.
    public var firstUnanswered: EventPlace? {
        answers.mutex.withLock { answers in
            answers.unanswered.min(by: { $0.key < $1.key })?.value.place
        }
    }

    /// Appends one event; its time is now where it has none.
    ///
    /// - Throws: `CommandError` where the log stays full, or away, for longer than the backoff has patience, or somebody
    ///   interrupts before it has answered.
    public func send(_ event: Event, from place: EventPlace?) throws {
        if answers.mutex.withLock({ !$0.postponed.isEmpty }) { try drain() }
        try takePermits(1)
        let sent = answers.mutex.withLock { answers -> Sent in
            answers.receipts.sent += 1
            let sent = Sent(number: answers.receipts.sent, event: event, place: place)
            answers.unanswered[sent.number] = sent
            return sent
        }
        append(sent)
    }

    /// Waits for all answers, and appends again what the log did not take. Throws as `send` does.
    public func drain() throws {
        try awaitAnswers()
        while let next = answers.mutex.withLock({ $0.postponed.isEmpty ? nil : $0.postponed.removeFirst() }) {
            guard backoff.wait() else { throw givenUp(at: next) }
            let (before, began) = (receipts.acknowledged, ContinuousClock.now)
            try takePermits(1)
            append(next, again: true)
            try awaitAnswers()
            guard receipts.acknowledged > before else {
                backoff.count(began.duration(to: .now))
                continue
            }
            backoff.reset()
            try appendOthersOfOutage()
        }
    }

    /// Once one is taken: after an outage that is all that were on their way, too many for a wait before each. Where the log was full it
    /// goes on one by one, as it may take a later one and not an earlier one.
    private func appendOthersOfOutage() throws {
        let others = answers.mutex.withLock { answers -> [Sent] in
            guard answers.isOutage else { return [] }
            defer { answers.postponed = [] }
            return answers.postponed
        }
        for sent in others {
            try takePermits(1)
            append(sent)
        }
        try awaitAnswers()
    }

    private func givenUp(at first: Sent) -> CommandError {
        let why = answers.mutex.withLock { $0.postponement }
        let place = first.place.map { "\($0)" } ?? "one of \(first.event.key)"
        return CommandError(
            "\(log.name) takes no more events (\(why)); the first that it does not hold is \(place)",
            code: .unavailable)
    }

    /// Gives back the permit that was taken for it, with the answer.
    private func append(_ sent: Sent, again: Bool = false) {
        let event = sent.event
        // The event's own time is in the payload: by the record's, a broker decides what it deletes and refuses.
        let time = WallClock.system.milliseconds
        let payload = EventEncoder.record(of: event)
        log.append(key: event.key, payload: payload, time: time) { [answers, permits] result in
            answers.mutex.withLock { answers in
                switch result {
                case .success(let token):
                    answers.receipts.acknowledge(token)
                    answers.unanswered[sent.number] = nil
                case .failure(let error) where error.code == .full || error.code == .timedOut:
                    // Who is sent again keeps its place before the others that wait.
                    answers.postponed.insert(sent, at: again ? 0 : answers.postponed.count)
                    answers.postponement = error.message
                    answers.isOutage = error.code == .timedOut
                case .failure(let error):
                    answers.receipts.refuse(event, from: sent.place, error.message)
                    answers.unanswered[sent.number] = nil
                }
            }
            permits.signal()
        }
    }

    /// Takes all permits, which the last append on its way gives back.
    private func awaitAnswers() throws {
        try takePermits(window)
        givePermits(window)
    }

    /// Waits in slices, so that whoever interrupts is heard; what is there already is taken even then.
    private func takePermits(_ count: Int) throws {
        var taken = 0
        var end = DispatchTime.now() + Self.slice
        while taken < count {
            if permits.wait(timeout: end) == .success {
                taken += 1
            } else if backoff.isCancelled() {
                givePermits(taken)
                throw CommandError("interrupted before \(log.name) had answered", code: .unavailable)
            } else {
                end = .now() + Self.slice
            }
        }
    }

    private func givePermits(_ count: Int) {
        for _ in 0..<count { permits.signal() }
    }
}

/// A mutex that closures can hold on to.
private final class Shared<Value: Sendable>: Sendable {
    let mutex: Lock<Value>
    init(_ value: sending Value) { mutex = Lock(value) }
}
