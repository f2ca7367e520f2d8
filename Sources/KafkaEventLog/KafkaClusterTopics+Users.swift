import CRdKafka
public import EventLog
import Logging

// What is said of users. Nothing of a transaction is read before it is committed (`isolation.level`), so that neither one that
// was aborted nor one of a member that was taken to be dead is ever seen; the end of the topic is the end of what is settled.
extension KafkaClusterTopics {
    /// Of a batch of what is followed, about.
    private static let followedBytesMax = 4 << 20
    private static let followedInterval: Duration = .milliseconds(500)

    public var groupMember: String? { log.groupMember() }

    public func readUsers(
        of partition: Int32, from offset: Int64?, _ body: (UserMessage) -> Void
    ) throws(EventLogError) -> Int64? {
        let client = try makeConsumer()
        defer { _ = client.closeConsumer() }
        // Who has to be asked for the partition: librdkafka would else find out after half a second.
        _ = client.partitions(of: usersTopic, milliseconds: Self.answerMilliseconds)
        let list = PartitionList(
            topic: usersTopic, [partition: offset ?? Int64(RD_KAFKA_OFFSET_BEGINNING)])
        rd_kafka_assign(client.handle, list.pointer)
        var deadline = ContinuousClock.now + Self.readPatience
        while true {
            guard let message = rd_kafka_consumer_poll(client.handle, 100) else {
                guard .now < deadline else {
                    throw EventLogError(
                        .unreachable,
                        "topic '\(usersTopic)', partition \(partition), cannot be read to its end")
                }
                continue
            }
            defer { rd_kafka_message_destroy(message) }
            switch message.pointee.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR:
                deadline = .now + Self.readPatience
                body(message.userMessage)
            case RD_KAFKA_RESP_ERR__PARTITION_EOF: return message.pointee.offset
            case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
                guard offset == nil else { return nil }
            default: continue
            }
        }
    }

    public func followUsers(_ body: ([FollowedUsers]) -> [Int32: Int64?]?) throws(EventLogError) {
        let client = try makeConsumer()
        defer { _ = client.closeConsumer() }
        _ = client.partitions(of: usersTopic, milliseconds: Self.answerMilliseconds)
        var following = Following(client, topic: usersTopic)
        var gathered: [FollowedUsers] = []
        while let wanted = body(gathered) {
            following.follow(wanted)
            gathered = following.gather(bytesMax: Self.followedBytesMax, for: Self.followedInterval)
        }
    }
}

/// Where the partitions that are followed are read.
private struct Following {
    private let client: KafkaClient
    private let topic: String
    /// The offset that comes next; `nil` of a beginning that has not been found yet.
    private var places: [Int32: Int64?] = [:]

    init(_ client: KafkaClient, topic: String) { (self.client, self.topic) = (client, topic) }

    mutating func follow(_ wanted: [Int32: Int64?]) {
        guard wanted != places else { return }
        places = wanted
        // What was fetched of what goes on is thrown away with the rest: partitions come and go seldom.
        let list = PartitionList(topic: topic, wanted.mapValues { $0 ?? Int64(RD_KAFKA_OFFSET_BEGINNING) })
        rd_kafka_assign(client.handle, list.pointer)
    }

    mutating func gather(bytesMax: Int, for interval: Duration) -> [FollowedUsers] {
        let deadline = ContinuousClock.now + interval
        var gathered: [Int32: FollowedUsers] = [:]
        var bytes = 0
        while bytes < bytesMax, .now < deadline {
            guard let message = rd_kafka_consumer_poll(client.handle, 50) else { continue }
            defer { rd_kafka_message_destroy(message) }
            let (partition, offset) = (message.pointee.partition, message.pointee.offset)
            // Of before the last assignment, where librdkafka still has any.
            guard let place = places[partition] else { continue }
            var users =
                gathered[partition] ?? FollowedUsers(partition: partition, records: [], next: place ?? 0)
            switch message.pointee.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR where offset >= place ?? 0:
                users.records.append(message.userMessage)
                (users.next, users.isEnd) = (offset + 1, false)
                bytes += message.pointee.len + message.pointee.key_len
            case RD_KAFKA_RESP_ERR__PARTITION_EOF where offset >= place ?? 0:
                (users.next, users.isEnd) = (offset, true)
            case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
                users.isLost = true
                gathered[partition] = users
                return Array(gathered.values)
            default: continue
            }
            places[partition] = users.next
            gathered[partition] = users
        }
        return gathered.values.sorted { $0.partition < $1.partition }
    }
}

extension UnsafeMutablePointer<rd_kafka_message_t> {
    fileprivate var userMessage: UserMessage {
        UserMessage(offset: pointee.offset, key: keyBytes, value: valueBytes)
    }
}
