import CRdKafka
import Logging

/// What librdkafka calls back into; its address is the client's opaque pointer.
///
/// `@unchecked Sendable`: `consumer` is set on the consumer's thread before it subscribes and read only in
/// callbacks that librdkafka serves on that same thread, from inside poll and close. The log callback comes
/// from librdkafka's own threads and touches the immutable fields only.
final class KafkaCallbacks: @unchecked Sendable {
    let logger: Logger
    let health: KafkaHealth
    let side: KafkaHealth.Side
    /// Weak, because the consumer owns the client, which owns this.
    weak var consumer: KafkaConsumer?

    init(logger: Logger, health: KafkaHealth, side: KafkaHealth.Side) {
        self.logger = logger
        self.health = health
        self.side = side
    }

    /// The address is not retained here: `KafkaClient` keeps this object until its handle is destroyed.
    func install(on configuration: OpaquePointer, _ type: rd_kafka_type_t) {
        rd_kafka_conf_set_opaque(configuration, Unmanaged.passUnretained(self).toOpaque())
        rd_kafka_conf_set_log_cb(configuration) { handle, level, facility, words in
            guard let handle, let words else { return }
            KafkaCallbacks.at(rd_kafka_opaque(handle))?.log(
                Int(level), facility.map { String(cString: $0) } ?? "", String(cString: words))
        }
        rd_kafka_conf_set_error_cb(configuration) { handle, code, reason, opaque in
            let error = rd_kafka_resp_err_t(rawValue: code)
            KafkaCallbacks.at(opaque)?.failed(
                error, reason.map { String(cString: $0) } ?? rdKafkaText(error), handle)
        }
        if type == RD_KAFKA_PRODUCER {
            rd_kafka_conf_set_dr_msg_cb(configuration) { handle, message, _ in
                guard let message, let delivery = message.pointee._private else { return }
                // Retained by `KafkaProducer.produce`; librdkafka reports each message exactly once.
                Unmanaged<KafkaDelivery>.fromOpaque(delivery).takeRetainedValue().finish(message, of: handle)
            }
        } else {
            rd_kafka_conf_set_rebalance_cb(configuration) { handle, error, list, opaque in
                guard let handle, let list else { return }
                if let consumer = KafkaCallbacks.at(opaque)?.consumer {
                    consumer.rebalance(error, list)
                } else {
                    rd_kafka_assign(handle, nil)
                }
            }
            rd_kafka_conf_set_offset_commit_cb(configuration) { _, error, _, opaque in
                guard error != RD_KAFKA_RESP_ERR_NO_ERROR, error != RD_KAFKA_RESP_ERR__NO_OFFSET else {
                    return
                }
                KafkaCallbacks.at(opaque)?.logger.warning(
                    "offsets were not committed to the group (lag tools show old ones): \(rdKafkaText(error))"
                )
            }
        }
    }

    private static func at(_ opaque: UnsafeMutableRawPointer?) -> KafkaCallbacks? {
        opaque.map { Unmanaged<KafkaCallbacks>.fromOpaque($0).takeUnretainedValue() }
    }

    private func failed(_ error: rd_kafka_resp_err_t, _ reason: String, _ handle: OpaquePointer?) {
        switch error {
        case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
            health.down(side, nil)
        case RD_KAFKA_RESP_ERR__AUTHENTICATION, RD_KAFKA_RESP_ERR__FATAL:
            let fatal = handle.flatMap(KafkaClient.FatalError.init)
            let why = fatal?.words ?? reason
            health.note(why)
            consumer?.refused(why)
            guard side == .producer else { return }
            if let fatal, KafkaErrorTable.isOutOfStep(fatal.code) {
                logger.warning("a producer lost count with the broker; another takes over: \(why)")
            } else {
                logger.error("the producer is refused: \(why)")
            }
        default:
            health.note(reason)
        }
    }

    /// Lost connections are told once, by `KafkaHealth`; librdkafka repeats them with every attempt. It also
    /// warns of each consumer property on a producer, and both get all properties.
    private func log(_ severity: Int, _ facility: String, _ words: String) {
        let level: Logger.Level =
            switch (facility, severity) {
            case ("FAIL", _), ("ERROR", _), ("CONFWARN", _): .debug
            case (_, ...2): .critical
            case (_, 3): .error
            case (_, 4): .warning
            case (_, 5), (_, 6): .debug
            default: .trace
            }
        logger.log(level: level, "\(words)", metadata: ["librdkafka": "\(facility)"])
    }
}
