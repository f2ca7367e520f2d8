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
        if MockKafka.usesRealBroker { #expect(try member.topics.committed(0) == CommittedPosition(7)) }
    }

    @Test("a commit says where the last word on each partition's users stands")
    func places() throws {
        let member = try Member()
        defer { member.close() }
        let users = (0..<3).map { ClusterRecord(.users(partition: 0), key: [UInt8($0)], value: [7]) }
        let position = CommittedPosition(7, changelog: 0xABC_DEF)
        let first = try member.topics.commit(users + member.records, positions: [0: position], told: [:])
        #expect(first == .committed(told: [0: 2]))
        #expect(
            try member.topics.commit(member.records, positions: [:], told: [0: 2]) == .committed(told: [:]))
        let second = try member.topics.commit(users, positions: [0: position], told: [0: 2])
        guard case .committed(let told) = second, let last = told[0] else {
            Issue.record("\(second)")
            return
        }
        // A broker puts the end of a transaction into the partition too.
        #expect(last >= 5)
        if MockKafka.usesRealBroker { #expect(try member.topics.committed(0) == position) }
    }

    /// Members told the new one what changed, and whoever took a partition over had no more than that.
    @Test(
        "nothing is committed to a topic of users that does not hold what was told, as one that was made anew"
    )
    func anew() throws {
        let member = try Member()
        defer { member.close() }
        let users = (0..<3).map { ClusterRecord(.users(partition: 0), key: [UInt8($0)], value: [7]) }
        let position = CommittedPosition(7, changelog: 1)
        for told in [Int64(0), 2, 1_000] {
            let outcome = try member.topics.commit(users, positions: [0: position], told: [0: told + 100])
            #expect(outcome == .begunAnew([0]))
        }
        if MockKafka.usesRealBroker {
            #expect(try member.topics.committed(0) == nil)
            var count = 0
            _ = try member.topics.readUsers(of: 0, from: nil) { _ in count += 1 }
            #expect(count == 0)
        }
        // The client is none the worse for it.
        guard case .committed = try member.topics.commit(users, positions: [0: position], told: [:]) else {
            Issue.record("not committed")
            return
        }
    }

    @Test("what is too much for a commit is told beside it, in order, and read from where it stands")
    func telling() throws {
        let member = try Member()
        defer { member.close() }
        try member.topics.commit(member.records, positions: [0: 7])
        let values = (0..<40).map { [UInt8](repeating: UInt8($0), count: 100_000) }
        let first = try member.topics.tell(40, named: { "image/0/\($0)" }) {
            (number) throws(EventLogError) in values[number]
        }
        #expect(try member.topics.itemsRange().contains(first))
        var found: [[UInt8]] = []
        try member.topics.readItems(from: first) { values, _, isEnd in
            found += values
            return !isEnd
        }
        #expect(found == values)
        let failure = EventLogError(.closed, "no more")
        #expect(throws: EventLogError.self) {
            try member.topics.tell(40, named: { "image/1/\($0)" }) { (number) throws(EventLogError) in
                if number == 30 { throw failure }
                return values[number]
            }
        }
    }

    /// It went on with the topic's beginning, with no more than a warning.
    @Test("what is told of items and no longer kept, or not there yet, is a gap")
    func gap() throws {
        let member = try Member()
        defer { member.close() }
        try member.topics.commit(member.records, positions: [0: 7])
        let thrown = try #require(throws: EventLogError.self) {
            try member.topics.readItems(from: 1_000) { _, _, _ in true }
        }
        #expect(thrown.code == .gap)
    }

    @Test("an offset names the changelog beside it, and one that somebody else has set names none")
    func named() throws {
        let place = try KafkaPlace(partitions: 1)
        let log = try place.openKafka()
        defer { log.close() }
        let topics = KafkaClusterTopics(log, logger: quiet)
        #expect(try topics.committed(0) == nil)
        // Nobody is in the group, so anybody may.
        let client = try topics.makeConsumer()
        defer { _ = client.closeConsumer() }
        for position in [
            CommittedPosition(7, changelog: .max), CommittedPosition(9), CommittedPosition(0, changelog: 0),
        ] {
            let list = PartitionList(topic: place.topic, [0: position])
            #expect(rd_kafka_commit(client.handle, list.pointer, 0) == RD_KAFKA_RESP_ERR_NO_ERROR)
            #expect(try topics.committed(0) == position)
        }
        topics.close()
    }

    @Test("what stands beside an offset that somebody else has set is nothing to us")
    func words() {
        #expect(ChangelogWord.changelog(in: ChangelogWord.text(.max)) == .max)
        #expect(ChangelogWord.changelog(in: ChangelogWord.text(0)) == 0)
        for strange in ["", "freshet-users=", "freshet-users=xyz", "ff", "checkpoint of 12:00"] {
            #expect(ChangelogWord.changelog(in: strange) == nil, "\(strange)")
        }
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

extension KafkaClusterTopics {
    fileprivate func commit(
        _ records: [ClusterRecord], positions: [Int32: Int64]
    ) throws(EventLogError) {
        let positions = positions.mapValues { CommittedPosition($0) }
        _ = try commit(records, positions: positions, told: [:])
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
