internal import CRdKafka
internal import Foundation

/// Where a benchmark's topic is.
package final class MeasuredTopic {
    package let brokers: String
    package let name = "freshet-bench-\(UUID().uuidString.prefix(8).lowercased())"
    package let partitions: Int
    /// `nil` for a real broker.
    private let mock: (process: Process, input: Pipe)?

    /// - Parameter brokers: of a real Kafka; `nil` starts the mock cluster.
    package init(brokers: String?, partitions: Int) throws {
        self.partitions = partitions
        if let brokers {
            mock = nil
            self.brokers = brokers
            try create()
        } else {
            let (process, input, output) = (Process(), Pipe(), Pipe())
            process.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            process.arguments = ["mock-broker", "--topic", name, "--partitions", String(partitions)]
            process.standardInput = input
            process.standardOutput = output
            try process.run()
            let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
            self.brokers = line.trimmingCharacters(in: .whitespacesAndNewlines)
            mock = (process, input)
            guard !self.brokers.isEmpty else { throw BenchmarkFailure("the mock cluster did not start") }
        }
    }

    /// Deletes the topic, or ends the mock.
    package func close() {
        guard let mock else { return delete() }
        try? mock.input.fileHandleForWriting.close()
        mock.process.waitUntilExit()
    }

    /// Whether the mock says nothing more, as a broker that hangs: connections stand, nothing comes. Nothing of a real one.
    package func silence(_ isSilent: Bool) {
        guard let mock else { return }
        kill(mock.process.processIdentifier, isSilent ? SIGSTOP : SIGCONT)
    }

    /// Processor time that the mock has used so far, in seconds; `nil` of a real broker.
    package var processorSeconds: Double? {
        mock.map { ProcessorTime.ofProcess(Int($0.process.processIdentifier)) }
    }

    /// Appends all, by key, as a producer with large batches does, and waits until they are stored.
    package func fill(_ events: RecordedEvents, compression: String) throws {
        let producer = try KafkaHandle(
            RD_KAFKA_PRODUCER,
            [
                "bootstrap.servers": brokers, "compression.codec": compression, "linger.ms": "50",
                "batch.num.messages": "10000", "partitioner": "murmur2_random",
                "queue.buffering.max.messages": "2000000", "queue.buffering.max.kbytes": "1048576",
            ])
        guard let topic = rd_kafka_topic_new(producer.pointer, name, nil) else {
            throw BenchmarkFailure("no handle for topic \(name)")
        }
        defer { rd_kafka_topic_destroy(topic) }
        for index in 0..<events.count {
            try events.withRecord(index) { key, payload in
                while rd_kafka_produce(
                    topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                    UnsafeMutableRawPointer(mutating: payload.baseAddress), payload.count, key.baseAddress,
                    key.count,
                    nil) != 0
                {
                    guard rd_kafka_last_error() == RD_KAFKA_RESP_ERR__QUEUE_FULL else {
                        return try checkKafka(rd_kafka_last_error(), "append to \(name)")
                    }
                    rd_kafka_poll(producer.pointer, 10)
                }
            }
        }
        try checkKafka(rd_kafka_flush(producer.pointer, 120_000), "append to \(name)")
        try requireAll(producer, count: events.count)
    }

    /// The mock keeps 5 MiB of a partition, as they were sent, and lets go of what is older.
    private func requireAll(_ client: KafkaHandle, count: Int) throws {
        var held: Int64 = 0
        for partition in 0..<Int32(partitions) {
            var (earliest, end): (Int64, Int64) = (0, 0)
            try checkKafka(
                rd_kafka_query_watermark_offsets(client.pointer, name, partition, &earliest, &end, 10_000),
                "ask for the offsets of \(name)")
            held += end - earliest
        }
        guard held == count else {
            throw BenchmarkFailure(
                "the topic holds \(held) of \(count) events; the mock cluster keeps 5 MiB a partition: give more "
                    + "--partitions, or --compression zstd")
        }
    }

    private func create() throws {
        let client = try KafkaHandle(RD_KAFKA_PRODUCER, ["bootstrap.servers": brokers])
        var words = [CChar](repeating: 0, count: 512)
        var topic = rd_kafka_NewTopic_new(name, Int32(partitions), -1, &words, words.count)
        guard topic != nil, let queue = rd_kafka_queue_new(client.pointer) else {
            throw BenchmarkFailure("cannot describe topic \(name)")
        }
        defer {
            rd_kafka_NewTopic_destroy(topic)
            rd_kafka_queue_destroy(queue)
        }
        rd_kafka_CreateTopics(client.pointer, &topic, 1, nil, queue)
        guard let event = rd_kafka_queue_poll(queue, 30_000) else {
            throw BenchmarkFailure("\(brokers) did not answer within 30 s to the creation of topic \(name)")
        }
        defer { rd_kafka_event_destroy(event) }
        try checkKafka(rd_kafka_event_error(event), "create topic \(name) on \(brokers)")
    }

    private func delete() {
        guard let client = try? KafkaHandle(RD_KAFKA_PRODUCER, ["bootstrap.servers": brokers]),
            let queue = rd_kafka_queue_new(client.pointer)
        else { return }
        defer { rd_kafka_queue_destroy(queue) }
        var topic = rd_kafka_DeleteTopic_new(name)
        defer { rd_kafka_DeleteTopic_destroy(topic) }
        rd_kafka_DeleteTopics(client.pointer, &topic, 1, nil, queue)
        if let event = rd_kafka_queue_poll(queue, 10_000) { rd_kafka_event_destroy(event) }
    }
}
