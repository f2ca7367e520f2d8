import EventLog
import Events
import TestSupport

final class KafkaPlace: LogPlace {
    let kafka: MockKafka
    let topic: String
    let partitions: Int
    private let deadLetterTopic: String
    private let group = MockKafka.uniqueName("group")

    init(partitions: Int = 3) throws {
        self.partitions = partitions
        kafka = try MockKafka()
        topic = try kafka.uniqueTopic("events", partitions: partitions)
        deadLetterTopic = try kafka.uniqueTopic("dead")
    }

    var options: KafkaOptions {
        KafkaOptions(
            brokers: kafka.bootstrap, topic: topic, group: group, deadLetterTopic: deadLetterTopic,
            properties: MockKafka.quickGroup)
    }

    func open() throws -> any EventLog { try openKafka() }

    func openKafka() throws -> KafkaLog { try KafkaLog(options: options, logger: quiet) }

    func deadLetters() throws -> [DeadLetter] {
        try kafka.records(of: deadLetterTopic).compactMap { record in
            guard let token = Token(String(decoding: record.key, as: UTF8.self)),
                record.headers["token"] == record.key, let reason = record.headers["reason"]
            else { return nil }
            return DeadLetter(
                token: token, time: 0, reason: String(decoding: reason, as: UTF8.self), payload: record.value)
        }
    }
}
