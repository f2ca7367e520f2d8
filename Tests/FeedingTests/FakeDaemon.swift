import EventLog
import Events
import Locking
import RESP

@testable import Feeding

/// Stands behind `RPCSink` in place of the socket: answers every event with a token, or as told.
final class FakeDaemon: RPCConnection {
    /// Events taken, in order.
    private(set) var taken: [Event] = []
    /// How many events came with each command.
    private(set) var commandCounts: [Int] = []
    private(set) var unansweredMax = 0
    private var unanswered: [[Event]] = []
    /// Asked first with each event; `nil` takes it.
    private let refuse: (Event) -> RESPValue?

    init(refuse: @escaping (Event) -> RESPValue? = { _ in nil }) { self.refuse = refuse }

    var isAllAnswered: Bool { unanswered.isEmpty }
    /// The users of the events taken.
    var users: [String] { taken.map(\.key.string) }

    func send(_ arguments: [String]) throws(RPCClientError) {
        guard arguments.first == "FEED" else { throw RPCClientError("not fed: \(arguments)") }
        let decoder = EventDecoder(options: EventOptions())
        let events = arguments.dropFirst().compactMap { try? decoder.decode(Array($0.utf8)) }
        unanswered.append(events)
        commandCounts.append(events.count)
        unansweredMax = max(unansweredMax, unanswered.reduce(0) { $0 + $1.count })
    }

    func flush() throws(RPCClientError) {}

    func receive() throws(RPCClientError) -> RESPValue {
        guard !unanswered.isEmpty else { throw RPCClientError("nothing was asked") }
        return .array(
            unanswered.removeFirst().map { event in
                if let answer = refuse(event) { return answer }
                taken.append(event)
                return .bulk(Array("0:\(taken.count - 1)".utf8))
            })
    }
}

/// A log in memory that answers at once; or, to the first few, only when all of these are there; or, of some, never.
final class FakeLog: EventLog {
    let name = "log in memory"
    let source = "memory"
    private let keys = Lock<[String]>([])
    private let recordTimes = Lock<[Int64]>([])
    private let refuse: @Sendable (EntityID, Int) -> EventLogError?
    private let calls = Lock(0)
    private let heldMax: Int
    private let held = Lock<[@Sendable () -> Void]>([])
    private let silentKeys: Set<String>

    init(
        holding heldMax: Int = 0, silentAbout silentKeys: Set<String> = [],
        refuse: @escaping @Sendable (EntityID, Int) -> EventLogError? = { _, _ in nil }
    ) {
        self.heldMax = heldMax
        self.silentKeys = silentKeys
        self.refuse = refuse
    }

    var appended: [String] { keys.withLock { $0 } }
    var times: [Int64] { recordTimes.withLock { $0 } }

    func append(
        key: EntityID, payload: [UInt8], time: Int64,
        completion: @escaping @Sendable (Result<Token, EventLogError>) -> Void
    ) {
        recordTimes.withLock { $0.append(time) }
        guard !silentKeys.contains(key.string) else { return }
        let call = calls.withLock { calls in
            calls += 1
            return calls
        }
        if let error = refuse(key, call) {
            return answer(call) { completion(.failure(error)) }
        }
        let offset = keys.withLock { keys in
            keys.append(key.string)
            return Int64(keys.count - 1)
        }
        answer(call) { completion(.success(Token(partition: 0, offset: offset))) }
    }

    private func answer(_ call: Int, _ body: @escaping @Sendable () -> Void) {
        guard call <= heldMax else { return body() }
        let ready = held.withLock { held in
            held.append(body)
            return call == heldMax ? held : []
        }
        ready.forEach { $0() }
    }

    var deadLettersHeld: Int { 0 }
    func putAside(_ letter: DeadLetter) {}
    var deadLetterLosses: DeadLetterLosses { DeadLetterLosses() }
    func flushDeadLetters(isLast: Bool) throws(EventLogError) {}
    func makeConsumer(
        _ options: ConsumerOptions, delegate: any ConsumerDelegate
    ) throws(EventLogError) -> any EventLogConsumer {
        throw EventLogError(.invalid, "nothing to consume")
    }
    func partitions() -> [PartitionStatus] { [] }
    func health() -> LogHealth { LogHealth(reachable: true) }
    func close() {}
}

func rating(_ user: String, _ item: String = "i", _ value: Float = 3, _ time: Int64? = nil) throws -> Event {
    Event(.rating(user: try EntityID(user), item: try EntityID(item), value: value), time: time)
}

func backoff(
    sleeps: @escaping (Duration) -> Void = { _ in }, isCancelled: @escaping () -> Bool = { false }
) -> Backoff {
    Backoff(patience: .seconds(5), isCancelled: isCancelled, sleep: sleeps)
}
