public import Events
public import RPC
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

/// Feeds over the daemon's socket, pipelined: many events are on their way before the first answer is read.
///
/// An event answered with OVERLOADED or UNAVAILABLE is sent again after a while; events sent behind it in the
/// same window may overtake it. Where the connection is lost, say because the daemon restarts, the sink waits for it and
/// goes on with the first event that has no answer; an event whose answer was lost with the connection is then in the
/// log twice.
public final class RPCSink: EventSink {
    private struct Sent {
        let event: Event
        let place: EventPlace?
        let command: [String]
    }

    private var connection: any RPCConnection
    private let reconnect: (() throws -> any RPCConnection)?
    private let say: (String) -> Void
    private let window: Int
    private var backoff: Backoff
    private var inFlight: [Sent] = []
    private var postponed: [Sent] = []
    /// Why the last one was postponed.
    private var postponement = ""
    /// What became of the events so far.
    public private(set) var receipts = Receipts()

    /// - Parameters:
    ///   - window: commands that may be without an answer at once.
    ///   - backoff: how to wait while the daemon is overloaded, or gone.
    ///   - reconnect: opens the connection again; `nil` where a lost one is an error at once.
    ///   - say: hears of a daemon that is gone, and of its return.
    public init(
        _ connection: any RPCConnection, window: Int = 512, backoff: Backoff,
        reconnect: (() throws -> any RPCConnection)? = nil, say: @escaping (String) -> Void = { _ in }
    ) {
        self.connection = connection
        self.window = window
        self.backoff = backoff
        self.reconnect = reconnect
        self.say = say
    }

    /// Sends one event, and reads some answers first where the window is full.
    ///
    /// - Throws: `RPCClientError` where the connection is gone and cannot be opened again, `CommandError` where the
    ///   daemon stays overloaded or gone: it names the first event that has no answer.
    public func send(_ event: Event, from place: EventPlace?) throws {
        receipts.sent += 1
        if inFlight.count >= window { try settle(max(1, window / 2)) }
        let sent = Sent(event: event, place: place, command: event.command)
        // In flight before it is sent: should that fail, it goes out with the others.
        inFlight.append(sent)
        do {
            try connection.send(sent.command)
        } catch {
            try restore(after: error)
        }
    }

    /// Reads all answers, and sends again what was put off. Throws as `send` does.
    public func drain() throws {
        while !inFlight.isEmpty {
            do {
                try connection.flush()
            } catch {
                try restore(after: error)
            }
            try settle(inFlight.count)
        }
    }

    /// Reads that many answers, then sees to the events that were postponed.
    private func settle(_ count: Int) throws {
        try receive(count)
        guard !postponed.isEmpty else { return }
        try receive(inFlight.count)
        let waiting = postponed
        postponed = []
        for (place, sent) in waiting.enumerated() {
            do {
                try resend(sent)
            } catch {
                postponed = Array(waiting[place...])
                throw error
            }
        }
    }

    private func receive(_ count: Int) throws {
        var answered = 0
        var left = count
        defer { inFlight.removeFirst(answered) }
        while left > 0 {
            do {
                let answer = try connection.receive()
                if !take(answer, for: inFlight[answered]) { postponed.append(inFlight[answered]) }
                answered += 1
                left -= 1
            } catch {
                inFlight.removeFirst(answered)
                answered = 0
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
                try connection.send(sent.command)
                if take(try connection.receive(), for: sent) { return backoff.reset() }
            } catch {
                try restore(after: error)
            }
        }
    }

    /// Opens the connection again, and sends what has no answer.
    private func restore(after error: RPCClientError) throws {
        guard let reconnect else { throw error }
        let first = (inFlight.first ?? postponed.first)?.place
        var error = error
        say(
            "\(error); waiting for it to come back, to go on with \(first.map { "\($0)" } ?? "the next event")"
        )
        while backoff.wait() {
            do {
                connection = try reconnect()
                for sent in inFlight { try connection.send(sent.command) }
                backoff.reset()
                return say("the daemon is back; \(NumberText.grouped(inFlight.count)) events are sent again")
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

    /// False where the event has to be sent again.
    private func take(_ answer: RESPValue, for sent: Sent) -> Bool {
        switch answer {
        case .error(let text) where Self.isPassing(text):
            postponement = text
            return false
        case .error(let text): receipts.refuse(sent.event, from: sent.place, text)
        case .simple(let text): take(token: text, for: sent)
        case .bulk(let bytes): take(token: String(decoding: bytes, as: UTF8.self), for: sent)
        default: receipts.refuse(sent.event, from: sent.place, "answered with \(answer) instead of a token")
        }
        return true
    }

    /// Whether the same command may be taken later.
    private static func isPassing(_ error: String) -> Bool {
        ["OVERLOADED", "UNAVAILABLE", "LOADING"].contains { error.hasPrefix($0) }
    }

    private func take(token text: String, for sent: Sent) {
        guard let token = Token(text) else {
            return receipts.refuse(sent.event, from: sent.place, "answered with '\(text)' instead of a token")
        }
        receipts.acknowledge(token)
    }
}
