import CRdKafka
public import EventLog
internal import Events
import Logging

/// The past of a topic, by partitions assigned by hand: no group is joined.
///
/// What librdkafka reports as the end of a partition counts as its end, because the last offsets may belong to
/// transaction markers or aborted records, which are never handed out.
final class KafkaHistory: LogHistory {
    private static let answerMilliseconds: Int32 = 15_000
    private static let patience: Duration = .seconds(60)
    private static let batchBytesMax = 16 << 20

    private let client: KafkaClient
    private let kafka: KafkaOptions
    private let ranges: [Int32: Range<Int64>]
    private(set) var positions: [Int32: Int64]
    private(set) var memory = LogMemory()
    private var unfinished: Set<Int32>
    private var lastAnswer = ContinuousClock.now
    private var closed = false

    init(kafka: KafkaOptions, range: LogRange, health: KafkaHealth, logger: Logger) throws(EventLogError) {
        self.kafka = kafka
        let configuration = KafkaConfiguration()
        try kafka.configureConsumer(configuration)
        let callbacks = KafkaCallbacks(logger: logger, health: health, side: .consumer)
        client = try KafkaClient(RD_KAFKA_CONSUMER, configuration, topic: kafka.topic, callbacks: callbacks)
        let held = try Self.held(client, kafka)
        let ranges = try range.resolve(held, of: kafka.name)
        self.ranges = ranges
        positions = ranges.mapValues(\.lowerBound)
        memory.identity = client.identity
        memory.origins = [:]
        unfinished = Set(ranges.filter { !$0.value.isEmpty }.keys)
        rd_kafka_poll_set_consumer(client.handle)
        let list = PartitionList(topic: kafka.topic, positions.filter { unfinished.contains($0.key) })
        rd_kafka_assign(client.handle, list.pointer)
    }

    private static func held(_ client: KafkaClient, _ kafka: KafkaOptions) throws(EventLogError) -> [Int32:
        Range<
            Int64
        >]
    {
        var held: [Int32: Range<Int64>] = [:]
        for partition in try partitions(client, kafka) {
            guard
                let (earliest, end) = client.queryWatermarks(
                    topic: kafka.topic, partition: partition, milliseconds: answerMilliseconds)
            else { throw unreachable(kafka, "partition \(partition) does not say how far it reaches") }
            held[partition] = earliest..<max(earliest, end)
        }
        return held
    }

    private static func partitions(_ client: KafkaClient, _ kafka: KafkaOptions) throws(EventLogError)
        -> [Int32]
    {
        switch client.partitions(of: kafka.topic, milliseconds: answerMilliseconds) {
        case .there(let partitions): return partitions
        case .missing:
            throw EventLogError(.topicMissing, "\(kafka.name) does not exist; create it, or name another")
        case .noAnswer(let words): throw unreachable(kafka, words)
        }
    }

    private static func unreachable(_ kafka: KafkaOptions, _ why: String) -> EventLogError {
        EventLogError(
            .unreachable, "\(kafka.name) cannot be read: \(why). Check source.kafka.brokers and the broker")
    }

    var fractionRead: Double {
        let (read, all) = ranges.reduce(into: (0.0, 0.0)) { sums, entry in
            sums.0 += Double((positions[entry.key] ?? 0) - entry.value.lowerBound)
            sums.1 += Double(entry.value.count)
        }
        return all > 0 ? min(1, read / all) : 1
    }

    func poll(into batch: inout LogBatch, recordsMax: Int, timeout: Duration) throws(EventLogError) -> Bool {
        guard !closed else { throw EventLogError(.closed, "this history of \(kafka.name) is closed") }
        let deadline = ContinuousClock.now + timeout
        var bytes = 0
        while !unfinished.isEmpty, batch.count < recordsMax, bytes < Self.batchBytesMax {
            // Waits for the first message only.
            let wait = batch.isEmpty ? max(.zero, deadline - .now) : .zero
            guard let message = rd_kafka_consumer_poll(client.handle, Int32(wait / .milliseconds(1))) else {
                break
            }
            defer { rd_kafka_message_destroy(message) }
            lastAnswer = .now
            bytes += try take(message, into: &batch)
        }
        guard ContinuousClock.now - lastAnswer < Self.patience else {
            throw Self.unreachable(kafka, "nothing came for a minute")
        }
        return !unfinished.isEmpty || !batch.isEmpty
    }

    /// Returns the bytes added.
    private func take(_ message: UnsafeMutablePointer<rd_kafka_message_t>, into batch: inout LogBatch)
        throws(EventLogError) -> Int
    {
        let (partition, offset) = (message.pointee.partition, message.pointee.offset)
        switch message.pointee.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR: break
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            finish(partition, at: offset)
            return 0
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
            throw EventLogError(
                .gap,
                "\(kafka.name), partition \(partition): offset \(positions[partition] ?? offset) went while the topic "
                    + "was being read. Begin again")
        case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
            RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR__FATAL:
            throw EventLogError(.refused, "\(kafka.name) is refused: \(rdKafkaText(message.pointee.err))")
        default:
            // Librdkafka tries again by itself; `patience` bounds that.
            return 0
        }
        guard let range = ranges[partition], unfinished.contains(partition) else { return 0 }
        guard offset < range.upperBound else {
            finish(partition, at: range.upperBound)
            return 0
        }
        batch.append(
            token: Token(partition: partition, offset: offset),
            time: message.logTime,
            payload: UnsafeRawBufferPointer(start: message.pointee.payload, count: message.pointee.len),
            isTombstone: message.pointee.payload == nil)
        memory.last[partition] = RecordFingerprint(message)
        positions[partition] = offset + 1
        if offset + 1 == range.upperBound { finish(partition, at: range.upperBound) }
        return message.pointee.len
    }

    private func finish(_ partition: Int32, at offset: Int64) {
        guard let range = ranges[partition], unfinished.remove(partition) != nil else { return }
        positions[partition] = min(max(offset, positions[partition] ?? offset), range.upperBound)
        let list = PartitionList(topic: kafka.topic, partitions: [partition])
        rd_kafka_pause_partitions(client.handle, list.pointer)
    }

    func close() {
        guard !closed else { return }
        closed = true
        _ = client.closeConsumer()
    }

    deinit { close() }
}

extension KafkaLog: HistoricalLog {
    public func history(_ range: LogRange) throws(EventLogError) -> any LogHistory {
        try requireOpen()
        return try KafkaHistory(kafka: options, range: range, health: connection, logger: logger)
    }
}

extension KafkaClient {
    enum Partitions {
        case there([Int32])
        case missing
        case noAnswer(String)
    }

    /// Asks a broker which partitions the topic has; waits up to `milliseconds`.
    func partitions(of topic: String, milliseconds: Int32) -> Partitions {
        guard let handle = rd_kafka_topic_new(self.handle, topic, nil) else {
            return .noAnswer(rdKafkaText(rd_kafka_last_error()))
        }
        defer { rd_kafka_topic_destroy(handle) }
        var found: UnsafePointer<rd_kafka_metadata>?
        let error = rd_kafka_metadata(self.handle, 0, handle, &found, milliseconds)
        guard error == RD_KAFKA_RESP_ERR_NO_ERROR, let found else { return .noAnswer(rdKafkaText(error)) }
        defer { rd_kafka_metadata_destroy(found) }
        guard found.pointee.topic_cnt > 0 else { return .missing }
        let topic = found.pointee.topics[0]
        guard topic.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
            let isMissing = topic.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
            return isMissing ? .missing : .noAnswer(rdKafkaText(topic.err))
        }
        return .there((0..<Int(topic.partition_cnt)).map { topic.partitions[$0].id })
    }
}
