import EmbeddedEventLog
import EventLog
import EventLogSupport
import Events
import Foundation
import GRDB
import SQLiteFiles
import TestSupport
import Testing

/// Bits that flip in the log's file while nobody looks.
@Suite("a damaged embedded log", .ownThread)
struct LogDamageTests {
    private func payloads(_ count: Int) -> [String] {
        (0..<count).map { #"{"user":"u\#($0 % 17)","item":"i\#($0 * 7 % 23)","rating":\#($0 % 5 + 1)}"# }
    }

    private func write(_ texts: [String], _ place: EmbeddedPlace) async throws {
        let log = try place.openEmbedded()
        _ = try await log.append(all: texts)
        log.close()
    }

    private func execute(_ sql: String, _ place: EmbeddedPlace) throws {
        let queue = try DatabaseQueue(path: place.path)
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }

    /// All that is read until the log says that something is wrong, and what it says.
    private func readAll(_ place: EmbeddedPlace, _ count: Int, skips: Bool = false) -> (
        records: [String], error: EventLogError?, delegate: RecordingDelegate
    ) {
        let delegate = RecordingDelegate()
        var texts: [String] = []
        do {
            let log = try place.openEmbedded()
            defer { log.close() }
            let consumer = try log.makeConsumer(.init(onGap: skips ? .skip : .fail), delegate: delegate)
            defer { consumer.close() }
            for _ in 0..<3 * count where texts.count < count {
                let skipped = delegate.skips.count
                let received = try consumer.take(recordsMax: 7, timeout: .zero)
                texts += received.map(\.text)
                if received.isEmpty, delegate.skips.count == skipped { break }
            }
            return (texts, nil, delegate)
        } catch {
            return (texts, error as? EventLogError, delegate)
        }
    }

    @Test(
        "a bit that flips anywhere is told, or does no harm: never is another event read, and none is missing"
    )
    func flips() async throws {
        let place = try EmbeddedPlace()
        let texts = payloads(200)
        try await write(texts, place)
        let sound = try Data(contentsOf: URL(filePath: place.path))
        var random = SystemSeed(state: 20)
        var told = 0
        for _ in 0..<400 {
            var bytes = sound
            bytes[Int(random.next() % UInt64(bytes.count))] ^= 1 << UInt8(random.next() % 8)
            for end in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: place.path + end) }
            try bytes.write(to: URL(filePath: place.path))
            let (records, error, _) = readAll(place, texts.count)
            #expect(Array(texts.prefix(records.count)) == records)
            if let error {
                told += 1
                #expect(error.message.contains(place.path))
            } else {
                #expect(records == texts)
            }
        }
        #expect(told > 100, "most of the file is events")
    }

    @Test(
        "an event that is not what was written is told by its offset, with the way back; skip goes on behind it"
    )
    func altered() async throws {
        let place = try EmbeddedPlace()
        let texts = payloads(30)
        try await write(texts, place)
        try execute("UPDATE events SET payload = replace(payload, 'u9', 'u8') WHERE offset = 9", place)
        let (records, found, _) = readAll(place, 30)
        #expect(records == Array(texts.prefix(9)))
        let error = try #require(found)
        #expect(error.code == .damaged)
        #expect(error.message.contains("the event at offset 9 is not what was written"))
        #expect(error.message.contains("source.on-gap: skip once to go on behind offset 9"))
        let skipping = readAll(place, 30, skips: true)
        #expect(skipping.error == nil)
        #expect(skipping.records == Array(texts.prefix(9) + texts.dropFirst(10)))
        #expect(skipping.delegate.skips == [.init(partition: 0, from: 9, to: 10)])
    }

    @Test(
        "key, time, place and presence of an event are watched like what it says",
        arguments: [
            (
                "UPDATE events SET key = 'other' WHERE offset = 9",
                "the event at offset 9 is not what was written"
            ),
            ("UPDATE events SET time = time + 1 WHERE offset = 9", "the event at offset 9 is not"),
            ("UPDATE events SET checksum = NULL WHERE offset = 9", "the event at offset 9 is not"),
            ("DELETE FROM events WHERE offset BETWEEN 9 AND 11", "the events from offset 9 to 11 are gone"),
            ("DELETE FROM events WHERE offset < 4", "the events from offset 0 to 3 are gone"),
            ("DELETE FROM events WHERE offset > 26", "the events from offset 27 to 29 are gone"),
            (
                "DELETE FROM events WHERE offset = 9; UPDATE events SET offset = 9 WHERE offset = 29",
                "offset 9 is not"
            ),
            ("UPDATE next_offset SET value = 35", "the events from offset 30 to 34 are gone"),
            ("UPDATE next_offset SET value = 20", "offsets 0 to 29 do not lie between 0 and the end, 20"),
        ])
    func watched(sql: String, words: String) async throws {
        let place = try EmbeddedPlace()
        try await write(payloads(30), place)
        try execute(sql, place)
        let (_, error, _) = readAll(place, 35)
        #expect(error?.code == .damaged)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "nothing")")
        // From outside it is told too, with all else that is wrong.
        do {
            let problems = try EmbeddedLog.verify(path: place.path).problems
            #expect(problems.contains { $0.contains(words) }, "\(problems)")
        } catch {
            #expect(error.message.contains(words), "\(error.message)")
        }
    }

    @Test("a look from outside finds nothing wrong with a sound log, and changes nothing")
    func sound() async throws {
        let place = try EmbeddedPlace()
        try await write(payloads(30), place)
        let before = try Data(contentsOf: URL(filePath: place.path))
        let found = try EmbeddedLog.verify(path: place.path)
        #expect(found.events == 30 && found.withChecksum == 30 && found.offsets == 0..<30)
        #expect(found.problems.isEmpty)
        #expect(try Data(contentsOf: URL(filePath: place.path)) == before)
    }

    @Test("a file of the version before is read on, and what comes to it from then on has checksums")
    func older() async throws {
        let place = try EmbeddedPlace()
        let texts = payloads(30)
        try await write(Array(texts.prefix(20)), place)
        // As that version left it: no checksums, no tables of them, and offsets that were never given out.
        try execute(
            """
            ALTER TABLE events DROP COLUMN checksum; DROP TABLE sealed; DROP TABLE unused;
            DELETE FROM events WHERE offset = 5; PRAGMA user_version = 1
            """, place)
        let log = try place.openEmbedded()
        #expect(try await log.append(all: Array(texts.suffix(10))).first?.offset == 20)
        log.close()
        let (records, error, _) = readAll(place, 29)
        #expect(error == nil)
        #expect(records == Array(texts.prefix(5) + texts[6..<30]))
        let found = try EmbeddedLog.verify(path: place.path)
        #expect(found.events == 29 && found.withChecksum == 10 && found.problems.isEmpty)
        try execute("UPDATE events SET time = time + 1 WHERE offset = 25", place)
        #expect(readAll(place, 29).error?.message.contains("offset 25 is not") == true)
    }

    @Test("what retention has deleted is no damage")
    func retained() async throws {
        let place = try EmbeddedPlace(.init(retainEvents: 4))
        let texts = payloads(30)
        let log = try place.openEmbedded()
        _ = try await log.append(all: texts)
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        for position in [10, 20] { consumer.commit([0: Int64(position)]) }
        consumer.close()
        log.close()
        let (records, error, _) = readAll(place, 14)
        #expect(error == nil)
        #expect(records == Array(texts.suffix(14)))
        #expect(try EmbeddedLog.verify(path: place.path).problems.isEmpty)
    }

    @Test("offsets that were left unused on purpose are no damage, and are not waited for")
    func unused() async throws {
        let place = try EmbeddedPlace()
        try await write(payloads(3), place)
        // A state that is further than the log, which was put back from a copy: the log goes on past it.
        let log = try place.openEmbedded()
        let consumer = try log.makeConsumer(.init(onGap: .skip), delegate: RecordingDelegate([0: 10]))
        #expect(try consumer.take(timeout: .zero).isEmpty)
        consumer.close()
        log.close()
        let again = try place.openEmbedded()
        #expect(try await again.append("later").offset == 10)
        again.close()
        let (records, error, _) = readAll(place, 4)
        #expect(error == nil)
        #expect(records == payloads(3) + ["later"])
        #expect(try EmbeddedLog.verify(path: place.path).problems.isEmpty)
    }
}

private struct SystemSeed {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 20
    }
}
