import Events
import TestSupport
import Testing

@testable import EventLog

/// A topic deleted and made anew, another cluster, another file: 120 events were lost without a word.
@Suite("a log that is not the one that was learned from", .ownThread)
struct OtherLogTests {
    @Test(
        "is refused with what differs and the ways out, or learned from its beginning",
        arguments: LogKind.allCases, [ConsumerOptions.OnGap.fail, .skip])
    func anotherOne(kind: LogKind, onGap: ConsumerOptions.OnGap) async throws {
        let delegate = RecordingDelegate()
        let (old, new, place) = try logs(kind)
        defer { withExtendedLifetime(place) {} }
        defer {
            old.close()
            new.close()
        }
        try await fill(old, "old", 20)
        let first = try old.makeConsumer(.init(), delegate: delegate)
        _ = try first.learn(20, into: delegate)
        first.close()

        try await fill(new, "new", 52)
        let consumer = try new.makeConsumer(.init(onGap: onGap), delegate: delegate)
        defer { consumer.close() }
        switch onGap {
        case .fail:
            let error = try #require(throws: EventLogError.self) { _ = try consumer.poll(until: { false }) }
            #expect(error.code == .otherLog)
            for words in ["source.on-gap: skip", "state.folder", "Put back", new.name] {
                #expect(error.message.contains(words), "\(error.message)")
            }
            if kind == .kafka { #expect(error.message.contains("partition 0, at offset 19")) }
        case .skip:
            let received = try consumer.learn(52, into: delegate)
            #expect(received.map(\.text) == (0..<52).map { "new \($0)" })
            #expect(delegate.restarts == [0: 0])
        }
    }

    @Test(
        "found again it goes on where the state stands, and a state that remembers nothing is taken at its word"
    )
    func same() async throws {
        for kind in LogKind.allCases {
            let delegate = RecordingDelegate()
            let (log, other, place) = try logs(kind)
            defer { withExtendedLifetime(place) {} }
            other.close()
            defer { log.close() }
            try await fill(log, "a", 20)
            let first = try log.makeConsumer(.init(), delegate: delegate)
            _ = try first.learn(20, into: delegate)
            first.close()
            #expect(delegate.logMemory.identity != nil)
            #expect(delegate.logMemory.last[0]?.offset == 19)
            try await fill(log, "b", 3)
            for memory in [delegate.logMemory, LogMemory()] {
                let again = RecordingDelegate([0: 20], memory: memory)
                let second = try log.makeConsumer(.init(), delegate: again)
                #expect(try second.learn(3, into: again).map(\.token.offset) == [20, 21, 22])
                second.close()
            }
        }
    }

    @Test(
        "another cluster is told by its id",
        .enabled(if: !MockKafka.usesRealBroker, "one real broker is one cluster"))
    func anotherCluster() async throws {
        let (old, new) = (try KafkaPlace(partitions: 1), try KafkaPlace(partitions: 1))
        let log = try old.openKafka()
        try await fill(log, "old", 3)
        let delegate = RecordingDelegate()
        let first = try log.makeConsumer(.init(), delegate: delegate)
        _ = try first.learn(3, into: delegate)
        first.close()
        log.close()

        let options = KafkaOptions(
            brokers: new.kafka.bootstrap, topic: new.topic, properties: MockKafka.quickGroup)
        let other = try KafkaLog(options: options, logger: quiet)
        defer { other.close() }
        try await fill(other, "old", 10)
        let consumer = try other.makeConsumer(.init(), delegate: delegate)
        defer { consumer.close() }
        let error = try #require(throws: EventLogError.self) { _ = try consumer.poll(until: { false }) }
        #expect(error.code == .otherLog)
        #expect(error.message.contains("cluster has the id"))
    }

    @Test("a topic that ends before the position is learned from its beginning when told to go on")
    func shorter() async throws {
        let place = try KafkaPlace(partitions: 1)
        let log = try place.openKafka()
        defer { log.close() }
        try await fill(log, "new", 3)
        let delegate = RecordingDelegate([0: 1_000])
        let consumer = try log.makeConsumer(.init(onGap: .skip), delegate: delegate)
        defer { consumer.close() }
        #expect(try consumer.learn(3, into: delegate).map(\.token.offset) == [0, 1, 2])
        #expect(delegate.restarts == [0: 0])
    }

    // No mock can delete a topic: so the consumer is made to remember another record than the topic holds.
    @Test(
        "a topic exchanged beneath a running consumer is noticed, after newer records were taken from it too")
    func exchangedWhileRunning() async throws {
        let place = try KafkaPlace(partitions: 1)
        let log = try place.openKafka()
        defer { log.close() }
        try await fill(log, "a", 20)
        let delegate = RecordingDelegate()
        let consumer = try log.makeConsumer(.init(), delegate: delegate)
        defer { consumer.close() }
        _ = try consumer.learn(20, into: delegate)
        _ = try consumer.poll(until: { !delegate.logMemory.anchors.isEmpty })
        let kafka = try #require(consumer as? KafkaConsumer)
        // What stands there is confirmed, and a newer record takes its place.
        kafka.anchors[0] = delegate.logMemory.last[0]
        kafka.nextConfirmation = .now
        #expect(try consumer.take().isEmpty)
        kafka.anchors[0] = RecordFingerprint(offset: 7, hash: 1)
        kafka.nextConfirmation = .now
        let error = try #require(throws: EventLogError.self) {
            // A slow broker is asked again.
            _ = try consumer.poll(until: {
                kafka.nextConfirmation = .now
                return false
            })
        }
        #expect(error.code == .otherLog)
        #expect(error.message.contains("at offset 7"), "\(error.message)")
    }

    @Test("start: latest is for the partitions that were there when the state was made")
    func laterPartition() async throws {
        let place = try KafkaPlace(partitions: 2)
        let log = try place.openKafka()
        defer { log.close() }
        _ = try await log.append(all: (0..<40).map(String.init)) { "u\($0)" }
        let ends = try await partitionEnds(log)
        // The state began when there was partition 0 alone.
        var memory = LogMemory()
        memory.origins = [0: ends[0] ?? 0]
        let delegate = RecordingDelegate([:], memory: memory)
        let consumer = try log.makeConsumer(.init(start: .latest), delegate: delegate)
        defer { consumer.close() }
        let received = try consumer.learn(Int(ends[1] ?? 0), into: delegate)
        #expect(received.allSatisfy { $0.token.partition == 1 })
        #expect(received.map(\.token.offset) == Array(0..<(ends[1] ?? 0)))
        #expect(delegate.positions[0] == ends[0])
    }

    /// Two logs, of which the second holds other records at the same offsets; and where they are, for as long as they
    /// are used.
    private func logs(_ kind: LogKind) throws -> (any EventLog, any EventLog, [any LogPlace]) {
        switch kind {
        case .embedded:
            let (old, new) = (try EmbeddedPlace(), try EmbeddedPlace())
            return (try old.openEmbedded(), try new.openEmbedded(), [old, new])
        case .kafka:
            let place = try KafkaPlace(partitions: 1)
            var options = place.options
            options.topic = try place.kafka.uniqueTopic("anew")
            return (try place.openKafka(), try KafkaLog(options: options, logger: quiet), [place])
        }
    }

    private func fill(_ log: any EventLog, _ name: String, _ count: Int) async throws {
        for number in 0..<count { _ = try await log.append("\(name) \(number)") }
    }

    private func partitionEnds(_ log: KafkaLog) async throws -> [Int32: Int64] {
        let history = try log.history(LogRange())
        defer { history.close() }
        var batch = LogBatch()
        while try history.poll(into: &batch, recordsMax: 1_000, timeout: .milliseconds(50)) {
            batch.removeAll()
        }
        return history.positions
    }
}
