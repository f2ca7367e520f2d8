package import EventLog
import Events
package import KafkaEventLog
package import TestSupport

package final class KafkaPlace: LogPlace {
    package let kafka: MockKafka
    package let topic: String
    package let partitions: Int
    private let deadLetterTopic: String
    private let group = MockKafka.uniqueName("group")

    package init(partitions: Int = 3, brokers: Int = 1) throws {
        self.partitions = partitions
        kafka = try MockKafka(brokers: brokers)
        topic = try kafka.uniqueTopic("events", partitions: partitions)
        deadLetterTopic = try kafka.uniqueTopic("dead")
    }

    package var options: KafkaOptions {
        KafkaOptions(
            brokers: kafka.bootstrap, topic: topic, group: group, deadLetterTopic: deadLetterTopic,
            properties: MockKafka.quickGroup)
    }

    package func open() throws -> any EventLog { try openKafka() }

    package func openKafka() throws -> KafkaLog { try KafkaLog(options: options, logger: quiet) }

    package func deadLetters() throws -> [DeadLetter] {
        try kafka.records(of: deadLetterTopic).compactMap { record in
            guard let token = Token(String(decoding: record.key, as: UTF8.self)),
                record.headers["token"] == record.key, let reason = record.headers["reason"]
            else { return nil }
            return DeadLetter(
                token: token, time: 0, reason: String(decoding: reason, as: UTF8.self), payload: record.value)
        }
    }
}
