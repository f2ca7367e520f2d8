import Events
import Foundation
import Reporting
import Testing

@testable import Feeding

@Suite("A feed that ends before its files do")
struct EarlyEndTests {
    /// What became of one feed.
    private struct Fed {
        let path: String
        let users: [String]
        let receipts: Receipts
        /// Where to go on after an interruption.
        let result: Result<EventPlace?, any Error>

        /// What the feed ended with.
        var error: CommandError? {
            if case .failure(let error) = result { error as? CommandError } else { nil }
        }

        var goesOnWith: EventPlace? { try? result.get() }
    }

    private static func line(_ user: String) -> String {
        "{\"user\":\"\(user)\",\"item\":\"i\",\"rating\":3}\n"
    }

    private static func lines(_ count: Int) -> String { (1...count).map { line("u\($0)") }.joined() }

    /// As gzip packs what it cannot press, with zeros where the checksum belongs.
    private static func packed(_ text: String) -> [UInt8] {
        let (bytes, blockMax) = (Array(text.utf8), 65_535)
        var packed: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]
        for start in stride(from: 0, to: bytes.count, by: blockMax) {
            let block = bytes[start..<min(start + blockMax, bytes.count)]
            let length = UInt16(block.count)
            packed.append(start + blockMax >= bytes.count ? 1 : 0)
            for number in [length, ~length] { packed += [UInt8(number & 0xFF), UInt8(number >> 8)] }
            packed += block
        }
        return packed + [UInt8](repeating: 0, count: 8)
    }

    /// - Parameter eventsMax: somebody interrupts after so many.
    private func feed(
        _ bytes: [UInt8], as name: String = "a.jsonl", isStrict: Bool = false, limit: Int? = nil,
        interruptedAfter eventsMax: Int = .max
    ) throws -> Fed {
        let folder = FileManager.default.temporaryDirectory.appending(path: "freshet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: name).path
        try Data(bytes).write(to: URL(filePath: path))
        var source = try FeedSource(
            FeedSource.Options(paths: [path], isStrict: isStrict), events: EventOptions(),
            isCancelled: { false }, onBadLine: { _ in })
        let daemon = FakeDaemon()
        let sink = RPCSink(daemon, backoff: backoff())
        // Asked once before each event, and at the end.
        var asked = 0
        var feeder = Feeder(
            limit: limit,
            isCancelled: {
                asked += 1
                return asked > eventsMax
            }, progress: EventProgress(isTerminal: false))
        let result = Result { try feeder.run(&source, to: sink) }
        #expect(daemon.isAllAnswered)
        return Fed(path: path, users: daemon.users, receipts: sink.receipts, result: result)
    }

    @Test("what comes before the bad line that ends a strict feed is sent and answered; the line is named")
    func strict() throws {
        let fed = try feed(Array((Self.lines(600) + "broken\n" + Self.line("late")).utf8), isStrict: true)
        #expect(fed.users == (1...600).map { "u\($0)" })
        #expect(fed.receipts.sent == 600 && fed.receipts.acknowledged == 600)
        #expect(fed.error?.code == .data)
        #expect(fed.error?.message.contains("a.jsonl:601: not a JSON object") == true)
        #expect(fed.error?.message.contains("go on with \(fed.path):601") == true)
    }

    @Test(
        "of files that are sorted nothing is sent where one of them has a bad line: which event comes first is not known"
    )
    func strictSorted() throws {
        let rows = "user,item,rating,ts\na,i,3,30\nb,i,3,20\nbroken\nc,i,3,10\n"
        #expect(throws: CommandError.self) { try feed(Array(rows.utf8), as: "a.csv", isStrict: true) }
    }

    @Test("what comes before the end of gzip data that is cut is sent; the line that is cut is named")
    func cut() throws {
        // The checksum and its length are eight bytes.
        for (dropped, whole) in [(8 + 5, 9), (8, 10)] {
            let fed = try feed(Array(Self.packed(Self.lines(10)).dropLast(dropped)), as: "a.jsonl.gz")
            #expect(fed.users == (1...whole).map { "u\($0)" })
            #expect(fed.receipts.acknowledged == whole)
            #expect(fed.error?.code == .data)
            #expect(fed.error?.message.contains("ends in the middle of its gzip data") == true)
            #expect(fed.error?.message.hasSuffix("go on with \(fed.path):\(whole + 1)") == true)
        }
    }

    @Test("what was read before a wrong checksum is sent and counted; the first line that was not is named")
    func wrongChecksum() throws {
        let fed = try feed(Self.packed(Self.lines(6_000)), as: "a.jsonl.gz")
        #expect((1_000..<6_000).contains(fed.users.count))
        #expect(fed.receipts.acknowledged == fed.users.count)
        #expect(fed.error?.code == .data)
        #expect(fed.error?.message.contains("holds damaged gzip data") == true)
        #expect(fed.error?.message.hasSuffix("go on with \(fed.path):\(fed.users.count + 1)") == true)
    }

    @Test("whoever interrupts hears of the first line of a file that was not sent")
    func interrupted() throws {
        let fed = try feed(Array((Self.lines(3) + "broken\n" + Self.lines(5)).utf8), interruptedAfter: 3)
        #expect(fed.users == ["u1", "u2", "u3"])
        #expect(fed.goesOnWith == EventPlace(path: fed.path, line: 5))
    }

    @Test("of files that are sorted that is the first in the order of time")
    func interruptedSorted() throws {
        let rows = "user,item,rating,ts\na,i,3,30\nb,i,3,10\nc,i,3,20\n"
        let fed = try feed(Array(rows.utf8), as: "a.csv", interruptedAfter: 1)
        #expect(fed.users == ["b"])
        #expect(fed.goesOnWith == EventPlace(path: fed.path, line: 4))
    }

    @Test("where a file was read to its end, or to the limit, an interruption leaves nothing to go on with")
    func complete() throws {
        let whole = try feed(Array(Self.lines(3).utf8), interruptedAfter: 3)
        let limited = try feed(Array(Self.lines(3).utf8), limit: 2, interruptedAfter: 2)
        #expect(whole.users.count == 3 && limited.users.count == 2)
        for fed in [whole, limited] {
            #expect(fed.error == nil && fed.goesOnWith == nil)
        }
    }
}
