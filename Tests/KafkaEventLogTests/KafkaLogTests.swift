import EventLog
import EventLogSupport
import Events
import KafkaEventLog
import TestSupport
import Testing

@Suite("the Kafka log", .ownThread)
struct KafkaLogTests {
    @Test("two members share a group, and handing over neither loses nor doubles an event")
    func handingOver() async throws {
        let place = try KafkaPlace(partitions: 4)
        let (logA, logB) = (try place.openKafka(), try place.openKafka())
        defer {
            logA.close()
            logB.close()
        }
        func feed(_ numbers: Range<Int>) async throws {
            _ = try await logA.append(all: numbers.map(String.init)) { "u\($0)" }
        }
        // One delegate for both: the members share what they have learned, as a state of their own would not.
        let shared = RecordingDelegate()
        var all: [Received] = []
        func learn(_ records: [Received]) {
            shared.learn(records)
            all += records
        }
        let consumerA = try logA.makeConsumer(.init(), delegate: shared)
        try await feed(0..<200)
        learn(try consumerA.take(200))

        let consumerB = try logB.makeConsumer(.init(), delegate: shared)
        try await feed(200..<400)
        let deadline = ContinuousClock.now.advanced(by: Patience.duration)
        var sharing = false
        while !sharing || all.count < 400 {
            try #require(ContinuousClock.now < deadline, "\(all.count) of 400, sharing: \(sharing)")
            learn(try consumerA.take(recordsMax: 10))
            learn(try consumerB.take(recordsMax: 10))
            let (a, b) = (logA.partitions().map(\.partition), logB.partitions().map(\.partition))
            sharing =
                sharing || (!a.isEmpty && !b.isEmpty && Set(a).isDisjoint(with: b) && a.count + b.count == 4)
        }
        #expect(!shared.revoked.isEmpty)
        consumerB.close()
        try await feed(400..<500)
        while all.count < 500 {
            try #require(
                ContinuousClock.now < deadline.advanced(by: Patience.duration), "\(all.count) of 500")
            learn(try consumerA.take())
        }
        consumerA.close()
        #expect(Set(all.map(\.token)).count == 500)
        #expect(Set(all.map(\.text)) == Set((0..<500).map(String.init)))
    }

    /// A real broker refuses it where its own `message.max.bytes` is not raised, and the mock keeps 5 MB of a partition.
    @Test(
        "a record larger than what is fetched at once otherwise comes, and what is behind it",
        .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"))
    func largeRecord() async throws {
        let place = try KafkaPlace(partitions: 1)
        var options = place.options
        options.properties["message.max.bytes"] = "4700000"
        let log = try KafkaLog(options: options, logger: quiet)
        defer { log.close() }
        let large = String(repeating: "x", count: 4_600_000)
        _ = try await log.append(all: [large, "small"])
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        #expect(try consumer.take(2).map(\.text.count) == [4_600_000, 5])
    }

    @Test(
        "a broker that goes away and comes back costs no event",
        .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"))
    func brokerOutage() async throws {
        let place = try KafkaPlace()
        let log = try place.openKafka()
        defer { log.close() }
        // On a busy machine the session may be lost, and the partition comes back: at the position then.
        let delegate = RecordingDelegate()
        let consumer = try log.makeConsumer(.init(), delegate: delegate)
        defer { consumer.close() }
        _ = try await log.append(all: (0..<20).map(String.init))
        var received = try consumer.take(20)
        delegate.learn(received)
        #expect(log.health().reachable)

        try place.kafka.brokerDown()
        received += try consumer.poll(until: { !log.health().reachable })
        #expect(log.health().lastError != nil)
        let appends = Appends(count: 20)
        for index in 0..<20 {
            log.append(key: try EntityID("u1"), payload: Array("\(20 + index)".utf8), time: 1) {
                appends.put($0, at: index)
            }
        }
        for _ in 0..<5 { received += try consumer.take() }
        delegate.learn(received)

        try place.kafka.brokerUp()
        while received.count < 40 {
            let some = try consumer.take(1)
            delegate.learn(some)
            received += some
        }
        #expect(try await appends.tokens().count == 20)
        #expect(received.map(\.text) == (0..<40).map(String.init))
        #expect(log.health().reachable)
    }

    @Test("an unreachable broker stops nothing: polls are empty, appends time out, health says why")
    func unreachableAtStart() async throws {
        // Port 1 refuses connections.
        let options = KafkaOptions(
            brokers: "127.0.0.1:1", topic: "events", properties: ["message.timeout.ms": "300"])
        let log = try KafkaLog(options: options, logger: quiet)
        defer { log.close() }
        #expect(!log.health().reachable)
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        #expect(try consumer.poll(until: { log.health().lastError?.contains("127.0.0.1:1") == true }).isEmpty)
        #expect(!log.health().reachable)
        let error = await #expect(throws: EventLogError.self) { _ = try await log.append("lost") }
        #expect(error?.code == .timedOut)
        #expect(error?.message.contains("127.0.0.1:1") == true)
    }

    @Test("a missing topic is waited for, with the command that creates it")
    func missingTopic() async throws {
        let kafka = try MockKafka()
        let topic = MockKafka.uniqueName("late")
        let log = try KafkaLog(
            options: KafkaOptions(brokers: kafka.bootstrap, topic: topic, properties: MockKafka.quickGroup),
            logger: quiet)
        defer { log.close() }
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        _ = try consumer.poll(until: { log.health().lastError?.contains("kafka-topics") == true })
        #expect(!log.health().reachable)
        #expect(log.health().lastError?.contains(topic) == true)

        try kafka.createTopic(topic, partitions: 2)
        _ = try await log.append("first")
        #expect(try consumer.take(1).map(\.text) == ["first"])
        #expect(log.health().reachable)
    }

    @Test("a partition assigned while paused stays quiet until it is resumed")
    func pausedBeforeAssignment() async throws {
        let place = try KafkaPlace()
        let log = try place.openKafka()
        defer { log.close() }
        _ = try await log.append(all: (0..<30).map(String.init)) { "u\($0)" }
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        consumer.pause()
        #expect(try consumer.poll(until: { log.partitions().count == 3 }).isEmpty)
        for _ in 0..<10 { #expect(try consumer.take().isEmpty) }
        consumer.resume()
        #expect(try Set(consumer.take(30).map(\.text)) == Set((0..<30).map(String.init)))
    }

    @Test("a partition let go while paused is read on by the next consumer")
    func pausedWhileClosing() async throws {
        let place = try KafkaPlace(partitions: 1)
        let delegate = RecordingDelegate()
        let log = try place.openKafka()
        defer { log.close() }
        _ = try await log.append(all: ["a", "b"])
        let first = try log.makeConsumer(.init(), delegate: delegate)
        var batch: [Received] = []
        while batch.isEmpty { batch = try first.take(recordsMax: 1) }
        delegate.learn(batch)
        first.pause()
        first.close()
        let second = try log.makeConsumer(.init(), delegate: delegate)
        defer { second.close() }
        #expect(try second.take(1).map(\.text) == ["b"])
    }

    @Test(
        "an offset the broker has dropped fails with what it holds, or skips to it",
        .enabled(if: !MockKafka.usesRealBroker, "only the mock's partitions are small enough to overflow"),
        arguments: [ConsumerOptions.OnGap.fail, .skip])
    func offsetOutOfRange(onGap: ConsumerOptions.OnGap) async throws {
        let place = try KafkaPlace(partitions: 1)
        let log = try place.openKafka()
        defer { log.close() }
        // The mock keeps 5 MiB.
        let payload = [UInt8](repeating: 1, count: 900_000)
        for _ in 0..<8 { _ = try await log.append(payload) }
        let delegate = RecordingDelegate([0: 1])
        let consumer = try log.makeConsumer(.init(onGap: onGap), delegate: delegate)
        defer { consumer.close() }
        switch onGap {
        case .fail:
            let error = try #require(throws: EventLogError.self) { _ = try consumer.poll(until: { false }) }
            #expect(error.code == .gap)
            for words in [place.topic, "partition 0", "offset 1 ", "to 8", "source.on-gap"] {
                #expect(error.message.contains(words), "\(error.message)")
            }
            #expect(throws: EventLogError.self) { _ = try consumer.take() }
        case .skip:
            let received = try consumer.poll(until: { delegate.skips.count == 1 })
            let skip = try #require(delegate.skips.first)
            #expect(skip.from == 1)
            let rest = try consumer.take(Int(8 - skip.to) - received.count)
            #expect((received + rest).map(\.token.offset) == Array(skip.to..<8))
        }
    }

    @Test("the group's offsets follow the checkpoints, for lag tools")
    func commits() async throws {
        let place = try KafkaPlace(partitions: 1)
        let log = try place.openKafka()
        defer { log.close() }
        _ = try await log.append(all: (0..<10).map(String.init))
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        _ = try consumer.take(10)
        #expect(log.partitions().first?.end == 10)
        consumer.commit([0: 7, 5: 99])
        consumer.close()
        #expect(try place.kafka.committed(group: place.options.group, topic: place.topic, partition: 0) == 7)
    }

    @Test(
        "a group this client may not join stops the consumer",
        .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"))
    func unauthorized() throws {
        let place = try KafkaPlace()
        try place.kafka.refuseJoins()
        let log = try place.openKafka()
        defer { log.close() }
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        let error = try #require(throws: EventLogError.self) { _ = try consumer.poll(until: { false }) }
        #expect(error.code == .refused)
        #expect(error.message.contains(place.options.group))
    }

    @Test(
        "start: time begins with the first record of that time or later",
        .enabled(if: MockKafka.usesRealBroker, "the mock cluster cannot look up offsets by time"))
    func startTime() async throws {
        let place = try KafkaPlace(partitions: 1)
        let log = try place.openKafka()
        defer { log.close() }
        for time: Int64 in [1_700_000_000_100, 1_700_000_000_300, 1_700_000_000_400] {
            _ = try await log.append("\(time)", time: time)
        }
        let consumer = try log.makeConsumer(
            .init(start: .time(1_700_000_000_200)), delegate: RecordingDelegate())
        defer { consumer.close() }
        #expect(try consumer.take(2).map(\.time) == [1_700_000_000_300, 1_700_000_000_400])
    }

    @Test(
        "properties that are unknown, wrong or would break exactly-once are refused with their key",
        arguments: [
            ("no.such.property", "1", "No such configuration property"),
            ("fetch.min.bytes", "many", "fetch.min.bytes"),
            ("enable.auto.commit", "true", "checkpoint"),
            ("enable.auto.offset.store", "TRUE", "checkpoint"),
            ("enable.idempotence", "false", "twice"),
            ("acks", "1", "durable"),
            ("auto.offset.reset", "latest", "source.on-gap"),
            ("group.id", "other", "source.kafka.group"),
            ("group.instance.id", "other", "source.kafka.instance-id"),
        ])
    func refusedProperties(key: String, value: String, words: String) {
        let options = KafkaOptions(brokers: "127.0.0.1:1", topic: "events", properties: [key: value])
        let error = #expect(throws: EventLogError.self) { _ = try KafkaLog(options: options, logger: quiet) }
        #expect(error?.code == .invalid)
        #expect(error?.message.contains("source.kafka.properties.\(key)") == true)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }

    @Test("properties of librdkafka pass through, harmless repetitions of ours too")
    func acceptedProperties() throws {
        let properties = [
            "enable.auto.commit": "false", "security.protocol": "plaintext", "acks": "all", "linger.ms": "5",
        ]
        let options = KafkaOptions(brokers: "127.0.0.1:1", topic: "events", properties: properties)
        try KafkaLog(options: options, logger: quiet).close()
    }

    @Test("a topic no broker would take is refused", arguments: ["", "^events.*", "two words", "événements"])
    func refusedTopics(topic: String) {
        let error = #expect(throws: EventLogError.self) {
            _ = try KafkaLog(options: KafkaOptions(brokers: "127.0.0.1:1", topic: topic), logger: quiet)
        }
        #expect(error?.code == .invalid)
        #expect(error?.message.contains("source.kafka.topic is '\(topic)'") == true)
    }
}
