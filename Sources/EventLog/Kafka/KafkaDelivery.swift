import CRdKafka
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

    func finish(_ message: UnsafePointer<rd_kafka_message_t>) {
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
            var words = rdKafkaText(report.err)
            if rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED {
                words += " (it may be stored all the same)"
            }
            completion(.failure(Self.explain(report.err, words, topic, options)))
        }
    }

    private var name: String { "kafka topic '\(topic)' at \(options.brokers)" }

    static func explain(
        _ error: rd_kafka_resp_err_t, _ words: String, _ topic: String, _ options: KafkaOptions
    )
        -> EventLogError
    {
        let name = "kafka topic '\(topic)' at \(options.brokers)"
        return switch error {
        case RD_KAFKA_RESP_ERR__QUEUE_FULL:
            EventLogError(
                .full, "\(name): too many appends are waiting for the broker; feed more slowly, then repeat")
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
            EventLogError(
                .refused,
                "\(name): the record is too large (\(words)); raise message.max.bytes in "
                    + "source.kafka.properties "
                    + "and on the topic, or send less")
        case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
            RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
            EventLogError(
                .topicMissing,
                "\(name) does not exist. Create it: kafka-topics --bootstrap-server \(options.brokers) "
                    + "--create "
                    + "--topic \(topic)")
        case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT:
            EventLogError(
                .timedOut, "\(name): the broker did not take the record in time: \(words); repeat it later")
        case RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
            EventLogError(.closed, "\(name) was closed before the broker took the record: \(words)")
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR__FATAL:
            EventLogError(
                .refused, "\(name) refuses the record: \(words); check the broker's rights for this client")
        default:
            EventLogError(.unreachable, "\(name): the record was not stored: \(words)")
        }
    }
}
