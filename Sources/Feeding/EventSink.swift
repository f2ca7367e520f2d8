public import Events

/// Where `feed` puts events. Confined to one thread.
public protocol EventSink: AnyObject {
    /// Sends one event; waits while too many are without an answer.
    ///
    /// - Parameter place: where it was read, for messages.
    /// - Throws: what ends the feed, say `CommandError` where the other side stays full. A refusal of this one event
    ///   is no error; it stands in `receipts`.
    func send(_ event: Event, from place: EventPlace?) throws
    /// Returns once every event sent has its answer. Throws as `send` does.
    func drain() throws
    /// What became of the events so far; whole after `drain`.
    var receipts: Receipts { get }
    /// Where the first of the events was read that have no answer yet; `nil` where all have theirs, or where it was read
    /// nowhere.
    var firstUnanswered: EventPlace? { get }
}

extension EventSink {
    /// Sends an event that was read nowhere.
    public func send(_ event: Event) throws { try send(event, from: nil) }
}

/// Where an event was read.
public struct EventPlace: Sendable, Equatable, CustomStringConvertible {
    /// `-` is standard input.
    public let path: String
    /// From 1.
    public let line: Int

    /// A line of a file.
    public init(path: String, line: Int) { (self.path, self.line) = (path, line) }

    /// `ratings.csv:17`
    public var description: String { "\(path == "-" ? "standard input" : path):\(line)" }
}

/// What became of the events sent.
public struct Receipts: Sendable, Equatable {
    /// Refusals kept in words.
    static let reasonsMax = 5

    /// Events handed over.
    public var sent: Int
    /// Events of which the log has said that it holds them.
    public var acknowledged: Int
    /// Events that the log has refused for good.
    public private(set) var refused = 0
    /// The first few refusals, as said by the other side.
    public private(set) var reasons: [String] = []
    /// Newest offset of each partition.
    public var offsets: [Int32: Int64] = [:]

    /// None sent yet, or as many as said.
    public init(sent: Int = 0, acknowledged: Int = 0) {
        (self.sent, self.acknowledged) = (sent, acknowledged)
    }

    /// Events refused, or without an answer.
    public var unacknowledged: Int { sent - acknowledged }

    /// Events of which nobody has said yet whether the log holds them.
    public var unanswered: Int { unacknowledged - refused }

    /// The newest event of each partition, in the order of partitions: what `--after` takes.
    public var lastTokens: [Token] {
        offsets.sorted { $0.key < $1.key }.map { Token(partition: $0.key, offset: $0.value) }
    }

    /// The log holds one more.
    public mutating func acknowledge(_ token: Token) {
        acknowledged += 1
        offsets[token.partition] = max(offsets[token.partition] ?? 0, token.offset)
    }

    /// The log does not take it; the first few reasons are kept, under the place and the event's key.
    public mutating func refuse(_ event: Event, from place: EventPlace? = nil, _ reason: String) {
        refused += 1
        guard reasons.count < Self.reasonsMax else { return }
        reasons.append((place.map { "\($0): " } ?? "") + "\(event.key): \(reason)")
    }
}

/// Waits longer from try to try, from 10 ms to 1 s, and gives up in the end.
public struct Backoff {
    private let patience: Duration
    private let pause: (Duration) -> Void
    /// Whether nothing is to be waited for any more, answers neither.
    let isCancelled: () -> Bool
    private var next = Duration.milliseconds(10)
    private var waited = Duration.zero

    /// - Parameters:
    ///   - patience: how long to wait in all before giving up, from the first try or the last `reset`.
    ///   - isCancelled: asked before each wait, and ten times a second meanwhile.
    public init(patience: Duration = .seconds(60), isCancelled: @escaping () -> Bool) {
        self.init(
            patience: patience, isCancelled: isCancelled,
            sleep: { Feeding.sleep(for: $0, unless: isCancelled) })
    }

    /// - Parameter sleep: blocks the thread, save in tests.
    init(
        patience: Duration, isCancelled: @escaping () -> Bool, sleep: @escaping (Duration) -> Void
    ) {
        self.patience = patience
        self.isCancelled = isCancelled
        pause = sleep
    }

    /// Whether it is time to give up.
    var isOver: Bool { waited >= patience || isCancelled() }

    /// Blocks the thread for the next wait; false, at once, when it is time to give up.
    public mutating func wait() -> Bool {
        guard !isOver else { return false }
        pause(next)
        waited += next
        next = min(next * 2, .seconds(1))
        return true
    }

    /// A try in vain took so long, which counts as waiting.
    public mutating func count(_ spent: Duration) { waited += spent }

    /// It went on: the next wait is a short one again.
    public mutating func reset() {
        next = .milliseconds(10)
        waited = .zero
    }
}
