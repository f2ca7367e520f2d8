import CRdKafka
internal import Dispatch
internal import Foundation
import Logging

/// What librdkafka made for a client, and has to be asked to take back. That may last for ever: before its version 2.6 a
/// client whose topic was deleted while messages of it waited is never through (librdkafka's #4187 and #4724). So it is
/// asked on a thread of its own, and what is not through in time is left to the end of the process.
///
/// `@unchecked Sendable`: the pointers never change, and librdkafka's calls may come from any thread.
final class KafkaHandle: @unchecked Sendable {
    private static let endPatience: DispatchTimeInterval = .seconds(5)

    let client: OpaquePointer
    let topic: OpaquePointer
    /// Callbacks come until `rd_kafka_destroy` returns, and librdkafka holds the address of this object.
    private let callbacks: KafkaCallbacks

    init(client: OpaquePointer, topic: OpaquePointer, callbacks: KafkaCallbacks) {
        self.client = client
        self.topic = topic
        self.callbacks = callbacks
    }

    /// Waits for the end, within bounds. Called once, and nothing is called with the pointers after it.
    func end() {
        let ended = DispatchSemaphore(value: 0)
        let thread = Thread { [self] in
            reportAll()
            rd_kafka_topic_destroy(topic)
            // A consumer that was never closed leaves without calling back; the group notices by its session
            // time-out.
            rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE)
            withExtendedLifetime(callbacks) { _ = ended.signal() }
        }
        thread.name = "kafka end"
        thread.start()
        guard ended.wait(timeout: .now() + Self.endPatience) == .timedOut else { return }
        callbacks.logger.warning(
            "librdkafka \(rdKafkaVersion) does not end one of its clients, as versions before 2.6 do when a topic is deleted while it is read; it is left to the end of the process, and holds its memory until then"
        )
    }

    /// Whoever waits for a record hears of it: with the client goes what is kept for that.
    private func reportAll() {
        guard rd_kafka_type(client) == RD_KAFKA_PRODUCER else { return }
        rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
        for _ in 0..<20 where rd_kafka_outq_len(client) > 0 { rd_kafka_poll(client, 50) }
    }

    /// Leaves the pointers as they are, and what librdkafka's threads may call.
    func abandon() {
        _ = Unmanaged.passRetained(callbacks)
    }
}
