internal import Dispatch
internal import EventLog
internal import Events
internal import Locking
internal import SQLiteFiles

/// The broker as one life of the engine sees it: cut off when that life ends. Safe from any thread.
final class SimulatedLog: EventLog {
    private struct State {
        var isCut = false
        var isReachable = true
        var appendFault = Step.AppendFault.none
        /// What the last append came to, for who waits that it has.
        var appended: [Token?] = []
        var letters: [DeadLetter] = []
        var refusedFlushes = 0
        var skips: [SkippedRecords] = []
        var revoked: [Int32: Int64] = [:]
    }

    let broker: SimulatedBroker
    let exchange = PollExchange()
    private let setting: Setting
    let flaw: PlantedFlaw?
    private let state = Lock(State())
    private let appends = DispatchSemaphore(value: 0)
    private let completions = DispatchQueue(label: "freshet.simulated-log")

    init(_ broker: SimulatedBroker, setting: Setting, flaw: PlantedFlaw?) {
        self.broker = broker
        self.setting = setting
        self.flaw = flaw
    }

    var name: String { "simulated log" }
    var source: String { "simulated" }

    /// The process is gone: nothing of it reaches the broker any more.
    func cut() {
        state.withLock { $0.isCut = true }
        exchange.order(.fail)
    }

    var isCut: Bool { state.withLock { $0.isCut } }

    func setReachable(_ isReachable: Bool) { state.withLock { $0.isReachable = isReachable } }
    func refuseFlushes(_ count: Int) { state.withLock { $0.refusedFlushes = count } }

    // MARK: - Appending

    /// What becomes of the next append.
    func plan(_ fault: Step.AppendFault) { state.withLock { $0.appendFault = fault } }

    /// Waits for the next append; its token, where it was stored.
    func waitForAppend() -> (hasCome: Bool, token: Token?) {
        guard appends.wait(timeout: .now() + .seconds(SimulationLimits.hangSeconds)) == .success else {
            return (false, nil)
        }
        return (true, state.withLock { $0.appended.removeFirst() })
    }

    func append(
        key: EntityID, payload: [UInt8], time: Int64,
        completion: @escaping @Sendable (Result<Token, EventLogError>) -> Void
    ) {
        let fault: Step.AppendFault? = state.withLock { state in
            guard !state.isCut else { return nil }
            defer { state.appendFault = .none }
            return state.appendFault
        }
        guard let fault else { return }
        let stored: Bool
        switch fault {
        case .none, .unanswered, .unknown(wasStored: true): stored = true
        case .lost, .unknown(wasStored: false), .refused: stored = false
        }
        let record = SimulatedBroker.Record(
            key: Array(key.string.utf8), payload: payload, time: time, isTombstone: false)
        let token = stored ? broker.append(record) : nil
        if flaw == .retryDoubles, stored, fault != .none { broker.append(record) }
        state.withLock { $0.appended.append(token) }
        appends.signal()
        completions.async {
            switch fault {
            case .none: if let token { completion(.success(token)) }
            case .unanswered, .lost: break
            case .unknown:
                completion(.failure(EventLogError(.timedOut, "no answer in time: it may have been stored")))
            case .refused: completion(.failure(EventLogError(.full, "the queue is full")))
            }
        }
    }

    // MARK: - Dead letters

    func putAside(_ letter: DeadLetter) { state.withLock { $0.letters.append(letter) } }
    var deadLettersHeld: Int { state.withLock { $0.letters.count } }
    var deadLetterLosses: DeadLetterLosses { DeadLetterLosses() }

    func flushDeadLetters(isLast: Bool) throws(EventLogError) {
        let letters: Result<[DeadLetter], EventLogError> = state.withLock { state in
            if state.isCut { return .failure(EventLogError(.closed, "the process is gone")) }
            if state.refusedFlushes > 0, !state.letters.isEmpty {
                state.refusedFlushes -= 1
                return .failure(EventLogError(.unreachable, "dead letters cannot be stored just now"))
            }
            defer { state.letters = [] }
            return .success(state.letters)
        }
        broker.store(try letters.get())
    }

    // MARK: - Consuming

    /// Records that the engine will never learn, by what it was told, oldest first.
    var skips: [SkippedRecords] { state.withLock { $0.skips } }

    func noteSkipped(_ partition: Int32, from: Int64, to: Int64, isCounted: Bool) {
        guard from < to else { return }
        state.withLock { state in
            // Of a partition that was let go before anything of it was learned.
            state.skips.removeAll { $0.partition == partition && $0.from == from }
            state.skips.append(SkippedRecords(partition: partition, from: from, to: to, isCounted: isCounted))
        }
    }

    /// Where partitions stood that were let go since the last call.
    func takeRevoked() -> [Int32: Int64] {
        state.withLock { state in
            defer { state.revoked = [:] }
            return state.revoked
        }
    }

    func noteRevoked(_ partition: Int32, at offset: Int64?) {
        state.withLock { $0.revoked[partition] = offset }
    }

    func makeConsumer(
        _ options: ConsumerOptions, delegate: any ConsumerDelegate
    ) throws(EventLogError) -> any EventLogConsumer {
        SimulatedConsumer(self, options: options, delegate: delegate)
    }

    func commit(_ positions: [Int32: Int64]) {
        if !isCut { broker.commit(positions, deletesBehind: setting.retainsNothing) }
    }

    func partitions() -> [PartitionStatus] {
        broker.ends.sorted { $0.key < $1.key }.map { PartitionStatus(partition: $0.key, end: $0.value) }
    }

    func health() -> LogHealth { LogHealth(reachable: state.withLock { $0.isReachable }) }
    func close() {}
}

/// Records of a partition that were gone before they were read.
struct SkippedRecords: Sendable, Equatable {
    var partition: Int32
    var from: Int64
    var to: Int64
    /// Whether the engine counts them: not where a partition that was never seen begins.
    var isCounted: Bool
}

/// Where the thread that polls and the one that simulates meet: a poll waits for an order.
final class PollExchange: Sendable {
    enum Order: Sendable {
        case nothing
        case deliver(Int)
        case revoke(Int32)
        case assign
        /// The process is gone.
        case fail
        /// From here on polls bring nothing and wait for nobody.
        case runFreely
    }

    private let order = Lock<Order>(.nothing)
    private let ordered = DispatchSemaphore(value: 0)
    private let arrivals = DispatchSemaphore(value: 0)

    /// Called by whoever simulates, once a poll has come.
    func order(_ order: Order) {
        self.order.withLock { $0 = order }
        ordered.signal()
    }

    /// Waits until the next poll has come, or the thread has ended. False where it hangs.
    func waitForPoll() -> Bool {
        arrivals.wait(timeout: .now() + .seconds(SimulationLimits.hangSeconds)) == .success
    }

    /// The thread that polls has ended.
    func end() { arrivals.signal() }

    func next() -> Order {
        if case .runFreely = order.withLock({ $0 }) { return .runFreely }
        arrivals.signal()
        ordered.wait()
        return order.withLock { $0 }
    }
}
