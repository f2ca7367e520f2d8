internal import ArgumentParser
internal import BenchmarkSupport
internal import CRdKafka
internal import Foundation

/// librdkafka's mock cluster, until standard input ends. A process of its own, so that what the broker costs is neither
/// counted as the daemon's nor runs among its threads.
struct MockBrokerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "mock-broker", shouldDisplay: false)

    @Option var topic: String
    @Option var partitions: Int
    @Option(help: "NAME:PARTITIONS of a further topic; may be given several times.") var also: [String] = []

    func run() throws {
        let handle = try KafkaHandle(RD_KAFKA_PRODUCER, [:])
        guard let cluster = rd_kafka_mock_cluster_new(handle.pointer, 1) else {
            throw BenchmarkFailure("librdkafka made no mock cluster")
        }
        defer { rd_kafka_mock_cluster_destroy(cluster) }
        // By itself the mock offers version 2 of the metadata request, which cannot say that a topic is not to be created.
        let metadata: Int16 = 3
        rd_kafka_mock_set_apiversion(cluster, metadata, 0, 4)
        try checkKafka(
            rd_kafka_mock_topic_create(cluster, topic, Int32(partitions), 1), "create topic \(topic)")
        for text in also {
            let words = text.split(separator: ":")
            guard words.count == 2, let count = Int32(words[1]) else {
                throw BenchmarkFailure("--also wants NAME:PARTITIONS, not '\(text)'")
            }
            try checkKafka(
                rd_kafka_mock_topic_create(cluster, String(words[0]), count, 1), "create topic \(words[0])")
        }
        let brokers = String(cString: rd_kafka_mock_cluster_bootstraps(cluster))
        try FileHandle.standardOutput.write(contentsOf: Data((brokers + "\n").utf8))
        while readLine() != nil {}
    }
}
