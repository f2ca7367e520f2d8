import EmbeddedEventLog
import EventLog
import EventLogSupport
import Events
import Foundation
import SQLiteFiles
import TestSupport
import Testing

/// What happens to the file from outside while it is open.
@Suite("an embedded log in trouble", .ownThread)
struct EmbeddedLogFaultTests {
    @Test(
        "under somebody else's write lock appends fail in bounded time, reading goes on, and nothing is lost")
    func locked() async throws {
        let place = try EmbeddedPlace()
        let log = try place.openEmbedded()
        defer { log.close() }
        _ = try await log.append(all: ["a", "b"])
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        let other = try OtherTransaction(place.path, "BEGIN IMMEDIATE", reading: "events")
        let error = await #expect(throws: EventLogError.self) { _ = try await log.append("refused") }
        #expect(error?.code == .unreachable)
        #expect(error?.message.contains("end that transaction") == true)
        #expect(!log.health().reachable)
        #expect(try consumer.take(2).map(\.text) == ["a", "b"])
        try other.end()
        #expect(try await log.append("c").offset == 2)
        #expect(log.health().reachable)
        #expect(try consumer.take().map(\.text) == ["c"])
    }

    @Test("deleted or moved away, nothing is appended to it; moved back, it goes on")
    func deleted() async throws {
        let place = try EmbeddedPlace()
        let log = try place.openEmbedded()
        _ = try await log.append("a")
        let elsewhere = place.path + ".elsewhere"
        try FileManager.default.moveItem(atPath: place.path, toPath: elsewhere)
        let error = await #expect(throws: EventLogError.self) { _ = try await log.append("refused") }
        #expect(error?.message.contains("deleted or moved away") == true)
        try FileManager.default.moveItem(atPath: elsewhere, toPath: place.path)
        #expect(try await log.append("b").offset == 1)
        log.close()
        let again = try place.openEmbedded()
        defer { again.close() }
        let consumer = try again.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        #expect(try consumer.take(2).map(\.text) == ["a", "b"])
    }

    @Test("it notices by itself that it is gone, and that it is back")
    func noticed() async throws {
        let place = try EmbeddedPlace()
        let log = try place.openEmbedded()
        defer { log.close() }
        _ = try await log.append("a")
        let elsewhere = place.path + ".elsewhere"
        try FileManager.default.moveItem(atPath: place.path, toPath: elsewhere)
        log.upkeep(always: false)
        #expect(!log.health().reachable)
        #expect(log.health().lastError?.contains("deleted or moved away") == true)
        try FileManager.default.moveItem(atPath: elsewhere, toPath: place.path)
        log.upkeep(always: false)
        #expect(log.health().reachable)
    }

    @Test(
        "with its log of pages deleted nothing is appended, and closing writes what that held into the file")
    func walDeleted() async throws {
        let place = try EmbeddedPlace()
        let log = try place.openEmbedded()
        _ = try await log.append(all: ["a", "b"])
        try FileManager.default.removeItem(atPath: place.path + "-wal")
        let error = await #expect(throws: EventLogError.self) { _ = try await log.append("refused") }
        #expect(error?.message.contains("-wal was deleted or replaced") == true)
        log.close()
        let again = try place.openEmbedded()
        defer { again.close() }
        #expect(try await again.append("c").offset == 2)
    }

    @Test("its log of pages grows under a reader and goes back to its bound without one, and nothing is lost")
    func bounded() async throws {
        let place = try EmbeddedPlace(.init(walBytesMax: 256 << 10))
        let log = try place.openEmbedded()
        defer { log.close() }
        _ = try await log.append("first")
        let reader = try OtherTransaction(place.path, "BEGIN", reading: "events")
        for _ in 0..<40 {
            _ = try await log.append([UInt8](repeating: 7, count: 16 << 10))
            log.upkeep(always: true)
        }
        let held = try #require(log.storage)
        #expect(held.walBytes > 256 << 10)
        #expect(held.walHeldBy.contains("has been reading for"))
        try reader.end()
        log.upkeep(always: false)
        let free = try #require(log.storage)
        #expect(free.walBytes <= 256 << 10 && free.walHeldBy.isEmpty)
        #expect(log.partitions().first?.end == 41)
    }

    @Test("bounds change while it is open")
    func changed() async throws {
        let place = try EmbeddedPlace()
        let log = try place.openEmbedded()
        defer { log.close() }
        _ = try await log.append(all: (0..<20).map(String.init))
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        consumer.commit([0: 20])
        #expect(log.partitions().first?.earliest == 0)
        log.change(queueMax: 10, retainEvents: 4)
        consumer.commit([0: 20])
        #expect(log.partitions().first?.earliest == 16)
    }

    @Test("what a gap means may change between two polls")
    func onGap() async throws {
        let place = try EmbeddedPlace(.init(retainEvents: 5))
        let log = try place.openEmbedded()
        defer { log.close() }
        _ = try await log.append(all: (0..<20).map(String.init))
        let consumer = try log.makeConsumer(.init(onGap: .fail), delegate: RecordingDelegate([0: 2]))
        defer { consumer.close() }
        consumer.commit([0: 20])
        #expect(throws: EventLogError.self) { _ = try consumer.take() }
        consumer.onGap = .skip
        #expect(try consumer.take(5).map(\.token.offset) == [15, 16, 17, 18, 19])
    }

    @Test(
        "the bound on events counts events: a record from a clock a year ahead makes none of the others old")
    func clockAhead() async throws {
        let place = try EmbeddedPlace(.init(retainEvents: 5))
        let log = try place.openEmbedded()
        defer { log.close() }
        let year: Int64 = 365 * 86_400_000
        for (number, time) in [0, 1, 2 + year, 3 - year, 4].enumerated() {
            _ = try await log.append("\(number)", time: 1_700_000_000_000 + time)
        }
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        consumer.commit([0: 5])
        #expect(try consumer.take(5).map(\.text) == ["0", "1", "2", "3", "4"])
    }
}
