import CRdKafka

/// The queue on which librdkafka puts what a consumer has fetched and everything else it has to tell. Confined to the
/// consumer's thread; gone before the client is.
final class KafkaQueue {
    /// Messages of one call.
    private static let chunk = 1_024

    private let handle: OpaquePointer
    private var messages = [UnsafeMutablePointer<rd_kafka_message_t>?](repeating: nil, count: chunk)

    init?(of client: KafkaClient) {
        guard let handle = rd_kafka_queue_get_consumer(client.handle) else { return nil }
        self.handle = handle
    }

    deinit { rd_kafka_queue_destroy(handle) }

    /// Messages, and other things to tell, that wait.
    var length: Int { rd_kafka_queue_length(handle) }

    /// What is there, without waiting: `rd_kafka_consume_batch_queue` would wait until it has as many as it may bring.
    /// Callbacks are served meanwhile. Who calls owns the messages.
    func takeWhatIsThere(_ countMax: Int) -> ArraySlice<UnsafeMutablePointer<rd_kafka_message_t>?> {
        let wanted = min(countMax, messages.count)
        let taken = rd_kafka_consume_batch_queue(handle, 0, &messages, wanted)
        return messages[..<max(0, taken)]
    }
}
