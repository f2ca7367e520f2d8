import CRdKafka
import EventLog
import EventLogSupport
import KafkaEventLog
import TestSupport
import Testing

/// Members whom a group knows again (KIP-345). Librdkafka's mock reads their ids and takes no notice, so that most of it shows
/// on a real broker alone.
@Suite("members that a group knows again", .ownThread)
struct StaticMemberTests {
    private static let realOnly = "librdkafka's mock cluster knows no static members"

    @Test(
        "one whose place another process has taken, by the same id, ends with the key that has to be mended",
        .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"))
    func fenced() throws {
        let place = try KafkaPlace()
        let log = try open(place, "worker-1")
        defer { log.close() }
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        _ = try consumer.poll(until: { log.partitions().count == place.partitions })
        try place.kafka.refuse(.heartbeat, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, count: 1)
        try requireFenced(consumer, "worker-1")
        #expect(throws: EventLogError.self) { _ = try consumer.take() }
    }

    @Test(
        "of two with one id the older ends, and the newer has its partitions",
        .enabled(if: MockKafka.usesRealBroker, "\(realOnly)"))
    func fencing() async throws {
        let place = try KafkaPlace()
        let (older, newer) = (try open(place, "worker-1"), try open(place, "worker-1"))
        defer { for log in [older, newer] { log.close() } }
        let one = try older.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { one.close() }
        _ = try one.poll(until: { older.partitions().count == place.partitions })
        let two = try newer.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { two.close() }
        _ = try two.poll(until: { newer.partitions().count == place.partitions })
        try requireFenced(one, "worker-1")
        _ = try await newer.append(all: (0..<30).map(String.init)) { "u\($0)" }
        #expect(try Set(two.take(30).map(\.text)) == Set((0..<30).map(String.init)))
    }

    @Test(
        "one that stops and comes again goes on, and no record is lost or taken twice; nothing of others moves"
    )
    func comingAgain() async throws {
        let place = try KafkaPlace(partitions: 4)
        var logs = [try open(place, "worker-1"), try open(place, "worker-2")]
        defer { for log in logs { log.close() } }
        // As the members' states would, taken together.
        let shared = RecordingDelegate()
        let other = RecordingDelegate()
        var consumers = [
            try logs[0].makeConsumer(.init(), delegate: shared),
            try logs[1].makeConsumer(.init(), delegate: other),
        ]
        var (received, fed): ([Received], Int) = ([], 0)
        let deadline = ContinuousClock.now.advanced(by: .seconds(60))
        func feed() async throws {
            _ = try await logs[1].append(all: (fed..<fed + 60).map(String.init)) { "u\($0)" }
            fed += 60
        }
        func learn(until isEnough: () -> Bool) throws {
            while !isEnough() {
                try #require(ContinuousClock.now < deadline, "\(received.count) of \(fed)")
                for consumer in consumers {
                    let some = try consumer.take(recordsMax: 7, timeout: .milliseconds(10))
                    // What one learns both know: partitions may move between them.
                    for delegate in [shared, other] { delegate.learn(some) }
                    received += some
                }
            }
        }
        func parts() -> [Set<Int32>] { logs.map { Set($0.partitions().map(\.partition)) } }
        func areSettled() -> Bool { parts().allSatisfy { $0.count == 2 } && Set(parts().joined()).count == 4 }
        try await feed()
        try learn { received.count >= fed && areSettled() }
        let (before, revoked) = (parts(), other.revoked.count)
        consumers[0].close()
        logs[0].close()
        try await feed()
        logs[0] = try open(place, "worker-1")
        consumers[0] = try logs[0].makeConsumer(.init(), delegate: shared)
        try learn { received.count >= fed && areSettled() }
        #expect(received.count == fed && Set(received.map(\.token)).count == fed)
        if MockKafka.usesRealBroker { #expect(parts() == before && other.revoked.count == revoked) }
        for consumer in consumers { consumer.close() }
    }

    @Test(
        "one that is told to leave gives its partitions away when it stops, however long the group would wait for it",
        .enabled(if: MockKafka.usesRealBroker, "\(realOnly)"))
    func leaving() throws {
        let place = try KafkaPlace(partitions: 4)
        let (logA, logB) = (
            try open(place, "worker-1", sessionMilliseconds: 300_000),
            try open(place, "worker-2", sessionMilliseconds: 300_000)
        )
        defer { for log in [logA, logB] { log.close() } }
        let one = try logA.makeConsumer(.init(), delegate: RecordingDelegate())
        let two = try logB.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { two.close() }
        _ = try two.poll(until: {
            _ = try? one.take()
            return logA.partitions().count == 2 && logB.partitions().count == 2
        })
        logA.change(leavesOnStop: true)
        one.close()
        _ = try two.poll(until: { logB.partitions().count == 4 })
    }

    @Test("one that leaves where it is in no group is closed as any other")
    func leavingNothing() throws {
        let place = try KafkaPlace()
        let log = try open(place, "worker-1")
        defer { log.close() }
        log.change(leavesOnStop: true)
        try log.makeConsumer(.init(), delegate: RecordingDelegate()).close()
        let delegate = RecordingDelegate()
        let consumer = try log.makeConsumer(.init(), delegate: delegate)
        _ = try consumer.poll(until: { log.partitions().count == place.partitions })
        consumer.close()
        // It was told, as it is of any end.
        #expect(Set(delegate.revoked) == Set(0..<Int32(place.partitions)))
    }

    @Test(
        "an id no broker would take is refused with its key",
        arguments: ["", ".", "..", "two words", "été", String(repeating: "x", count: 250)])
    func refusedIds(id: String) {
        var options = KafkaOptions(brokers: "127.0.0.1:1", topic: "events")
        options.instance = id
        let error = #expect(throws: EventLogError.self) { _ = try KafkaLog(options: options, logger: quiet) }
        #expect(error?.code == .invalid)
        #expect(error?.message.contains("source.kafka.instance-id") == true, "\(error?.message ?? "")")
    }

    private func open(
        _ place: KafkaPlace, _ instance: String, sessionMilliseconds: Int? = nil
    ) throws -> KafkaLog {
        var options = place.options
        options.instance = instance
        if let sessionMilliseconds { options.properties["session.timeout.ms"] = "\(sessionMilliseconds)" }
        return try KafkaLog(options: options, logger: quiet)
    }

    private func requireFenced(_ consumer: any EventLogConsumer, _ id: String) throws {
        let error = try #require(throws: EventLogError.self) { _ = try consumer.poll(until: { false }) }
        #expect(error.code == .refused)
        for words in [id, "source.kafka.instance-id", "same id"] {
            #expect(error.message.contains(words), "\(error.message)")
        }
    }
}
