import CRdKafka
import EventLog
import EventLogSupport
import TestSupport
import Testing

@testable import KafkaEventLog

/// What members of a cluster commit together. The mock takes transactions, but keeps no offset that came in one, ends none, and
/// looks at no generation: what it is told to answer stands in.
@Suite("a cluster's topics", .ownThread)
struct ClusterTopicsTests {
    @Test("what is committed is there, with the positions")
    func commits() throws {
        let member = try Member()
        defer { member.close() }
        try member.topics.commit(member.records, positions: [0: 7])
        #expect(try member.items(1) == [[1, 2, 3]])
        if MockKafka.usesRealBroker { #expect(try member.topics.committed(0) == 7) }
    }

    @Test(
        "a commit that a rebalance has passed is repeated by the same member",
        .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"))
    func repeated() throws {
        let member = try Member()
        defer { member.close() }
        try member.place.kafka.refuse(.txnOffsetCommit, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, count: 2)
        try member.topics.commit(member.records, positions: [0: 7])
        #expect(try member.items(1).count == 1)
        // The transaction after it is none the worse for it.
        try member.topics.commit(member.records, positions: [0: 9])
        #expect(try member.items(2).count == 2)
    }

    @Test(
        "a member that the group knows no more, or refuses again and again, has to be started again",
        .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"),
        arguments: [
            (RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, 1), (RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, 10_000),
        ])
    func refused(error: rd_kafka_resp_err_t, count: Int) throws {
        let member = try Member()
        defer { member.close() }
        try member.place.kafka.refuse(.txnOffsetCommit, error, count: count)
        let thrown = try #require(throws: EventLogError.self) {
            try member.topics.commit(member.records, positions: [0: 7])
        }
        #expect(thrown.code == .mustRestart, "\(thrown)")
    }

    /// Taken for an outage, it was repeated for ever, and nothing was committed any more.
    @Test(
        "what the broker will never take ends the member, with words that say what to do",
        .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"))
    func tooLarge() throws {
        let member = try Member()
        defer { member.close() }
        try member.place.kafka.refuseAppends(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, count: 1)
        let thrown = try #require(throws: EventLogError.self) {
            try member.topics.commit(member.records, positions: [0: 7])
        }
        #expect(thrown.code == .refused && thrown.message.contains("max.message.bytes"), "\(thrown)")
    }

    /// A state that was alone, or a long backlog, is more than ten seconds' worth.
    @Test("a commit of many bytes is given more time, and the next one the usual again")
    func large() throws {
        let member = try Member()
        defer { member.close() }
        // The mock ends no transaction: that it is given the time has to be asked.
        let minute = 60_000
        #expect(KafkaTransactions.timeoutMilliseconds(ofBytes: 1_000_000) == 10_000)
        #expect(KafkaTransactions.timeoutMilliseconds(ofBytes: 300_000_000) == minute)
        #expect(KafkaTransactions.timeoutMilliseconds(ofBytes: 1 << 40) == 15 * minute)
        let many = (0..<120).map { number in
            ClusterRecord(.items, key: [UInt8(number)], value: [UInt8](repeating: 7, count: 500_000))
        }
        try member.topics.commit(many, positions: [0: 7])
        try member.topics.commit(member.records, positions: [0: 8])
        // The mock keeps no more than the last of it.
        #expect(try member.items(1).contains([1, 2, 3]))
    }

    @Test(
        "a member whose place another process has taken ends",
        .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"))
    func fenced() throws {
        let member = try Member()
        defer { member.close() }
        try member.place.kafka.refuse(.endTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, count: 1)
        let thrown = try #require(throws: EventLogError.self) {
            try member.topics.commit(member.records, positions: [0: 7])
        }
        #expect(thrown.code == .refused, "\(thrown)")
    }

    @Test(
        "a commit that took so long that the broker ended it is repeated by another producer",
        .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"))
    func renewed() throws {
        let member = try Member()
        defer { member.close() }
        let kafka = member.place.kafka
        // Asked again each half second.
        try kafka.refuse(.txnOffsetCommit, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, count: 1_000)
        try kafka.refuse(.endTxn, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, count: 1)
        let thrown = try #require(throws: EventLogError.self) {
            try member.topics.commit(member.records, positions: [0: 7])
        }
        #expect(thrown.code == .unreachable, "\(thrown)")
        try kafka.allow(.txnOffsetCommit)
        try member.topics.commit(member.records, positions: [0: 7])
        #expect(try member.items(1).contains([1, 2, 3]))
    }

    /// Librdkafka takes no other call before it was asked for the end of the first one: no commit came about any more.
    @Test(
        "an outage longer than a commit and its taking back leaves nothing behind",
        .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"))
    func outage() throws {
        let member = try Member()
        defer { member.close() }
        try member.place.kafka.brokerDown()
        for _ in 0..<2 {
            let thrown = try #require(throws: EventLogError.self) {
                try member.topics.commit(member.records, positions: [0: 7])
            }
            #expect(thrown.code == .unreachable, "\(thrown)")
        }
        try member.place.kafka.brokerUp()
        // The group has not heard of it for too long.
        try member.commit([0: 7])
        #expect(try member.items(1).count == 1)
    }

    /// A broker would take it, whoever has the partitions.
    @Test(
        "a member that is in no group commits no positions",
        .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"))
    func inNoGroup() throws {
        let member = try Member()
        defer { member.close() }
        try member.place.kafka.refuse(
            .joinGroup, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, count: 10_000)
        try member.place.kafka.refuse(.heartbeat, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, count: 1)
        try member.loseAll()
        let thrown = try #require(throws: EventLogError.self) {
            try member.topics.commit(member.records, positions: [0: 7])
        }
        #expect(thrown.code == .unreachable && thrown.message.contains("in no group"), "\(thrown)")
        // What is said of no partition may be said.
        try member.topics.commit(member.records, positions: [:])
        #expect(try member.items(1).count == 1)
    }

    @Test(
        "a commit is not repeated for a partition that the member has no more",
        .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"))
    func othersPartition() throws {
        let member = try Member()
        defer { member.close() }
        try member.place.kafka.refuse(.txnOffsetCommit, RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, count: 1)
        let thrown = try #require(throws: EventLogError.self) {
            try member.topics.commit(member.records, positions: [0: 7, 99: 1])
        }
        #expect(thrown.code == .mustRestart, "\(thrown)")
    }
}

/// A member of a group of one, who has all partitions.
private final class Member {
    let place: KafkaPlace
    let topics: KafkaClusterTopics
    let records = [ClusterRecord(.items, key: [9], value: [1, 2, 3])]
    private let log: KafkaLog
    private let consumer: any EventLogConsumer

    init() throws {
        place = try KafkaPlace(partitions: 1)
        try place.kafka.createTopic("\(place.topic)-items", partitions: 1)
        try place.kafka.createTopic("\(place.topic)-users", partitions: 1)
        log = try place.openKafka()
        topics = KafkaClusterTopics(log, logger: quiet)
        consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        _ = try consumer.poll(until: { [log] in !log.partitions().isEmpty })
        #expect(try topics.open(member: "one") == 1)
    }

    /// As often as it takes to be in the group again.
    func commit(_ positions: [Int32: Int64]) throws {
        var isDone = false
        _ = try consumer.poll(until: { [topics, records] in
            do throws(EventLogError) {
                try topics.commit(records, positions: positions)
                isDone = true
            } catch {}
            return isDone
        })
    }

    func loseAll() throws {
        _ = try consumer.poll(until: { [log] in log.partitions().isEmpty })
    }

    /// What is told of items, once there is that much.
    func items(_ count: Int) throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        let deadline = ContinuousClock.now + Patience.duration
        try topics.readItems(from: nil) { values, _, isEnd in
            found += values
            return .now < deadline && (!isEnd || found.count < count)
        }
        return found
    }

    func close() {
        consumer.close()
        topics.close()
        log.close()
    }
}
