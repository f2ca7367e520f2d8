import CRdKafka
import EventLog

/// What librdkafka's error codes mean for whoever appends a record. One table, so that each code is judged once.
enum KafkaErrorTable {
    static func meaning(of error: rd_kafka_resp_err_t) -> EventLogError.Code {
        switch error {
        case RD_KAFKA_RESP_ERR__QUEUE_FULL: .full
        case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE,
            RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
            .tooLarge
        // Sent again it would be refused again: by the topic's settings, a policy of the broker, or for want of rights.
        case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, RD_KAFKA_RESP_ERR_INVALID_RECORD,
            RD_KAFKA_RESP_ERR_POLICY_VIOLATION, RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT,
            RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
            RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
            RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR__INVALID_ARG,
            RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
            .unacceptable
        case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
            RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
            .topicMissing
        case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT,
            RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
            .timedOut
        case RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT,
            RD_KAFKA_RESP_ERR__DESTROY:
            .closed
        // The client as a whole is refused, whatever it sends; a record cannot help that.
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
            RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR__SSL:
            .refused
        default: .unreachable
        }
    }

    /// Whether a client is given up for having lost count with its broker, as may happen when a broker goes away while
    /// records are on their way. Nobody has refused anything: a new client goes on.
    static func isOutOfStep(_ fatal: rd_kafka_resp_err_t) -> Bool {
        switch fatal {
        case RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID,
            RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
            RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, RD_KAFKA_RESP_ERR__INCONSISTENT,
            RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE:
            true
        default: false
        }
    }

    /// In words that say what to do.
    ///
    /// - Parameter fatal: why librdkafka has given the client up, if it has.
    /// - Parameter mayBeStored: the broker was sent the record, and how that ended is not known.
    static func explain(
        _ error: rd_kafka_resp_err_t, _ words: String, fatal: KafkaClient.FatalError? = nil,
        mayBeStored: Bool = false, topic: String, _ options: KafkaOptions
    ) -> EventLogError {
        let name = "kafka topic '\(topic)' at \(options.brokers)"
        let error = fatal == nil ? error : RD_KAFKA_RESP_ERR__FATAL
        let words = fatal?.words ?? words
        let code = meaning(of: error)
        let unknown =
            mayBeStored
            ? ". It is not known whether the record was stored; sent again, it may be there twice" : ""
        if let fatal, isOutOfStep(fatal.code) {
            return EventLogError(
                .unreachable,
                "\(name): the producer lost count with the broker (\(words)), and another takes over. Repeat the "
                    + "record\(unknown)")
        }
        let text =
            switch code {
            case .full: "\(name): too many appends are waiting for the broker; feed more slowly, then repeat"
            case .tooLarge:
                "\(name): the record is too large (\(words)); raise message.max.bytes in source.kafka.properties and "
                    + "max.message.bytes of the topic, or send less"
            case .unacceptable:
                "\(name) does not take this record: \(words); to repeat it will not help. Check the topic's settings "
                    + "and this client's rights"
            case .topicMissing:
                "\(name) does not exist. Create it: kafka-topics --bootstrap-server \(options.brokers) --create "
                    + "--topic \(topic)"
            case .timedOut where mayBeStored: "\(name): the broker did not answer in time: \(words)"
            case .timedOut: "\(name): the broker did not take the record in time: \(words); repeat it later"
            case .closed: "\(name) was closed before the broker answered: \(words)"
            case .refused:
                "\(name) refuses this client: \(words); check user, password and protocol in source.kafka.properties"
            default: "\(name): the record was not acknowledged: \(words)"
            }
        return EventLogError(code, text + unknown)
    }
}
