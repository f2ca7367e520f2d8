import Dispatch
import EmbeddedEventLog
import EventLog
import Events
import KafkaEventLog
import Logging
import Synchronization
import TestSupport

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// One record for a log: any bytes, an event or not.
struct TestRecord: Sendable {
    var key: String
    var payload: [UInt8]

    init(_ key: String, _ json: String) {
        self.key = key
        payload = Array(json.utf8)
    }

    static func rating(_ user: String, _ item: String, _ value: Double, time: Int = 1_700_000_000_000) -> Self
    {
        TestRecord(user, #"{"user":"\#(user)","item":"\#(item)","rating":\#(value),"ts":\#(time)}"#)
    }
}

/// A broker in this process (or the real one), with a topic of this test's own.
final class KafkaHost {
    let kafka: MockKafka
    let topic: String
    let deadLetterTopic: String

    init(partitions: Int = 1, createsTopic: Bool = true) throws {
        kafka = try MockKafka()
        topic = MockKafka.uniqueName("events")
        if createsTopic { try kafka.createTopic(topic, partitions: partitions) }
        deadLetterTopic = try kafka.uniqueTopic("dead")
    }

    /// How a daemon finds this topic.
    var settings: [String] {
        [
            "source.kind=kafka", "source.kafka.brokers=\(kafka.bootstrap)", "source.kafka.topic=\(topic)",
            "source.kafka.group=\(topic)", "source.kafka.dead-letter-topic=\(deadLetterTopic)",
            // The mock knows no static members: it would wait for the session of one that has stopped in order.
            MockKafka.usesRealBroker ? "source.kafka.instance-id=auto" : "source.kafka.instance-id=",
        ] + MockKafka.quickGroup.map { "source.kafka.properties.\($0.key)=\($0.value)" }.sorted()
    }

    /// - Parameter compression: the mock keeps 5 MiB of a partition, so that a long stream has to be compressed.
    func produce(_ records: [TestRecord], compression: String = "lz4") throws {
        let log = try KafkaLog(
            options: KafkaOptions(
                brokers: kafka.bootstrap, topic: topic,
                properties: ["compression.type": compression, "linger.ms": "20"]),
            logger: quiet)
        defer { log.close() }
        try append(records, to: log)
    }
}

/// Fills an embedded log beside its daemon, which must not run.
func fillEmbedded(_ path: String, _ records: [TestRecord]) throws {
    let log = try EmbeddedLog(path: path, logger: quiet)
    defer { log.close() }
    try append(records, to: log)
}

/// Returns once all are durable; never more than 5,000 are under way.
private func append(_ records: [TestRecord], to log: any EventLog) throws {
    let failures = Mutex<[EventLogError]>([])
    for start in stride(from: 0, to: records.count, by: 5_000) {
        let group = DispatchGroup()
        for record in records[start..<min(start + 5_000, records.count)] {
            group.enter()
            log.append(key: try EntityID(record.key), payload: record.payload, time: 1_700_000_000_000) {
                if case .failure(let error) = $0 { failures.withLock { $0.append(error) } }
                group.leave()
            }
        }
        group.wait()
    }
    if let first = failures.withLock({ $0.first }) { throw first }
}
