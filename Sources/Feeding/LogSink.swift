import Dispatch
public import EventLog
public import Events
import Foundation
import Locking
import Reporting

/// Feeds straight into a log, with a bounded number of appends on their way.
public final class LogSink: EventSink {
    private struct Answers {
        var receipts = Receipts()
        /// Refused because the log was full; sent again.
        var postponed: [Event] = []
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
    ///   - backoff: how to wait while the log is full.
    public init(_ log: any EventLog, options: EventOptions, window: Int = 4_096, backoff: Backoff) {
        self.log = log
        self.options = options
        self.window = window
        self.backoff = backoff
        permits = DispatchSemaphore(value: window)
    }

    /// What became of the events so far.
    public var receipts: Receipts { answers.mutex.withLock { $0.receipts } }

    /// Appends one event; its time is now where it has none.
    ///
    /// - Throws: `CommandError` where the log stays full for longer than the backoff has patience.
    public func send(_ event: Event, from place: EventPlace?) throws {
        if answers.mutex.withLock({ !$0.postponed.isEmpty }) { try drain() }
        answers.mutex.withLock { $0.receipts.sent += 1 }
        append(event)
    }

    /// Waits for all answers, and appends again what the log had no room for. Throws as `send` does.
    public func drain() throws {
        awaitAnswers()
        while let event = answers.mutex.withLock({ $0.postponed.isEmpty ? nil : $0.postponed.removeFirst() })
        {
            guard backoff.wait() else {
                throw CommandError("\(log.name) is full and takes no more events", code: .unavailable)
            }
            let before = receipts.acknowledged
            append(event, again: true)
            awaitAnswers()
            if receipts.acknowledged > before { backoff.reset() }
        }
    }

    private func append(_ event: Event, again: Bool = false) {
        permits.wait()
        // The event's own time is in the payload: by the record's, a broker decides what it deletes and refuses.
        let time = WallClock.system.milliseconds
        let payload = EventEncoder.record(of: event)
        log.append(key: event.key, payload: payload, time: time) { [answers, permits] result in
            answers.mutex.withLock { answers in
                switch result {
                case .success(let token): answers.receipts.acknowledge(token)
                case .failure(let error) where error.code == .full:
                    // Who is sent again keeps its place before the others that wait.
                    answers.postponed.insert(event, at: again ? 0 : answers.postponed.count)
                case .failure(let error): answers.receipts.refuse(event, error.message)
                }
            }
            permits.signal()
        }
    }

    /// Takes all permits, which the last append on its way gives back.
    private func awaitAnswers() {
        for _ in 0..<window { permits.wait() }
        for _ in 0..<window { permits.signal() }
    }
}

/// A mutex that closures can hold on to.
private final class Shared<Value: Sendable>: Sendable {
    let mutex: Lock<Value>
    init(_ value: sending Value) { mutex = Lock(value) }
}
