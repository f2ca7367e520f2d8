import EmbeddedEventLog
import EventLog
import EventLogSupport
import Events
import Foundation
import KafkaEventLog
import Testing

@Suite("the past of a log", .serialized)
struct LogHistoryTests {
    @Test("is read whole, once, and positions stand at its end", arguments: LogKind.allCases)
    func whole(_ kind: LogKind) throws {
        let place = try makePlace(kind)
        let log = try place.openHistorical()
        defer { log.close() }
        try fill(log, 0..<500)
        let (records, positions) = try read(log, LogRange(), recordsMax: 64)
        #expect(records.map(\.text).sorted() == (0..<500).map { "record \($0)" }.sorted())
        #expect(positions.values.reduce(0, +) == 500)
        // A consumer that starts there gets what comes later, and nothing twice.
        try fill(log, 500..<520)
        let consumer = try log.makeConsumer(ConsumerOptions(), delegate: RecordingDelegate(positions))
        defer { consumer.close() }
        var later: [String] = []
        let deadline = ContinuousClock.now + .seconds(30)
        while later.count < 20, ContinuousClock.now < deadline { later += try consumer.take().map(\.text) }
        #expect(later.sorted() == (500..<520).map { "record \($0)" }.sorted())
    }

    @Test("is read beside a consumer, which keeps its partitions", arguments: LogKind.allCases)
    func besideConsumer(_ kind: LogKind) throws {
        let place = try makePlace(kind)
        let log = try place.openHistorical()
        defer { log.close() }
        try fill(log, 0..<50)
        let delegate = RecordingDelegate()
        let consumer = try log.makeConsumer(ConsumerOptions(), delegate: delegate)
        defer { consumer.close() }
        var taken: [Received] = []
        let deadline = ContinuousClock.now + .seconds(30)
        while taken.count < 50, ContinuousClock.now < deadline {
            taken += try consumer.take()
            delegate.learn(taken)
        }
        let (records, _) = try read(log, LogRange(), recordsMax: 1_000)
        #expect(records.count == 50)
        _ = try consumer.take()
        #expect(delegate.revoked.isEmpty)
    }

    @Test("is read from one offset to another of the embedded log")
    func range() throws {
        let place = try EmbeddedPlace()
        let log = try place.openEmbedded()
        defer { log.close() }
        try fill(log, 0..<100)
        let (records, positions) = try read(
            log, LogRange(from: .offset(10), to: .offsets([0: 20])), recordsMax: 3)
        #expect(records.map(\.text) == (10..<20).map { "record \($0)" })
        #expect(positions == [0: 20])
    }

    @Test("is read between offsets of each partition of a topic")
    func rangeOfTopic() throws {
        let place = try KafkaPlace(partitions: 2)
        let log = try place.openKafka()
        defer { log.close() }
        try fill(log, 0..<200)
        let (all, ends) = try read(log, LogRange(), recordsMax: 1_000)
        let end = try #require(ends[1])
        try #require(end > 4)
        let wanted = LogRange(from: .offsets([1: 2]), to: .offsets([0: 0, 1: end - 1]))
        let (records, positions) = try read(log, wanted, recordsMax: 1_000)
        #expect(records == all.filter { $0.token.partition == 1 && (2..<end - 1).contains($0.token.offset) })
        #expect(positions == [0: 0, 1: end - 1])
    }

    @Test("an empty log has an empty past", arguments: LogKind.allCases)
    func empty(_ kind: LogKind) throws {
        let place = try makePlace(kind)
        let log = try place.openHistorical()
        defer { log.close() }
        let (records, positions) = try read(log, LogRange(), recordsMax: 10)
        #expect(records.isEmpty)
        #expect(positions.values.allSatisfy { $0 == 0 })
    }

    @Test("offsets that the log does not hold are refused in words that name what it holds")
    func refusals() throws {
        let place = try EmbeddedPlace(EmbeddedLogOptions())
        let log = try place.openEmbedded()
        defer { log.close() }
        try fill(log, 0..<10)
        for (range, words) in [
            (LogRange(to: .offset(11)), "holds 0 to 10"),
            (LogRange(from: .offset(6), to: .offset(5)), "6 to 5"),
            (LogRange(from: .offsets([3: 0])), "no partition 3"),
        ] {
            let error = #expect(throws: EventLogError.self) { _ = try log.history(range) }
            #expect(error?.code == .invalid)
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
    }

    @Test("a single offset does not do for several partitions, and a topic that is missing is named")
    func topicRefusals() throws {
        let place = try KafkaPlace(partitions: 2)
        let log = try place.openKafka()
        defer { log.close() }
        let error = #expect(throws: EventLogError.self) { _ = try log.history(LogRange(from: .offset(1))) }
        #expect(error?.message.contains("partition:offset") == true)
        var options = place.options
        options.topic = "no-such-topic"
        let other = try KafkaLog(options: options, logger: quiet)
        defer { other.close() }
        let missing = #expect(throws: EventLogError.self) { _ = try other.history(LogRange()) }
        #expect(missing?.message.contains("no-such-topic") == true)
    }

    @Test("bounds are read from text, and nothing else is")
    func bounds() {
        #expect(LogRange.Bound("12") == .offset(12))
        #expect(LogRange.Bound("0:12,3:4") == .offsets([0: 12, 3: 4]))
        for text in ["", "x", "-1", "0:1,0:2", "1:", "0:1,", "1:-2"] {
            #expect(LogRange.Bound(text) == nil, "\(text)")
        }
    }

    private func fill(_ log: any EventLog, _ numbers: Range<Int>) throws {
        let group = DispatchGroup()
        for number in numbers {
            group.enter()
            log.append(
                key: try EntityID("u\(number % 17)"), payload: Array("record \(number)".utf8),
                time: 1_700_000_000_000
            ) { _ in group.leave() }
        }
        group.wait()
    }

    private func read(
        _ log: any HistoricalLog, _ range: LogRange, recordsMax: Int
    ) throws -> (records: [Received], positions: [Int32: Int64]) {
        let history = try log.history(range)
        defer { history.close() }
        var records: [Received] = []
        var batch = LogBatch()
        while try history.poll(into: &batch, recordsMax: recordsMax, timeout: .milliseconds(100)) {
            #expect(batch.count <= recordsMax)
            batch.forEach { records.append(Received(token: $0.token, time: $0.time, payload: Array($1))) }
            batch.removeAll()
        }
        #expect(history.fractionRead == 1)
        return (records, history.positions)
    }
}

extension LogPlace {
    fileprivate func openHistorical() throws -> any HistoricalLog {
        try #require(try open() as? any HistoricalLog)
    }
}
