internal import CRdKafka
internal import Foundation
internal import Locking
internal import Synchronization

/// Produces records at a rate, on a thread of its own, over and over the same ones.
package final class KafkaLoad: Sendable {
    private let stopping = Atomic<Bool>(false)
    private let finished = DispatchSemaphore(value: 0)

    package init(_ topic: MeasuredTopic, _ events: RecordedEvents, rate: Int) {
        let (brokers, name) = (topic.brokers, topic.name)
        Thread { [self] in
            // A load that ends early shows in what is learned a second, which is told.
            try? Self.produce(brokers, name, events, rate: rate) { stopping.load(ordering: .relaxed) }
            finished.signal()
        }.start()
    }

    package func stop() {
        stopping.store(true, ordering: .relaxed)
        finished.wait()
    }

    private static func produce(
        _ brokers: String, _ name: String, _ events: RecordedEvents, rate: Int, until isOver: () -> Bool
    ) throws {
        let producer = try KafkaHandle(
            RD_KAFKA_PRODUCER,
            [
                // As producers of many events do. Of the mock cluster, which hands out one batch of a partition at a time, a
                // consumer would else never get as much as is produced.
                "bootstrap.servers": brokers, "compression.codec": "lz4", "linger.ms": "10",
                "partitioner": "murmur2_random",
            ])
        guard let topic = rd_kafka_topic_new(producer.pointer, name, nil) else {
            throw BenchmarkFailure("no handle for topic \(name)")
        }
        defer { rd_kafka_topic_destroy(topic) }
        let clock = ContinuousClock()
        let start = clock.now
        var sent = 0
        while !isOver() {
            let due = Int(start.duration(to: clock.now).seconds * Double(rate))
            while sent < due {
                events.withRecord(sent % events.count) { key, payload in
                    _ = rd_kafka_produce(
                        topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                        UnsafeMutableRawPointer(mutating: payload.baseAddress), payload.count,
                        key.baseAddress,
                        key.count, nil)
                }
                sent += 1
            }
            rd_kafka_poll(producer.pointer, 0)
            Thread.sleep(forTimeInterval: 0.001)
        }
        rd_kafka_flush(producer.pointer, 5_000)
    }
}

/// Produces one record at a time and tells where it stands.
package final class KafkaProbe {
    private let producer: KafkaHandle
    private let topic: OpaquePointer
    /// Written by the delivery callback, which librdkafka calls from `append` alone, on its thread.
    private final class Delivered {
        var token: String?
    }

    package init(_ measured: MeasuredTopic) throws {
        producer = try KafkaHandle(
            RD_KAFKA_PRODUCER,
            ["bootstrap.servers": measured.brokers, "linger.ms": "0", "partitioner": "murmur2_random"]
        ) { configuration in
            rd_kafka_conf_set_dr_msg_cb(configuration) { _, message, _ in
                guard let message, let context = message.pointee._private else { return }
                let delivered = Unmanaged<Delivered>.fromOpaque(context).takeUnretainedValue()
                guard message.pointee.err == RD_KAFKA_RESP_ERR_NO_ERROR else { return }
                delivered.token = "\(message.pointee.partition):\(message.pointee.offset)"
            }
        }
        guard let topic = rd_kafka_topic_new(producer.pointer, measured.name, nil) else {
            throw BenchmarkFailure("no handle for topic \(measured.name)")
        }
        self.topic = topic
    }

    deinit { rd_kafka_topic_destroy(topic) }

    /// The record's token, once it is stored.
    package func append(key: String, _ payload: String) throws -> String {
        let delivered = Delivered()
        var (key, payload) = (key, payload)
        try key.withUTF8 { key in
            try payload.withUTF8 { payload in
                let sent = rd_kafka_produce(
                    topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                    UnsafeMutableRawPointer(mutating: payload.baseAddress),
                    payload.count, key.baseAddress, key.count, Unmanaged.passUnretained(delivered).toOpaque())
                guard sent == 0 else { return try checkKafka(rd_kafka_last_error(), "append a probe") }
            }
        }
        for _ in 0..<10_000 where delivered.token == nil { rd_kafka_poll(producer.pointer, 1) }
        guard let token = delivered.token else {
            // Its report may still come, and must find `delivered`.
            _ = Unmanaged.passRetained(delivered)
            throw BenchmarkFailure("a probe was not stored within 10 s")
        }
        return token
    }
}
