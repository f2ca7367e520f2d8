import CRdKafka
import EventLog
internal import Events

/// One record on its way to the broker; whoever appended it waits for `completion`.
final class KafkaDelivery: Sendable {
    private let topic: String
    private let options: KafkaOptions
    private let health: KafkaHealth
    private let completion: @Sendable (Result<Token, EventLogError>) -> Void

    init(
        _ topic: String, _ options: KafkaOptions, _ health: KafkaHealth,
        _ completion: @escaping @Sendable (Result<Token, EventLogError>) -> Void
    ) {
        self.topic = topic
        self.options = options
        self.health = health
        self.completion = completion
    }

    /// - Parameter client: whose report this is.
    func finish(_ message: UnsafePointer<rd_kafka_message_t>, of client: OpaquePointer?) {
        let report = message.pointee
        if report.err == RD_KAFKA_RESP_ERR_NO_ERROR {
            health.up(.producer)
            guard report.offset >= 0 else {
                // A retry of a record the broker had already stored, so long ago that it forgot where.
                completion(
                    .failure(
                        EventLogError(
                            .timedOut,
                            "\(name): the record is stored, but the broker cannot say where; don't repeat it")
                    ))
                return
            }
            completion(.success(Token(partition: report.partition, offset: report.offset)))
        } else {
            let status = rd_kafka_message_status(message)
            completion(
                .failure(
                    KafkaErrorTable.explain(
                        report.err, rdKafkaText(report.err),
                        fatal: client.flatMap(KafkaClient.FatalError.init),
                        mayBeStored: status == RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED, topic: topic, options))
            )
        }
    }

    private var name: String { "kafka topic '\(topic)' at \(options.brokers)" }
}
