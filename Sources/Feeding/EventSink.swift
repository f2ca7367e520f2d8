import EventLog
import Events

/// Where `feed` puts events. Confined to one thread.
protocol EventSink: AnyObject {
    /// Sends one event; waits while too many are without an answer.
    func send(_ event: Event) throws
    /// Returns once every event sent has its answer.
    func drain() throws
    var receipts: Receipts { get }
}

/// What became of the events sent.
struct Receipts: Sendable, Equatable {
    static let reasonsMax = 5

    var sent = 0
    var acknowledged = 0
    /// The first few refusals, as said by the other side.
    var reasons: [String] = []
    /// Newest offset of each partition.
    var offsets: [Int32: Int64] = [:]

    var unacknowledged: Int { sent - acknowledged }

    var lastTokens: [Token] {
        offsets.sorted { $0.key < $1.key }.map { Token(partition: $0.key, offset: $0.value) }
    }

    mutating func acknowledge(_ token: Token) {
        acknowledged += 1
        offsets[token.partition] = max(offsets[token.partition] ?? 0, token.offset)
    }

    mutating func refuse(_ event: Event, _ reason: String) {
        guard reasons.count < Self.reasonsMax else { return }
        reasons.append("\(event.key): \(reason)")
    }
}

/// Waits longer from try to try, and gives up in the end.
struct Backoff {
    private let patience: Duration
    private let sleep: (Duration) -> Void
    private let isCancelled: () -> Bool
    private var next = Duration.milliseconds(10)
    private var waited = Duration.zero

    init(
        patience: Duration = .seconds(60), isCancelled: @escaping () -> Bool,
        sleep: @escaping (Duration) -> Void = { freshet.sleep(for: $0) }
    ) {
        self.patience = patience
        self.isCancelled = isCancelled
        self.sleep = sleep
    }

    /// False when it is time to give up.
    mutating func wait() -> Bool {
        guard waited < patience, !isCancelled() else { return false }
        sleep(next)
        waited += next
        next = min(next * 2, .seconds(1))
        return true
    }

    mutating func reset() {
        next = .milliseconds(10)
        waited = .zero
    }
}
