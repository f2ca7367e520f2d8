import CRdKafka
import EventLog
import Events
import Foundation
import Logging
import Synchronization

/// A member of the consumer group. Confined to its thread; what other threads may see or do is in
/// `assignment`.
///
/// Librdkafka serves rebalances inside of `rd_kafka_consumer_poll`, `rd_kafka_consume_batch_queue` and
/// `rd_kafka_consumer_close`, hence on this thread too. Messages are taken many at a time as far as they are there
/// already; one is waited for alone.
final class KafkaConsumer: EventLogConsumer {
    /// A batch ends once it holds this many bytes of payload, however few records that are.
    private static let batchBytesMax = 16 << 20
    private static let probeInterval: Duration = .seconds(1)
    private static let briefPause: Duration = .seconds(2)
    private static let leavePatience: Duration = .seconds(5)

    let client: KafkaClient
    let kafka: KafkaOptions
    private(set) var options: ConsumerOptions
    let delegate: any ConsumerDelegate
    let assignment: KafkaAssignment
    let health: KafkaHealth
    let logger: Logger
    private let log: KafkaLog

    var held = HeldMessages()
    /// The next offset wanted of each assigned partition; may be a logical one of librdkafka's (negative)
    /// until the first message. Nothing below it is ever handed out, so no seek can make an event be learned
    /// twice.
    var wanted: [Int32: Int64] = [:]
    /// Partitions whose wanted offset the broker does not hold, waiting for `mendGaps`.
    var gaps: Set<Int32> = []
    /// Assigned, and not fetched yet: see `settle`.
    var unsettled: Set<Int32> = []
    /// Whose leader did not answer when it was last asked.
    var unanswered: Set<Int32> = []
    /// The state knows which partitions it began with.
    var hasBegun = false
    var nextSettlement = ContinuousClock.now
    /// By partition, the record that is read again to see whether the log is still the same; and the newest one.
    var anchors: [Int32: RecordFingerprint] = [:]
    var newest: [Int32: RecordFingerprint] = [:]
    var nextConfirmation = ContinuousClock.now
    private var recordReader: KafkaRecordReader?
    /// What a person has to mend; every poll throws it from now on.
    var failure: EventLogError?
    private(set) var paused = false
    private var pausedSince = ContinuousClock.now
    /// Librdkafka has been told of the pause, too, and fetches nothing.
    private(set) var fetchingPaused = false
    private var closed = false
    /// `nil` once the consumer is closed.
    private var queue: KafkaQueue?
    private var fetchWatch: FetchWatch
    private var nextProbe = ContinuousClock.now
    private var nextNaming = ContinuousClock.now

    init(log: KafkaLog, kafka: KafkaOptions, _ options: ConsumerOptions, delegate: any ConsumerDelegate)
        throws(EventLogError)
    {
        self.log = log
        self.kafka = kafka
        self.options = options
        self.delegate = delegate
        health = log.connection
        logger = log.logger
        let configuration = KafkaConfiguration()
        try kafka.configureConsumer(configuration)
        if let instance = kafka.instance { try configuration.set("group.instance.id", instance) }
        let callbacks = KafkaCallbacks(logger: log.logger, health: log.connection, side: .consumer)
        client = try KafkaClient(RD_KAFKA_CONSUMER, configuration, topic: kafka.topic, callbacks: callbacks)
        assignment = KafkaAssignment(client, topic: kafka.topic, logger: log.logger)
        fetchWatch = FetchWatch(messagesMax: kafka.queuedMessagesMax, bytesMax: kafka.queuedBytesMax)
        callbacks.consumer = self

        rd_kafka_poll_set_consumer(client.handle)
        queue = KafkaQueue(of: client)
        let topics = PartitionList(topic: kafka.topic, partitions: [RD_KAFKA_PARTITION_UA])
        let error = client.subscribe(topics)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw EventLogError(.invalid, "\(kafka.name): cannot subscribe: \(rdKafkaText(error))")
        }
    }

    deinit {
        // Dropped without `close`. Messages must go before the client that made them, hence here.
        held.dropAll()
        queue = nil
        guard !closed else { return }
        // What is not destroyed would stay in the group.
        if client.destroyingMayAbort { rd_kafka_unsubscribe(client.handle) }
        assignment.close()
        log.releaseConsumer()
    }

    var onGap: ConsumerOptions.OnGap {
        get { options.onGap }
        set { options.onGap = newValue }
    }

    func poll(into batch: inout LogBatch, recordsMax: Int, timeout: Duration) throws(EventLogError) {
        guard !closed else { throw EventLogError(.closed, "this consumer of \(kafka.name) is closed") }
        try log.requireOpen()
        let deadline = ContinuousClock.now + timeout
        name()
        mendGaps()
        probe(until: deadline)
        settle()
        confirm()
        if failure == nil || !held.isEmpty { collect(recordsMax, until: deadline) }
        if !paused && !held.isEmpty {
            held.handOut(to: &batch, recordsMax: recordsMax)
            newest.merge(batch.fingerprints) { $1 }
            health.up(.consumer)
        } else if let failure {
            throw failure
        }
    }

    /// The group names its members anew whenever they come in.
    private func name() {
        guard .now >= nextNaming else { return }
        assignment.nameMember()
        nextNaming = .now + Self.probeInterval
    }

    /// Fills `held`; waits for the first message only.
    private func collect(_ recordsMax: Int, until deadline: ContinuousClock.Instant) {
        guard !paused || fetchingPaused || pauseFetching() else {
            let rest = max(.zero, deadline - .now)
            Thread.sleep(forTimeInterval: rest / .seconds(1))
            return
        }
        noteFetched()
        wakeFetching()
        // While paused librdkafka fetches nothing, yet wants to be polled.
        while paused || (held.count < recordsMax && held.payloadBytes < Self.batchBytesMax) {
            let taken = queue?.takeWhatIsThere(paused ? 1 : recordsMax - held.count) ?? []
            if !taken.isEmpty {
                receive(taken)
            } else {
                guard paused || held.isEmpty else { return }
                let milliseconds = max(.zero, deadline - .now).wholeMilliseconds
                guard let message = rd_kafka_consumer_poll(client.handle, milliseconds) else { return }
                receive([message])
            }
            if failure != nil { return }
        }
    }

    /// Takes the messages over. Most come in long runs of one partition, so `wanted` is looked into once a run.
    private func receive(_ messages: ArraySlice<UnsafeMutablePointer<rd_kafka_message_t>?>) {
        let (before, bytesBefore) = (held.count, held.payloadBytes)
        var run: (partition: Int32, next: Int64?) = (RD_KAFKA_PARTITION_UA, nil)
        for case let message? in messages {
            let partition = message.pointee.partition
            guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
                keep(run)
                consumerError(message)
                rd_kafka_message_destroy(message)
                run = (RD_KAFKA_PARTITION_UA, nil)
                continue
            }
            if run.partition != partition {
                keep(run)
                run = (partition, wanted[partition])
            }
            guard let next = run.next, message.pointee.offset >= next else {
                // Polled before a rebalance or a seek took effect.
                rd_kafka_message_destroy(message)
                continue
            }
            run.next = message.pointee.offset + 1
            held.append(message)
        }
        keep(run)
        fetchWatch.took(held.count - before, bytes: held.payloadBytes - bytesBefore)
    }

    private func keep(_ run: (partition: Int32, next: Int64?)) {
        if let next = run.next { wanted[run.partition] = next }
    }

    private func noteFetched() {
        log.fetchedBytes.store(
            held.payloadBytes + held.count * FetchWatch.bytesBesideMessage
                + fetchWatch.bytes(queued: queue?.length ?? 0), ordering: .relaxed)
    }

    /// Asks the leaders for something small, and does not wait for their answer: see `FetchWatch`.
    private func wakeFetching() {
        guard !paused, let queue, fetchWatch.shouldWake(queued: queue.length, at: .now), !wanted.isEmpty
        else {
            return
        }
        let list = PartitionList(
            topic: kafka.topic, wanted.mapValues { _ in Int64(RD_KAFKA_OFFSET_END) })
        rd_kafka_offsets_for_times(client.handle, list.pointer, 0)
    }

    private func consumerError(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        let words =
            rd_kafka_message_errstr(message).map { String(cString: $0) } ?? rdKafkaText(message.pointee.err)
        switch message.pointee.err {
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            reachedEnd(of: message.pointee.partition, at: message.pointee.offset)
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
            gaps.insert(message.pointee.partition)
        case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
            RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
            health.up(.consumer)
            health.topicMissing(true)
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
            RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL,
            RD_KAFKA_RESP_ERR__FATAL:
            refused(words)
        default:
            health.note(words)
            logger.warning("\(kafka.name): \(words)")
        }
    }

    /// What lies between the last record and the end can't be read: transaction markers, aborted or compacted records.
    private func reachedEnd(of partition: Int32, at end: Int64) {
        guard let next = wanted[partition] else { return }
        if end > max(next, 0) {
            wanted[partition] = end
            held.appendEnd(of: partition, at: end)
        } else if end < next {
            // Shorter than it was; the broker says more.
            gaps.insert(partition)
        }
    }

    /// The reader of single records, made when it is first needed; `nil` where the options do not allow one.
    func reader() -> KafkaRecordReader? {
        if let recordReader { return recordReader }
        do throws(EventLogError) {
            recordReader = try KafkaRecordReader(kafka, health: health, logger: logger)
        } catch {
            failure = failure ?? error
        }
        return recordReader
    }

    /// The broker does not want this client as it is; waiting would not help.
    func refused(_ words: String) {
        guard !client.isFenced else {
            failure = failure ?? kafka.fenced
            return
        }
        failure =
            failure
            ?? EventLogError(
                .refused,
                "\(kafka.name) refuses group '\(kafka.group)': \(words). Check the rights on the broker, and "
                    + "user, password and protocol in source.kafka.properties")
    }

    /// Asks for the topic while nothing says that broker and topic are there: an idle topic tells nothing by
    /// itself.
    private func probe(until deadline: ContinuousClock.Instant) {
        guard health.needsProbe(.consumer), .now >= nextProbe else { return }
        let patience = min(.milliseconds(250), max(.zero, deadline - .now))
        switch client.probe(milliseconds: patience.wholeMilliseconds) {
        case .topicThere:
            health.up(.consumer)
            health.topicMissing(false)
        case .topicMissing:
            health.up(.consumer)
            health.topicMissing(true)
        case .refused(let words): refused(words)
        case .noAnswer: break
        }
        nextProbe = .now + Self.probeInterval
    }

    /// At first what was fetched merely waits in librdkafka's queues, whose size is bounded: told to pause it would throw
    /// that away. A rebalance waits no longer than `briefPause`.
    func pause() {
        guard !paused, !closed else { return }
        paused = true
        pausedSince = .now
        assignment.setPaused(true)
    }

    /// Whether the pause has lasted so long that librdkafka had to be told of it.
    private func pauseFetching() -> Bool {
        guard pausedSince.duration(to: .now) > Self.briefPause else { return false }
        fetchingPaused = true
        let list = PartitionList(topic: kafka.topic, partitions: wanted.keys)
        rd_kafka_pause_partitions(client.handle, list.pointer)
        return true
    }

    func resume() {
        guard paused, !closed else { return }
        paused = false
        assignment.setPaused(false)
        guard fetchingPaused else { return }
        fetchingPaused = false
        let list = PartitionList(topic: kafka.topic, partitions: wanted.keys)
        rd_kafka_resume_partitions(client.handle, list.pointer)
    }

    func commit(_ positions: [Int32: Int64]) {
        assignment.commit(positions)
    }

    /// Librdkafka has a consumer that has an instance leave when it unsubscribes, and not when it closes.
    private func leave() {
        rd_kafka_unsubscribe(client.handle)
        let deadline = ContinuousClock.now + Self.leavePatience
        while client.memberName != nil, .now < deadline {
            if let message = rd_kafka_consumer_poll(client.handle, 20) { rd_kafka_message_destroy(message) }
        }
    }

    func close() {
        guard !closed else { return }
        // What is held was handed to nobody. Librdkafka cannot finish while messages of its are out.
        held.dropAll()
        queue = nil
        recordReader = nil
        if kafka.instance != nil, log.leavesOnStop { leave() }
        if let words = client.closeConsumer() {
            logger.warning(
                "\(kafka.name): leaving the group failed: \(words); the group takes this member out when it has heard nothing of it for session.timeout.ms"
            )
        }
        closed = true
        assignment.close()
        log.releaseConsumer()
    }
}

extension Duration {
    /// Rounded up, so that a wait never turns into a busy loop at its end; at most an hour.
    fileprivate var wholeMilliseconds: Int32 {
        let (seconds, attoseconds) = min(self, .seconds(3_600)).components
        return Int32(seconds * 1_000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    }
}
