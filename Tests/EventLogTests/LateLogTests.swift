import EmbeddedEventLog
import EventLog
import EventLogSupport
import Events
import Foundation
import KafkaEventLog
import Testing

@Suite("a log that another process has still", .serialized)
struct LateLogTests {
    /// What its consumer has of the past, and where it stands.
    private func standing(_ log: any HistoricalLog) throws -> (positions: [Int32: Int64], memory: LogMemory) {
        let history = try log.history(LogRange())
        defer { history.close() }
        return (history.positions, history.memory)
    }

    @Test(
        "is followed while the other process appends, and gone on with once it is open: nothing twice, nothing passed over",
        arguments: LogKind.allCases)
    func follows(_ kind: LogKind) async throws {
        let place = try makePlace(kind)
        let other = try #require(try place.open() as? any HistoricalLog)
        let (starts, memory) = try standing(other)
        _ = try await other.append(all: (0..<100).map { "r\($0)" }, key: { "u\($0)" })
        let late = LateLog(source: other.source)
        late.follow(Set(starts.keys)) { () throws(EventLogError) in try Self.opened(place) }
        let delegate = RecordingDelegate(starts, memory: memory)
        let consumer = try late.makeConsumer(ConsumerOptions(), delegate: delegate)
        var texts = try consumer.learn(100, into: delegate).map(\.text)
        _ = try await other.append(all: (100..<150).map { "r\($0)" }, key: { "u\($0)" })
        texts += try consumer.learn(50, into: delegate).map(\.text)
        _ = try consumer.poll(until: { late.progress.passes >= 2 })
        #expect(late.progress.failure == nil)
        // Appended, and not followed any more.
        _ = try await other.append(all: (150..<160).map { "r\($0)" }, key: { "u\($0)" })
        other.close()
        late.open(try place.open(), learned: delegate.positions)
        _ = try await late.append(all: (160..<170).map { "r\($0)" }, key: { "u\($0)" })
        texts += try consumer.learn(20, into: delegate).map(\.text)
        #expect(texts.sorted() == (0..<170).map { "r\($0)" }.sorted())
        #expect(try consumer.take().isEmpty)
        consumer.close()
        late.close()
    }

    /// As the kind of log that it is.
    private static func opened(_ place: any LogPlace) throws(EventLogError) -> any HistoricalLog {
        do {
            guard let log = try place.open() as? any HistoricalLog else {
                throw EventLogError(.invalid, "no log with a past")
            }
            return log
        } catch {
            throw error as? EventLogError ?? EventLogError(.invalid, "\(error)")
        }
    }

    @Test("where it cannot be followed nothing is read until it is open, and all of it then")
    func fails() async throws {
        let place = try EmbeddedPlace()
        let other = try place.openEmbedded()
        _ = try await other.append(all: (0..<10).map { "r\($0)" })
        let late = LateLog(source: other.source)
        late.follow([0]) { () throws(EventLogError) in throw EventLogError(.refused, "not for you") }
        let delegate = RecordingDelegate([0: 0], memory: try standing(other).memory)
        let consumer = try late.makeConsumer(ConsumerOptions(), delegate: delegate)
        #expect(try consumer.take().isEmpty)
        #expect(late.progress.failure?.message == "not for you" && late.progress.passes == 0)
        #expect(try consumer.take().isEmpty)
        // Partitions of which nothing is known, or which are not all the other process's, are not read either.
        let second = LateLog(source: other.source)
        second.follow([0, 1]) { () throws(EventLogError) in try Self.opened(place) }
        let alone = try second.makeConsumer(ConsumerOptions(), delegate: RecordingDelegate([0: 0]))
        #expect(try alone.take().isEmpty)
        #expect(second.progress.failure?.message.contains("partition 1") == true)
        other.close()
        late.open(try place.openEmbedded())
        #expect(try consumer.learn(10, into: delegate).count == 10)
        consumer.close()
        late.close()
    }

    @Test("of letters those are put aside that the other process has not")
    func letters() throws {
        let place = try EmbeddedPlace()
        let late = LateLog(source: "embedded")
        func putAside(_ offset: Int64) {
            late.putAside(
                DeadLetter(
                    token: Token(partition: 0, offset: offset), time: 1, reason: "bad", payload: [1]))
        }
        for offset in [3, 7] { putAside(Int64(offset)) }
        #expect(late.deadLettersHeld == 0)
        late.open(try place.openEmbedded(), learned: [0: 5])
        for offset in [4, 8] { putAside(Int64(offset)) }
        try late.flushDeadLetters(isLast: false)
        #expect(try place.deadLetters().map(\.token.offset) == [7, 8])
        #expect(late.deadLetterLosses == DeadLetterLosses())
        late.close()

        // More than are kept: they count as lost where the other process has not come so far.
        for (learned, dropped) in [(20_000, 0), (0, 1)] {
            let many = LateLog(source: "embedded")
            for offset in 0..<10_001 {
                many.putAside(
                    DeadLetter(
                        token: Token(partition: 0, offset: Int64(offset)), time: 1, reason: "bad", payload: []
                    ))
            }
            let other = try EmbeddedPlace()
            many.open(try other.openEmbedded(), learned: [0: Int64(learned)])
            #expect(many.deadLetterLosses.dropped == dropped)
            many.close()
        }
    }
}
