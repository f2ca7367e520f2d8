import CRdKafka
import Checkpoints
import Engine
import EngineSupport
import EventLog
import EventLogSupport
import Events
import KafkaEventLog
import LookUps
import TestSupport
import Testing

/// What a cluster may do to those who read and write it, on librdkafka's mock of one.
@Suite("faults of a cluster", .ownThread, .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"))
struct BrokerFaultTests {
    /// Requests, and what a broker says to them while it is being moved about.
    private static let refusals: [(KafkaRequest, rd_kafka_resp_err_t)] = [
        (.produce, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS),
        (.produce, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION),
        (.fetch, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION),
        (.fetch, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART),
        (.metadata, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE),
        (.offsetCommit, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT),
        (.offsetFetch, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS),
        (.heartbeat, RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS),
    ]

    @Test("an error that passes costs no record and doubles none", arguments: 0..<refusals.count)
    func passingErrors(number: Int) async throws {
        let (request, error) = Self.refusals[number]
        let place = try KafkaPlace(partitions: 1)
        let log = try place.openKafka()
        defer { log.close() }
        let delegate = RecordingDelegate()
        let consumer = try log.makeConsumer(.init(), delegate: delegate)
        defer { consumer.close() }
        _ = try await log.append(all: (0..<20).map(String.init))
        var received = try consumer.learn(20, into: delegate)
        consumer.commit([0: 20])
        try place.kafka.refuse(request, error, count: 3)
        consumer.commit([0: 20])
        let tokens = try await log.append(all: (20..<40).map(String.init))
        received += try consumer.learn(20, into: delegate)
        #expect(tokens.map(\.offset) == Array(20..<40))
        #expect(received.map(\.text) == (0..<40).map(String.init))
    }

    @Test("a member that stops between joining and its first assignment does not end the process")
    func stopsWhileJoining() throws {
        for closes in [true, false] {
            let place = try KafkaPlace(partitions: 1)
            try place.kafka.refuse(
                .syncGroup, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, count: 10_000)
            let log = try place.openKafka()
            let delegate = RecordingDelegate()
            do {
                let consumer = try log.makeConsumer(.init(), delegate: delegate)
                // Joined; refused its part again and again.
                _ = try consumer.poll(until: { log.groupMember() != nil })
                if closes { consumer.close() }
            }
            log.close()
            #expect(delegate.revoked.isEmpty)
        }
    }

    /// Librdkafka gives a producer up for these, and before its version 2.3 for a mere disconnection at a bad moment.
    @Test(
        "a producer that was given up is replaced, for events and for dead letters",
        arguments: [
            RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
        ])
    func lostProducer(error: rd_kafka_resp_err_t) async throws {
        let place = try KafkaPlace(partitions: 1)
        let log = try place.openKafka()
        defer { log.close() }
        _ = try await log.append(all: ["0", "1"])
        try place.kafka.refuse(.produce, error, count: 1)
        let refusal = await #expect(throws: EventLogError.self) { _ = try await log.append("2") }
        let isCount = error == RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER
        #expect(refusal?.code == (isCount ? .unreachable : .unacceptable), "\(refusal?.message ?? "")")
        #expect(refusal?.message.contains("another takes over") == isCount)

        let letter = DeadLetter(
            token: Token(partition: 0, offset: 0), time: 1, reason: "why", payload: Array("0".utf8))
        log.putAside(letter)
        let deadline = ContinuousClock.now + Patience.duration
        var token: Token?
        while token == nil {
            token = try? await log.append("2")
            try #require(.now < deadline)
        }
        try log.flushDeadLetters(isLast: true)
        #expect(try place.deadLetters().map(\.reason) == ["why"])
        #expect(log.deadLetterLosses.dropped == 0)
    }

    @Test("a consumer closes while its broker is away, however long it has been", arguments: [0, 1, 3])
    func closesWithoutBroker(secondsAway: Int) async throws {
        let place = try KafkaPlace(partitions: 1)
        let log = try place.openKafka()
        defer { log.close() }
        let delegate = RecordingDelegate()
        let consumer = try log.makeConsumer(.init(), delegate: delegate)
        _ = try await log.append(all: (0..<20).map(String.init))
        _ = try consumer.learn(20, into: delegate)
        try place.kafka.brokerDown()
        for _ in 0..<secondsAway * 20 { _ = try consumer.take() }
        consumer.close()
        #expect(delegate.revoked == [0])
    }

    @Test("a consumer closes whose topic was deleted while messages waited in its queue")
    func deletedWhileFetched() async throws {
        let place = try KafkaPlace(partitions: 1)
        let log = try place.openKafka()
        defer { log.close() }
        let delegate = RecordingDelegate()
        let consumer = try log.makeConsumer(.init(), delegate: delegate)
        defer { consumer.close() }
        _ = try await log.append(all: (0..<2_000).map(String.init))
        while try consumer.take(recordsMax: 1).isEmpty {}
        try place.kafka.setError(of: place.topic, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
        // What is fetched stays in librdkafka's queue, which is not polled meanwhile, until it has seen that.
        consumer.pause()
        try await Task.sleep(for: .seconds(4))
    }

    @Test("a partition whose leader changes again and again is read and written on, in order")
    func leaderChanges() async throws {
        let place = try KafkaPlace(partitions: 1, brokers: 3)
        let log = try place.openKafka()
        defer { log.close() }
        let delegate = RecordingDelegate()
        let consumer = try log.makeConsumer(.init(), delegate: delegate)
        defer { consumer.close() }
        var (received, next): ([Received], Int) = ([], 0)
        for leader: Int32 in [2, 3, 1] {
            _ = try await log.append(all: (next..<next + 15).map(String.init))
            received += try consumer.learn(10, into: delegate)
            try place.kafka.setLeader(of: place.topic, partition: 0, to: leader)
            next += 15
        }
        received += try consumer.learn(next - received.count, into: delegate)
        #expect(received.map(\.text) == (0..<next).map(String.init))
    }

    /// Those behind it were not asked for, for as long as it had none.
    @Test("a partition without a leader holds up no other one")
    func noLeader() async throws {
        let place = try KafkaPlace(partitions: 3)
        let log = try place.openKafka()
        defer { log.close() }
        let tokens = try await log.append(all: (0..<60).map(String.init), key: { "u\($0)" })
        let (waiting, others) = (tokens.filter { $0.partition == 1 }, tokens.filter { $0.partition != 1 })
        #expect(!waiting.isEmpty && Set(others.map(\.partition)) == [0, 2])
        try place.kafka.setLeader(of: place.topic, partition: 1, to: -1)
        // Who goes on somewhere looks first at what is there.
        let delegate = RecordingDelegate([0: 0, 1: 0, 2: 0])
        let consumer = try log.makeConsumer(.init(), delegate: delegate)
        defer { consumer.close() }
        #expect(Set(try consumer.learn(others.count, into: delegate).map(\.token)) == Set(others))
        try place.kafka.setLeader(of: place.topic, partition: 1, to: 1)
        #expect(Set(try consumer.learn(waiting.count, into: delegate).map(\.token)) == Set(waiting))
    }

    @Test("answers that take long delay records, and nothing else")
    func latency() async throws {
        let place = try KafkaPlace(partitions: 1)
        var options = place.options
        // Before its version 2.4 librdkafka joins anew when it hears of the topics while the group's leader waits for what it
        // asked of them itself (librdkafka's #4678). Asked twice a second, with answers that take a quarter of one, it may
        // never be through.
        options.properties["topic.metadata.refresh.interval.ms"] = "60000"
        let log = try KafkaLog(options: options, logger: quiet)
        defer { log.close() }
        let delegate = RecordingDelegate()
        let consumer = try log.makeConsumer(.init(), delegate: delegate)
        defer { consumer.close() }
        try place.kafka.setLatency(milliseconds: 250)
        _ = try await log.append(all: (0..<30).map(String.init))
        #expect(try consumer.learn(30, into: delegate).map(\.text) == (0..<30).map(String.init))
        #expect(log.health().reachable)
    }

    @Test("three members come and go, and no record is lost or taken twice")
    func threeMembers() async throws {
        let place = try KafkaPlace(partitions: 6)
        let logs = try (0..<3).map { _ in try place.openKafka() }
        defer { for log in logs { log.close() } }
        // The members share what they have learned, as states of their own would not.
        let shared = RecordingDelegate()
        var (received, fed): ([Received], Int) = ([], 0)
        let deadline = ContinuousClock.now.advanced(by: Patience.duration)
        func feed() async throws {
            _ = try await logs[0].append(all: (fed..<fed + 60).map(String.init)) { "u\($0)" }
            fed += 60
        }
        func learn(_ consumers: [any EventLogConsumer], until isEnough: () -> Bool) throws {
            while !isEnough() {
                try #require(ContinuousClock.now < deadline, "\(received.count) of \(fed)")
                for consumer in consumers {
                    let some = try consumer.take(recordsMax: 7, timeout: .milliseconds(10))
                    shared.learn(some)
                    received += some
                }
            }
        }
        var consumers: [any EventLogConsumer] = []
        for member in logs.indices {
            consumers.append(try logs[member].makeConsumer(.init(), delegate: shared))
            try await feed()
            try learn(consumers) {
                let parts = logs.prefix(member + 1).map { Set($0.partitions().map(\.partition)) }
                return received.count >= fed && parts.allSatisfy { !$0.isEmpty }
                    && parts.reduce(0) { $0 + $1.count } == 6
            }
        }
        // In the middle of what is there: one leaves with records that it was never asked for.
        try await feed()
        consumers.removeFirst().close()
        try learn(consumers) { received.count >= fed }
        for consumer in consumers { consumer.close() }
        #expect(received.count == fed && Set(received.map(\.token)).count == fed)
        #expect(Set(received.map(\.text)) == Set((0..<fed).map(String.init)))
    }

    @Test(
        "after an append of unknown outcome the client is told so, and to send it again with the same id does no harm"
    )
    func unknownOutcome() async throws {
        let place = try KafkaPlace(partitions: 1)
        var options = place.options
        options.properties["message.timeout.ms"] = "700"
        let (log, folder) = (try KafkaLog(options: options, logger: quiet), Folder())
        let file = try StateFile(
            path: folder.state,
            identity: StateIdentity(factors: 16, models: twoIdentity.models, source: log.source))
        let engine = try Engine(options: smallOptions(), file: file, log: log, logger: quiet)
        engine.start { _ in }
        func append(_ event: Event) async -> Result<Token, LookupError> {
            await withCheckedContinuation { continuation in
                engine.append(event) { continuation.resume(returning: $0) }
            }
        }
        func learn(_ token: Token) async throws {
            try await withCheckedThrowingContinuation {
                (continuation: CheckedContinuation<Void, any Error>) in
                engine.waitUntilLearned(token, timeout: Patience.duration) {
                    continuation.resume(with: $0.mapError { $0 as any Error })
                }
            }
        }
        let (user, item) = (id("u1"), id("i1"))
        try await learn(append(Event(.rating(user: user, item: id("i0"), value: 4), id: "first")).get())

        let event = Event(.signal(user: user, item: item, name: "click"), id: "second")
        try place.kafka.setLatency(milliseconds: 2_000)
        let outcome = await append(event)
        let error = try #require(throws: LookupError.self) { try outcome.get() }
        #expect(error.code == .unavailable)
        #expect(error.message.contains("not known whether the record was stored"), "\(error.message)")

        try place.kafka.setLatency(milliseconds: 0)
        var again = await append(event)
        // The answers that are still on their way come first.
        for _ in 0..<20 {
            if case .success = again { break }
            again = await append(event)
        }
        try await learn(again.get())
        let record = try engine.user(user, listMax: 10)
        #expect(record.history.first { $0.item == item }?.signals?.count == 1)
        let stored = try again.get().offset
        let duplicates = engine.status().first { $0.name == "events.duplicates" }?.value
        #expect(duplicates == .integer(stored - 1))
        #expect(stored > 1, "the mock stored nothing of the append that timed out")
        try engine.stop()
        log.close()
    }
}
