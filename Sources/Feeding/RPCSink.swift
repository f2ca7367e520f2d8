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
/// An event answered with OVERLOADED is sent again after a while; events sent behind it in the
/// same window may overtake it.
public final class RPCSink: EventSink {
    private let connection: any RPCConnection
    private let window: Int
    private var backoff: Backoff
    private var inFlight: [Event] = []
    private var postponed: [Event] = []
    /// What became of the events so far.
    public private(set) var receipts = Receipts()

    /// - Parameters:
    ///   - window: commands that may be without an answer at once.
    ///   - backoff: how to wait while the daemon is overloaded.
    public init(_ connection: any RPCConnection, window: Int = 512, backoff: Backoff) {
        self.connection = connection
        self.window = window
        self.backoff = backoff
    }

    /// Sends one event, and reads some answers first where the window is full.
    ///
    /// - Throws: `RPCClientError` where the connection is gone, `CommandError` where the daemon stays overloaded.
    public func send(_ event: Event) throws {
        receipts.sent += 1
        guard let command = command(for: event) else { return }
        if inFlight.count >= window { try settle(max(1, window / 2)) }
        try connection.send(command)
        inFlight.append(event)
    }

    /// Reads all answers, and sends again what was put off. Throws as `send` does.
    public func drain() throws {
        guard !inFlight.isEmpty else { return }
        try connection.flush()
        try settle(inFlight.count)
    }

    /// Reads that many answers, then sees to the events that were postponed.
    private func settle(_ count: Int) throws {
        try receive(count)
        guard !postponed.isEmpty else { return }
        try receive(inFlight.count)
        let waiting = postponed
        postponed = []
        for event in waiting { try resend(event) }
    }

    private func receive(_ count: Int) throws {
        var answered = 0
        defer { inFlight.removeFirst(answered) }
        while answered < count {
            let answer = try connection.receive()
            take(answer, for: inFlight[answered])
            answered += 1
        }
    }

    /// One at a time, so that the postponed keep their order.
    private func resend(_ event: Event) throws {
        guard let command = command(for: event) else { return }
        postponed = [event]
        while !postponed.isEmpty {
            guard backoff.wait() else {
                postponed = []
                throw CommandError("the daemon takes no more events (OVERLOADED)", code: .unavailable)
            }
            postponed = []
            try connection.send(command)
            take(try connection.receive(), for: event)
        }
        backoff.reset()
    }

    private func take(_ answer: RESPValue, for event: Event) {
        switch answer {
        case .error(let text) where text.hasPrefix("OVERLOADED"):
            postponed.append(event)
        case .error(let text):
            receipts.refuse(event, text)
        case .simple(let text):
            take(token: text, for: event)
        case .bulk(let bytes):
            take(token: String(decoding: bytes, as: UTF8.self), for: event)
        default:
            receipts.refuse(event, "answered with \(answer) instead of a token")
        }
    }

    private func take(token text: String, for event: Event) {
        guard let token = Token(text) else {
            return receipts.refuse(event, "answered with '\(text)' instead of a token")
        }
        receipts.acknowledge(token)
    }

    /// `nil`, and a refusal in the receipts, where the RPC has no way to say it.
    private func command(for event: Event) -> [String]? {
        let time = event.time.map { ["TS", String($0)] } ?? []
        switch event.kind {
        case .rating(let user, let item, let value):
            return ["RATE", user.string, item.string, value.description] + time
        case .signal(let user, let item, let name):
            return ["SIGNAL", user.string, item.string, name] + time
        case .retract(let user, let item): return ["RETRACT", user.string, item.string]
        case .hide(let user, let item): return ["HIDE", user.string, item.string]
        case .unhide(let user, let item): return ["UNHIDE", user.string, item.string]
        case .forget(let user): return ["FORGET", user.string]
        case .item(let description):
            var command = ["ITEM.SET", description.item.string]
            if let title = description.title { command += ["TITLE", title] }
            if let tags = description.tags {
                if let tag = tags.first(where: { $0.contains(",") }) {
                    receipts.refuse(event, "tag '\(tag)' holds a comma, which parts tags in ITEM.SET")
                    return nil
                }
                command += ["TAGS", tags.joined(separator: ",")]
            }
            if let available = description.available { command += ["AVAILABLE", available ? "1" : "0"] }
            return command
        }
    }
}
