import CRdKafka
import EventLog
import Foundation
import Locking
import Logging

/// The transactions of one member of a group: records and, as the group's offsets, up to where the log was learned for them. All
/// of it becomes visible, or nothing (KIP-98).
///
/// The offsets go with the member's generation in the group (KIP-447), so that the broker refuses a member that was taken to be
/// dead: as Kafka Streams has it since 2.6.
///
/// Called by one at a time. A commit that fails may be repeated; what an outage left of the last one is taken back before.
final class KafkaTransactions: Sendable {
    struct Record: Sendable {
        var topic: String
        var partition: Int32
        var key: [UInt8]
        var value: [UInt8]?
        /// Whether it matters where in its partition it comes to stand.
        var isLocated = false
    }

    private struct State {
        /// `nil` before it is open, and after the broker has ended a transaction that took too long: then another one is made.
        var client: KafkaClient?
        /// After how long the broker ends a transaction of this client's.
        var timeoutMilliseconds = KafkaTransactions.timeoutMilliseconds
        /// Since when the last transaction is or was under way.
        var begun = ContinuousClock.now
        /// Whether that one is to be taken back yet.
        var isAborting = false
        /// Partitions of which a record did not come behind what was told, and whoever commits has not heard of it.
        var anew: Set<Int32> = []
    }

    private static let answerMilliseconds: Int32 = 30_000
    /// To take a transaction back, which goes on by itself meanwhile.
    private static let abortMilliseconds: Int32 = 5_000
    /// How long an open transaction of a member that died holds up the others.
    private static let timeoutMilliseconds = 10_000
    /// What a broker allows, where nothing else is said (`transaction.max.timeout.ms`).
    private static let timeoutMillisecondsMax = 900_000
    /// Slower than a broker that is any use.
    private static let bytesPerMillisecond = 5_000
    /// How long a commit waits for its own member's new generation, and how often it is tried.
    private static let rejoiningPatience: Duration = .seconds(3)
    private static let rejoiningInterval = 0.1

    private let log: KafkaLog
    private let kafka: KafkaOptions
    private let id: String
    private let logger: Logger
    private let state = Lock(State())

    /// - Parameters:
    ///   - log: of the events; its consumer is the member of the group.
    ///   - id: the same before and after a restart, and nobody else's: who opens it ends the transaction of who had it before.
    init(_ log: KafkaLog, id: String, logger: Logger) {
        (self.log, self.id, self.logger) = (log, id, logger)
        kafka = log.options
    }

    /// Ends what an earlier process left open.
    func open() throws(EventLogError) {
        do throws(Failure) {
            _ = try openClient(timeoutMilliseconds: Self.timeoutMilliseconds)
        } catch {
            throw error.words
        }
    }

    /// - Parameter told: by partition, an offset behind which records that are located have to come.
    /// - Throws: `.mustRestart` where another member may have taken a partition over, or where it is not known how the
    ///   transaction ended; `.refused` where another process has this one's id. Any other error may be tried again.
    func commit(
        _ records: [Record], positions: [Int32: CommittedPosition], told: [Int32: Int64]
    ) throws(EventLogError) -> CommitOutcome {
        let deadline = ContinuousClock.now + Self.rejoiningPatience
        while true {
            let names = names
            do throws(Failure) {
                let outcome = try commitOnce(records, positions, told)
                // No other producer may tell of it for long.
                log.connection.up(.producer)
                return outcome
            } catch {
                guard error.code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, names != nil, .now < deadline else {
                    throw error.words
                }
                // A rebalance passed by the commit, which the group refuses: the same member has a new generation, or will have.
                Thread.sleep(forTimeInterval: Self.rejoiningInterval)
                let own = Set(log.partitions().map(\.partition))
                guard self.names == names, own.isSuperset(of: positions.keys) else { throw error.words }
                logger.info(
                    "the group was shared out anew during a commit, which is repeated",
                    metadata: ["partitions": "\(positions.keys.sorted())"])
            }
        }
    }

    /// See `KafkaMembership`; `nil` while this member is in no group.
    private var names: [UInt8]? {
        guard let metadata = log.groupMetadata() else { return nil }
        return KafkaMembership(metadata).names
    }

    private func commitOnce(
        _ records: [Record], _ positions: [Int32: CommittedPosition], _ told: [Int32: Int64]
    ) throws(Failure) -> CommitOutcome {
        // Before anything is begun: whom the group has lost has nothing to wait for.
        if !positions.isEmpty { _ = try membership() }
        let bytes = records.reduce(0) { $0 + $1.key.count + ($1.value?.count ?? 0) }
        let client = try openClient(timeoutMilliseconds: Self.timeoutMilliseconds(ofBytes: bytes))
        do throws(Failure) {
            try abortLast(client)
            // Seen by an attempt that failed: records that were taken back make room in front of those of this one.
            if let anew = takeAnew(told) { return .begunAnew(anew) }
            try check(
                rd_kafka_begin_transaction(client.handle), "cannot begin a transaction", client, isFirst: true
            )
            state.withLock { $0.begun = .now }
            let places = RecordPlaces()
            do throws(Failure) {
                for record in records { try produce(record, client, places) }
                try send(positions, client)
                // Where not all is written by then, the commit itself says why.
                rd_kafka_flush(client.handle, Self.answerMilliseconds)
                note(places, told)
                if state.withLock({ !$0.anew.isDisjoint(with: told.keys) }) {
                    state.withLock { $0.isAborting = true }
                    try abortLast(client)
                    return .begunAnew(takeAnew(told) ?? [])
                }
                try end(client)
                // What was not reported before; the next one tells of it.
                note(places, told)
                return .committed(told: places.last)
            } catch {
                note(places, told)
                if error.mayBeAborted {
                    state.withLock { $0.isAborting = true }
                    // Where it cannot be yet, it is before the next one.
                    do throws(Failure) { try abortLast(client) } catch  where !error.losesClient {}
                }
                throw error
            }
        } catch {
            if error.losesClient { state.withLock { ($0.client, $0.isAborting) = (nil, false) } }
            throw error
        }
    }

    private func note(_ places: RecordPlaces, _ told: [Int32: Int64]) {
        state.withLock { $0.anew.formUnion(places.partitions(notBehind: told)) }
    }

    private func takeAnew(_ told: [Int32: Int64]) -> Set<Int32>? {
        state.withLock { state in
            defer { if !told.isEmpty { state.anew = [] } }
            let anew = state.anew.intersection(told.keys)
            return anew.isEmpty ? nil : anew
        }
    }

    // MARK: - Steps

    /// Longer for what takes longer to write, as all users of a state that was alone do: a broker ends any transaction after
    /// its time, and a commit that never gets through in it would be repeated for ever.
    static func timeoutMilliseconds(ofBytes bytes: Int) -> Int {
        min(timeoutMillisecondsMax, max(timeoutMilliseconds, bytes / bytesPerMillisecond))
    }

    /// A client whose transactions may take this long; the usual ones no longer, as others wait for them.
    private func openClient(timeoutMilliseconds: Int) throws(Failure) -> KafkaClient {
        let known = state.withLock { state -> KafkaClient? in
            let (has, usual) = (state.timeoutMilliseconds, Self.timeoutMilliseconds)
            if has < timeoutMilliseconds || (has > usual && timeoutMilliseconds == usual) {
                // The next one ends what this one has left.
                (state.client, state.isAborting) = (nil, false)
            }
            return state.client
        }
        if let known { return known }
        let client: KafkaClient
        do throws(EventLogError) {
            client = try makeClient(timeoutMilliseconds: timeoutMilliseconds)
        } catch {
            throw Failure(error)
        }
        state.withLock { ($0.begun, $0.timeoutMilliseconds) = (.now, timeoutMilliseconds) }
        try check(
            rd_kafka_init_transactions(client.handle, Self.answerMilliseconds), "cannot begin transactions",
            client)
        state.withLock { $0.client = client }
        return client
    }

    private func makeClient(timeoutMilliseconds: Int) throws(EventLogError) -> KafkaClient {
        let configuration = KafkaConfiguration()
        try kafka.configureProducer(configuration)
        try configuration.set("transactional.id", id)
        try configuration.set("transaction.timeout.ms", "\(timeoutMilliseconds)")
        try configuration.set("message.timeout.ms", "\(timeoutMilliseconds)")
        let callbacks = KafkaCallbacks(logger: logger, health: log.connection, side: .producer)
        return try KafkaClient(RD_KAFKA_PRODUCER, configuration, topic: kafka.topic, callbacks: callbacks)
    }

    private func produce(
        _ record: Record, _ client: KafkaClient, _ places: RecordPlaces
    ) throws(Failure) {
        while true {
            let delivery = record.isLocated ? Unmanaged.passRetained(self.delivery(record, places)) : nil
            let error = withArguments(record, delivery?.toOpaque()) {
                rd_kafka_produceva(client.handle, $0.baseAddress, $0.count)
            }
            guard let error else { return }
            // Librdkafka's only once it has taken the record.
            delivery?.release()
            guard rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__QUEUE_FULL else {
                return try check(error, "cannot write to topic '\(record.topic)'", client)
            }
            rd_kafka_error_destroy(error)
            rd_kafka_poll(client.handle, 50)
        }
    }

    private func delivery(_ record: Record, _ places: RecordPlaces) -> KafkaDelivery {
        // What did not get there the commit says.
        KafkaDelivery(record.topic, kafka, log.connection) { outcome in
            if case .success(let token) = outcome { places.add(token) }
        }
    }

    private func send(_ positions: [Int32: CommittedPosition], _ client: KafkaClient) throws(Failure) {
        guard !positions.isEmpty else { return }
        let membership = try membership()
        let list = PartitionList(topic: kafka.topic, positions)
        try check(
            rd_kafka_send_offsets_to_transaction(
                client.handle, list.pointer, membership.metadata, Self.answerMilliseconds),
            "cannot commit positions", client)
    }

    private func membership() throws(Failure) -> KafkaMembership {
        if let metadata = log.groupMetadata() {
            let membership = KafkaMembership(metadata)
            if membership.isCurrent { return membership }
        }
        throw Failure(EventLogError(.unreachable, "\(kafka.name): this member is in no group just now"))
    }

    /// A commit whose end is not known is asked for again, as librdkafka wants it: it is one and the same.
    private func end(_ client: KafkaClient) throws(Failure) {
        for _ in 0..<10 {
            let error = rd_kafka_commit_transaction(client.handle, Self.answerMilliseconds)
            guard let error, rd_kafka_error_is_retriable(error) != 0 else {
                return try check(error, "cannot commit", client, isEnding: true)
            }
            rd_kafka_error_destroy(error)
        }
        throw Failure(
            EventLogError(
                .mustRestart,
                "\(kafka.name): how a transaction ended cannot be found out; it is known when this daemon is started again"
            ))
    }

    /// Takes back what is left of the last transaction. Librdkafka goes on with that by itself, and does nothing else before it was
    /// asked for the end of it.
    private func abortLast(_ client: KafkaClient) throws(Failure) {
        guard state.withLock({ $0.isAborting }) else { return }
        try check(
            rd_kafka_abort_transaction(client.handle, Self.abortMilliseconds),
            "cannot take back the last transaction", client, isFirst: true)
        state.withLock { $0.isAborting = false }
    }

    // MARK: - Errors

    /// A step that did not come about.
    private struct Failure: Error {
        var words: EventLogError
        var code = RD_KAFKA_RESP_ERR_NO_ERROR
        /// Whether the client is of no use any more, and another one is.
        var losesClient = false

        init(
            _ words: EventLogError, _ code: rd_kafka_resp_err_t = RD_KAFKA_RESP_ERR_NO_ERROR,
            losesClient: Bool = false
        ) {
            (self.words, self.code, self.losesClient) = (words, code, losesClient)
        }

        /// Whether there is something left to take back, and this member may.
        var mayBeAborted: Bool {
            !losesClient && (!words.endsProcess || code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION)
        }
    }

    /// - Parameters:
    ///   - isFirst: of what comes before the transaction: where it cannot be asked again, only another client gets over it, which
    ///     takes back what was left.
    ///   - isEnding: of the commit itself.
    private func check(
        _ error: OpaquePointer?, _ what: String, _ client: KafkaClient, isFirst: Bool = false,
        isEnding: Bool = false
    ) throws(Failure) {
        guard let error else { return }
        defer { rd_kafka_error_destroy(error) }
        let code = rd_kafka_error_code(error)
        let words = "\(kafka.name): \(what): \(String(cString: rd_kafka_error_string(error)))"
        switch code {
        case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID: throw Failure(kafka.fenced)
        case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
            guard !log.isFenced else { throw Failure(kafka.fenced) }
            let reason = "The group took this daemon for dead, and another member may have its partitions"
            throw Failure(
                EventLogError(
                    .mustRestart, "\(words). \(reason): it ends, and goes on when it is started again"), code)
        case RD_KAFKA_RESP_ERR__FENCED, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
            RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
            throw overtaken(words, isEnding: isEnding)
        default:
            guard rd_kafka_error_is_fatal(error) != 0 else {
                // Repeated, it would be refused again, and nothing would be committed any more.
                if let advice = Self.advice(for: code) {
                    throw Failure(EventLogError(.refused, "\(words). \(advice)"), code)
                }
                let isStuck = isFirst && rd_kafka_error_is_retriable(error) == 0
                throw Failure(EventLogError(.unreachable, words), code, losesClient: isStuck)
            }
            let cause = client.fatalError?.code ?? code
            throw Failure(
                EventLogError(KafkaErrorTable.isOutOfStep(cause) ? .mustRestart : .refused, words), code)
        }
    }

    /// What to do about what only a person can mend.
    private static func advice(for code: rd_kafka_resp_err_t) -> String? {
        switch KafkaErrorTable.meaning(of: code) {
        case .tooLarge:
            "What is told of items and users is larger than it may be: raise max.message.bytes of both topics, and "
                + "message.max.bytes in source.kafka.properties"
        case .unacceptable: "Check the settings of the topics of items and users, and this client's rights"
        case .refused: "Check user, password and protocol in source.kafka.properties"
        default: nil
        }
    }

    /// The broker says the same of both: of a producer whom another has overtaken, and of one whose transaction it has ended
    /// because it took too long, as in an outage.
    private func overtaken(_ words: String, isEnding: Bool) -> Failure {
        guard !log.isFenced else { return Failure(kafka.fenced) }
        let (begun, timeout) = state.withLock { ($0.begun, $0.timeoutMilliseconds) }
        let elapsed = begun.duration(to: .now)
        guard elapsed >= .milliseconds(timeout) else {
            // Started again, two daemons of one name would go on to fence each other for ever.
            return Failure(
                EventLogError(
                    .refused,
                    "\(words). Another process writes as this member of the cluster, as a daemon does whose state folder was copied"
                ))
        }
        let reason =
            "The transaction was under way for \(elapsed.components.seconds) s, and a broker ends one after "
            + "\(timeout / 1_000) s"
        // Nothing of one that was not to be committed yet is there; of one that was, what is committed tells.
        return isEnding
            ? Failure(
                EventLogError(
                    .mustRestart,
                    "\(words). \(reason): this daemon goes on from what is committed when it is started again"
                ))
            : Failure(EventLogError(.unreachable, "\(words). \(reason): it is repeated"), losesClient: true)
    }
}

/// Lays out what `rd_kafka_produceva` takes for a record of a transaction: copied by librdkafka, and reported by the
/// commit alone.
private func withArguments<T>(
    _ record: KafkaTransactions.Record, _ delivery: UnsafeMutableRawPointer?,
    _ body: (UnsafeBufferPointer<rd_kafka_vu_t>) -> T
) -> T {
    return record.topic.withCString { topic in
        record.key.withUnsafeBytes { key in
            (record.value ?? []).withUnsafeBytes { bytes in
                let arguments = [
                    rd_kafka_vu_t(RD_KAFKA_VTYPE_OPAQUE) { $0.u.ptr = delivery },
                    rd_kafka_vu_t(RD_KAFKA_VTYPE_TOPIC) { $0.u.cstr = topic },
                    rd_kafka_vu_t(RD_KAFKA_VTYPE_PARTITION) { $0.u.i32 = record.partition },
                    rd_kafka_vu_t(RD_KAFKA_VTYPE_KEY) {
                        $0.u.mem.ptr = UnsafeMutableRawPointer(mutating: key.baseAddress)
                        $0.u.mem.size = key.count
                    },
                    rd_kafka_vu_t(RD_KAFKA_VTYPE_VALUE) {
                        $0.u.mem.ptr =
                            record.value == nil ? nil : UnsafeMutableRawPointer(mutating: bytes.baseAddress)
                        $0.u.mem.size = bytes.count
                    },
                    rd_kafka_vu_t(RD_KAFKA_VTYPE_MSGFLAGS) { $0.u.i = RD_KAFKA_MSG_F_COPY },
                ]
                return arguments.withUnsafeBufferPointer(body)
            }
        }
    }
}
