public import Events
public import RESP
import Reporting

/// The part of `RPCClient` that the sink needs; tests put a daemon of their own behind it.
public protocol RPCConnection: AnyObject {
    /// Queues one command.
    func send(_ arguments: [String]) throws(RPCClientError)
    /// Writes what is queued.
    func flush() throws(RPCClientError)
    /// Waits for the next answer, in the order of the commands.
    func receive() throws(RPCClientError) -> RESPValue
}

extension RPCClient: RPCConnection {}

/// Feeds over the daemon's socket by `FEED`, many events a command, and many on their way before the first answer is read.
///
/// An event answered with OVERLOADED or UNAVAILABLE is sent again after a while; events sent behind it in the
/// same window may overtake it. Where the connection is lost, say because the daemon restarts, the sink waits for it and
/// goes on with the first event that has no answer; an event whose answer was lost with the connection is then in the
/// log twice.
public final class RPCSink: EventSink {
    /// Events of one command at most.
    private static let commandEventsMax = 512
    /// The daemon refuses commands over a megabyte.
    private static let commandBytesMax = 256 << 10

    private struct Sent {
        let event: Event
        let place: EventPlace?
        let text: String
    }

    private var connection: any RPCConnection
    private let reconnect: (() throws -> any RPCConnection)?
    private let say: (String) -> Void
    private let window: Int
    private let commandEventsMax: Int
    private var backoff: Backoff
    /// Events that go out with the next command.
    private var waiting: [Sent] = []
    private var waitingBytes = 0
    /// Commands without an answer, by their events.
    private var inFlight: [[Sent]] = []
    private var inFlightCount = 0
    private var postponed: [Sent] = []
    /// Postponed before, and now sent again, one by one.
    private var resending: [Sent] = []
    /// Why the last one was postponed.
    private var postponement = ""
    /// What became of the events so far.
    public private(set) var receipts = Receipts()
    /// Where the first event was read that has no answer yet.
    public var firstUnanswered: EventPlace? {
        (resending.first ?? postponed.first ?? inFlight.first?.first ?? waiting.first)?.place
    }

    /// - Parameters:
    ///   - window: events that may be without an answer at once.
    ///   - backoff: how to wait while the daemon is overloaded, or gone.
    ///   - reconnect: opens the connection again; `nil` where a lost one is an error at once.
    ///   - say: hears of a daemon that is gone, and of its return.
    public init(
        _ connection: any RPCConnection, window: Int = 8192, backoff: Backoff,
        reconnect: (() throws -> any RPCConnection)? = nil, say: @escaping (String) -> Void = { _ in }
    ) {
        self.connection = connection
        self.window = window
        commandEventsMax = max(1, min(Self.commandEventsMax, window / 4))
        self.backoff = backoff
        self.reconnect = reconnect
        self.say = say
    }

    /// Takes one event in, and reads some answers first where the window is full. It goes out with those that follow, at
    /// the latest with `drain`.
    ///
    /// - Throws: `RPCClientError` where the connection is gone and cannot be opened again, `CommandError` where the
    ///   daemon stays overloaded or gone: it names the first event that has no answer.
    public func send(_ event: Event, from place: EventPlace?) throws {
        let text = String(decoding: EventEncoder.record(of: event), as: UTF8.self)
        let sent = Sent(event: event, place: place, text: text)
        if waitingBytes + text.utf8.count > Self.commandBytesMax { try sendWaiting() }
        receipts.sent += 1
        waiting.append(sent)
        waitingBytes += text.utf8.count
        if waiting.count >= commandEventsMax { try sendWaiting() }
    }

    /// Reads all answers, and sends again what was put off. Throws as `send` does.
    public func drain() throws {
        try sendWaiting()
        while !inFlight.isEmpty {
            do {
                try connection.flush()
            } catch {
                try restore(after: error)
            }
            try settle(leaving: 0)
        }
    }

    private func sendWaiting() throws {
        guard !waiting.isEmpty else { return }
        if inFlightCount + waiting.count > window { try settle(leaving: window / 2) }
        // In flight before it is sent: should that fail, it goes out with the others.
        inFlight.append(waiting)
        inFlightCount += waiting.count
        (waiting, waitingBytes) = ([], 0)
        do {
            try send(inFlight[inFlight.count - 1])
        } catch {
            try restore(after: error)
        }
    }

    private func send(_ events: [Sent]) throws(RPCClientError) {
        try connection.send(["FEED"] + events.map(\.text))
    }

    /// Reads answers until at most so many events are without one, then sees to those that were postponed.
    private func settle(leaving left: Int) throws {
        try receive(leaving: left)
        guard !postponed.isEmpty else { return }
        try receive(leaving: 0)
        (resending, postponed) = (resending + postponed, [])
        while let next = resending.first {
            try resend(next)
            resending.removeFirst()
        }
    }

    private func receive(leaving left: Int) throws {
        while inFlightCount > left, let first = inFlight.first {
            do {
                take(try connection.receive(), for: first)
                inFlight.removeFirst()
                inFlightCount -= first.count
            } catch {
                try restore(after: error)
            }
        }
    }

    /// One at a time, so that the postponed keep their order.
    private func resend(_ sent: Sent) throws {
        while true {
            guard backoff.wait() else {
                throw givenUp("the daemon takes no more events (\(postponement))", first: sent.place)
            }
            do {
                try send([sent])
                take(try connection.receive(), for: [sent])
                if postponed.isEmpty { return backoff.reset() }
                postponed = []
            } catch {
                try restore(after: error)
            }
        }
    }

    /// Opens the connection again, and sends what has no answer.
    private func restore(after error: any Error) throws {
        guard let reconnect, error is RPCClientError else { throw error }
        let first = firstUnanswered
        // Nobody waits any more, say because somebody has interrupted.
        guard !backoff.isOver else { throw givenUp("\(error)", first: first) }
        var error = error
        say(
            "\(error); waiting for it to come back, to go on with \(first.map { "\($0)" } ?? "the next event")"
        )
        while backoff.wait() {
            do {
                connection = try reconnect()
                for events in inFlight { try send(events) }
                backoff.reset()
                return say("the daemon is back; \(NumberText.grouped(inFlightCount)) events are sent again")
            } catch let next as RPCClientError {
                error = next
            }
        }
        throw givenUp("\(error)", first: first)
    }

    private func givenUp(_ why: String, first: EventPlace?) -> CommandError {
        let place = first.map { "; the first event without an answer is \($0)" } ?? ""
        return CommandError(why + place, code: .unavailable)
    }

    /// The answer of one command: an answer for each of its events, or one error for all of them.
    private func take(_ answer: RESPValue, for events: [Sent]) {
        guard case .array(let answers) = answer, answers.count == events.count else {
            return events.forEach { take(answer, for: $0) }
        }
        for (answer, sent) in zip(answers, events) { take(answer, for: sent) }
    }

    private func take(_ answer: RESPValue, for sent: Sent) {
        switch answer {
        case .error(let text) where Self.isPassing(text):
            postponement = text
            postponed.append(sent)
        case .error(let text): receipts.refuse(sent.event, from: sent.place, text)
        case .simple(let text): take(token: text, for: sent)
        case .bulk(let bytes): take(token: String(decoding: bytes, as: UTF8.self), for: sent)
        default: receipts.refuse(sent.event, from: sent.place, "answered with \(answer) instead of a token")
        }
    }

    /// Whether the same command may be taken later.
    static func isPassing(_ error: String) -> Bool {
        ["OVERLOADED", "UNAVAILABLE", "LOADING"].contains { error.hasPrefix($0) }
    }

    private func take(token text: String, for sent: Sent) {
        guard let token = Token(text) else {
            return receipts.refuse(sent.event, from: sent.place, "answered with '\(text)' instead of a token")
        }
        receipts.acknowledge(token)
    }
}
