import Dispatch
public import EventLog
import Events
import Locking

// What is told beside commits: what is too much for a transaction, and no commit has to wait for.
extension KafkaClusterTopics {
    /// Values on their way at once.
    private static let atOnce = 8
    private static let patience: DispatchTimeInterval = .seconds(60)

    public func tell(
        _ count: Int, named name: (Int) -> String, value: (Int) throws(EventLogError) -> [UInt8]
    ) throws(EventLogError) -> Int64 {
        let callbacks = KafkaCallbacks(logger: logger, health: log.connection, side: .producer)
        let producer = try KafkaProducer(kafka, callbacks: callbacks)
        defer { producer.close() }
        let outcome = Lock(Told())
        // One that was made with room may not go away before all of it is given back.
        let room = DispatchSemaphore(value: 0)
        for _ in 0..<Self.atOnce { room.signal() }
        let all = DispatchGroup()
        for number in 0..<count {
            guard room.wait(timeout: .now() + Self.patience) == .success else { throw unanswered }
            if let failure = outcome.withLock({ $0.failure }) { throw failure }
            all.enter()
            do throws(EventLogError) {
                try producer.produce(
                    topic: itemsTopic, key: Array(name(number).utf8), value: value(number)
                ) { result in
                    outcome.withLock { $0.take(result) }
                    room.signal()
                    all.leave()
                }
            } catch {
                all.leave()
                throw error
            }
        }
        guard all.wait(timeout: .now() + Self.patience) == .success else { throw unanswered }
        let told = outcome.withLock { $0 }
        if let failure = told.failure { throw failure }
        guard let first = told.first else { throw EventLogError(.invalid, "nothing was told") }
        return first
    }

    private var unanswered: EventLogError {
        EventLogError(.timedOut, "\(kafka.name): topic '\(itemsTopic)' does not answer")
    }
}

private struct Told {
    var first: Int64?
    var failure: EventLogError?

    mutating func take(_ result: Result<Token, EventLogError>) {
        switch result {
        case .success(let token): first = min(first ?? token.offset, token.offset)
        case .failure(let error): failure = failure ?? error
        }
    }
}
