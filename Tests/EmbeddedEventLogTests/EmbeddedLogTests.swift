import EmbeddedEventLog
import EventLog
import EventLogSupport
import Events
import Foundation
import GRDB
import TestSupport
import Testing

@Suite("the embedded log", .ownThread)
struct EmbeddedLogTests {
    @Test("what was told durable is there after a kill")
    func uncleanDrop() async throws {
        let place = try EmbeddedPlace()
        let log = try place.openEmbedded()
        let tokens = try await log.append(all: (0..<50).map(String.init))
        // The files as a SIGKILL would leave them: copied while the log is open.
        let copy = try EmbeddedPlace()
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: place.path + suffix, toPath: copy.path + suffix)
        }
        log.close()
        let reopened = try copy.openEmbedded()
        defer { reopened.close() }
        let consumer = try reopened.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        #expect(try consumer.take(50).map(\.token) == tokens)
        #expect(try await reopened.append("next").offset == 50)
    }

    @Test("retention deletes behind the position and never gives an offset twice")
    func retention() async throws {
        let place = try EmbeddedPlace(.init(retainEvents: 3))
        var log = try place.openEmbedded()
        _ = try await log.append(all: (0..<20).map(String.init))
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        _ = try consumer.take(20)
        consumer.commit([0: 20])
        #expect(log.partitions() == [PartitionStatus(partition: 0, end: 20, earliest: 17)])
        consumer.commit([0: 5])
        #expect(log.partitions() == [PartitionStatus(partition: 0, end: 20, earliest: 17)])
        consumer.close()
        log.close()

        try execute("DELETE FROM events", at: place.path)
        log = try place.openEmbedded()
        defer { log.close() }
        #expect(try await log.append("after").offset == 20)
    }

    @Test("a position older than retention fails, or skips to the oldest record")
    func gapBehind() async throws {
        let place = try EmbeddedPlace(.init(retainEvents: 5))
        let log = try place.openEmbedded()
        defer { log.close() }
        _ = try await log.append(all: (0..<20).map(String.init))
        let trimming = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        trimming.commit([0: 20])
        trimming.close()

        let failing = try log.makeConsumer(.init(onGap: .fail), delegate: RecordingDelegate([0: 2]))
        let error = try #require(throws: EventLogError.self) { _ = try failing.take() }
        #expect(error.code == .gap)
        #expect(error.message.contains("offset 2 ") && error.message.contains("15 to 20"))
        failing.close()

        let delegate = RecordingDelegate([0: 2])
        let skipping = try log.makeConsumer(.init(onGap: .skip), delegate: delegate)
        defer { skipping.close() }
        #expect(try skipping.take(5).map(\.token.offset) == [15, 16, 17, 18, 19])
        #expect(delegate.skips == [.init(partition: 0, from: 2, to: 15)])
    }

    @Test("start: time begins with the first event of that time or later")
    func startTime() async throws {
        let place = try EmbeddedPlace()
        let log = try place.openEmbedded()
        defer { log.close() }
        for time: Int64 in [100, 300, 200, 400] { _ = try await log.append("\(time)", time: time) }
        let consumer = try log.makeConsumer(.init(start: .time(250)), delegate: RecordingDelegate())
        defer { consumer.close() }
        #expect(try consumer.take(3).map(\.text) == ["300", "200", "400"])
    }

    @Test("a full queue refuses, and what was taken is still stored")
    func fullQueue() async throws {
        let place = try EmbeddedPlace(.init(queueMax: 10))
        let log = try place.openEmbedded()
        defer { log.close() }
        let appends = Appends(count: 2_000)
        for index in 0..<2_000 {
            log.append(key: try EntityID("u"), payload: [1], time: 1) { appends.put($0, at: index) }
        }
        let results = await appends.results()
        let stored = results.compactMap { try? $0.get() }
        let codes = Set(
            results.compactMap { result -> EventLogError.Code? in
                if case .failure(let error) = result { error.code } else { nil }
            })
        #expect(codes == [.full])
        #expect(stored.map(\.offset) == Array(0..<Int64(stored.count)))
        #expect(log.partitions().first?.end == Int64(stored.count))
    }

    @Test("whoever is told that an append is done may make the next one at once, in a queue of one, too")
    func appendsOnCompletion() async throws {
        let place = try EmbeddedPlace(.init(queueMax: 1))
        let log = try place.openEmbedded()
        defer { log.close() }
        let (appends, key) = (Appends(count: 2), try EntityID("u"))
        log.append(key: key, payload: [1], time: 1) { first in
            appends.put(first, at: 0)
            log.append(key: key, payload: [2], time: 1) { appends.put($0, at: 1) }
        }
        let offsets = try await appends.results().map { try $0.get().offset }
        #expect(offsets == [0, 1])
    }

    @Test("a file that has reached its size fails appends until retention makes room")
    func fileFull() async throws {
        let place = try EmbeddedPlace(.init(retainEvents: 1, fileBytesMax: 256 << 10))
        let log = try place.openEmbedded()
        defer { log.close() }
        let payload = [UInt8](repeating: 7, count: 16 << 10)
        var stored: Int64 = 0
        let error = await #expect(throws: EventLogError.self) {
            while stored < 100 {
                _ = try await log.append(payload)
                stored += 1
            }
        }
        #expect(error?.code == .refused)
        #expect(error?.message.contains(place.path) == true)
        #expect(!log.health().reachable)
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        consumer.commit([0: stored])
        consumer.close()
        #expect(try await log.append(payload).offset == stored)
        #expect(log.health().reachable)
    }

    @Test("a record above the limit is refused with its size")
    func tooLong() async throws {
        let place = try EmbeddedPlace(.init(payloadBytesMax: 10))
        let log = try place.openEmbedded()
        defer { log.close() }
        let error = await #expect(throws: EventLogError.self) {
            _ = try await log.append([UInt8](repeating: 0, count: 11))
        }
        #expect(error?.code == .unacceptable)
        #expect(error?.message.contains("11 bytes") == true)
        #expect(try await log.append([UInt8](repeating: 0, count: 10)).offset == 0)
    }

    @Test("a place that cannot be written is refused with path and folder")
    func readOnlyFolder() throws {
        // /proc takes no new files even from root, who may write to any folder without the write bit.
        let error = try #require(throws: EventLogError.self) {
            _ = try EmbeddedLog(path: "/proc/self/events.sqlite", logger: quiet)
        }
        #expect(error.code == .refused)
        #expect(error.message.contains("/proc/self/events.sqlite"))
        #expect(error.message.contains("writable"))
    }

    @Test("a file that is no database, or another program's, is refused and left as it was")
    func foreignFiles() throws {
        let place = try EmbeddedPlace()
        let text = Data(String(repeating: "no database at all\n", count: 100).utf8)
        try text.write(to: URL(fileURLWithPath: place.path))
        let error = try #require(throws: EventLogError.self) { _ = try place.openEmbedded() }
        #expect(error.code == .damaged)
        #expect(error.message.contains("backup"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: place.path)) == text)

        let other = try EmbeddedPlace()
        try execute("CREATE TABLE invoices(id)", at: other.path)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: other.path))
        let refusal = try #require(throws: EventLogError.self) { _ = try other.openEmbedded() }
        #expect(refusal.code == .damaged)
        #expect(refusal.message.contains("not a Freshet log"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: other.path)) == bytes)
    }

    @Test("damage inside the file stops the consumer with the way back")
    func damagedPages() async throws {
        let place = try EmbeddedPlace()
        let log = try place.openEmbedded()
        _ = try await log.append(all: (0..<2_000).map { "event number \($0)" })
        log.close()
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: place.path))
        let end = try file.seekToEnd()
        // The first page holds the schema; all behind it is overwritten.
        for page in 1..<(end / 4096) {
            try file.seek(toOffset: page * 4096)
            try file.write(contentsOf: Data(repeating: 0xA5, count: 4096))
        }
        try file.close()
        let error = try #require(throws: EventLogError.self) {
            let damaged = try place.openEmbedded()
            let consumer = try damaged.makeConsumer(.init(), delegate: RecordingDelegate())
            _ = try consumer.take(2_000)
        }
        #expect(error.code == .damaged)
        #expect(error.message.contains(place.path) && error.message.contains("-wal"))
    }

    /// Apart from the tests, because GRDB has an asynchronous `write` too, which an async test would choose.
    private func execute(_ sql: String, at path: String) throws {
        try DatabaseQueue(path: path).write { try $0.execute(sql: sql) }
    }
}
