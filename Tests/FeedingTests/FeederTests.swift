import Events
import Foundation
import RESP
import Reporting
import Testing

@testable import Feeding

@Suite("Replaying files")
struct FeederTests {
    private static let ratings =
        "userId,movieId,rating,timestamp\n1,1,4,30\n2,1,4,10\nx\n3,1,4,30\n4,1,4,20\n"
    private static let movies = "movieId,title,genres\n1,A,Drama\n2,B,Drama\n"

    @Test("items come first, then events by time, those of one time in their order")
    func order() throws {
        let files = ["ratings.csv": Self.ratings, "movies.csv": Self.movies]
        let (taken, bad) = try feed(files, order: ["ratings.csv", "movies.csv"])
        #expect(taken.map(\.key.string) == ["1", "2", "2", "4", "1", "3"])
        #expect(
            taken.map { event in
                if case .item = event.kind { true } else { false }
            } == [true, true, false, false, false, false])
        #expect(bad == [4])
    }

    @Test("what two files say of an item is one description: the later file adds its tags")
    func merging() throws {
        let words =
            "movieId,title,genres,tmdb_keywords\n1,A,Drama,toy|boy\n1,A,Comedy,\n3,C,(no genres listed),x\n"
        let files = ["movies.csv": Self.movies, "words.csv": words]
        let items = try feed(files, order: ["movies.csv", "words.csv"]).taken.compactMap { event in
            if case .item(let item) = event.kind { item } else { nil }
        }
        #expect(items.map(\.tags) == [["Drama"], ["Drama"], nil, ["Comedy"], ["x"]])
        #expect(items.map(\.addedTags) == [nil, nil, ["Drama", "toy", "boy"], nil, nil])
        let lists = items.filter { $0.item.string == "1" }.reduce(into: TagList()) { list, item in
            _ = list.describe(tags: item.tags, added: item.addedTags, time: nil)
        }
        #expect(lists.tags == ["Comedy"], "within a file the later line stands")
    }

    @Test("unsorted files, and JSONL, come as they are")
    func unsorted() throws {
        let files = ["ratings.csv": Self.ratings, "movies.csv": Self.movies]
        let unsorted = try feed(files, order: ["ratings.csv", "movies.csv"], sorts: false).taken
        #expect(unsorted.map(\.key.string) == ["1", "2", "3", "4", "1", "2"])
        let lines = [30, 10, 20].map { #"{"user":\#($0),"item":1,"rating":1,"ts":\#($0)}"# }
        let streamed = try feed(["a.jsonl": lines.joined(separator: "\n")], order: ["a.jsonl"]).taken
        #expect(streamed.map(\.key.string) == ["30", "10", "20"])
    }

    @Test("the limit counts events, not lines")
    func limit() throws {
        let (taken, _) = try feed(["ratings.csv": Self.ratings], order: ["ratings.csv"], limit: 3)
        #expect(taken.map(\.key.string) == ["2", "4", "1"])
    }

    @Test("strict stops at the first bad line and names it")
    func strict() throws {
        let error = #expect(throws: CommandError.self) {
            _ = try feed(["ratings.csv": Self.ratings], order: ["ratings.csv"], isStrict: true)
        }
        #expect(error?.code == .data)
        #expect(error?.message.contains("ratings.csv:4: has 1 columns, the header has 4") == true)
    }

    @Test("nothing is fed once cancelled")
    func cancelled() throws {
        let (taken, _) = try feed(["ratings.csv": Self.ratings], order: ["ratings.csv"], isCancelled: true)
        #expect(taken.isEmpty)
    }

    @Test("an event that comes alone through a pipe is acknowledged before the next one is there")
    func pipe() throws {
        let pipe = Pipe()
        let daemon = FakeDaemon()
        // Written only when the feeder waits for input; a feeder that held the first event back would find
        // the daemon without it.
        var takenWhenWaiting: [Int] = []
        let sink = ObservedSink(RPCSink(daemon, backoff: backoff())) {
            takenWhenWaiting.append(daemon.taken.count)
            if takenWhenWaiting.count <= 3 {
                pipe.fileHandleForWriting.write(Data("{\"user\":1,\"item\":1,\"rating\":1}\n".utf8))
            } else if takenWhenWaiting.count == 4 {
                try? pipe.fileHandleForWriting.close()
            }
        }
        var source = try FeedSource(
            FeedSource.Options(
                paths: ["/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)"], format: .jsonl),
            events: EventOptions(), isCancelled: { false }, onBadLine: { _ in })
        var feeder = Feeder(isCancelled: { false }, progress: EventProgress(isTerminal: false))
        try feeder.run(&source, to: sink)
        #expect(takenWhenWaiting == [0, 1, 2, 3, 3])
    }

    private func feed(
        _ files: [String: String], order: [String], sorts: Bool = true, limit: Int? = nil,
        isStrict: Bool = false, isCancelled: Bool = false
    ) throws -> (taken: [Event], bad: [Int]) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "freshet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in files {
            try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
        }
        var bad: [Int] = []
        var source = try FeedSource(
            FeedSource.Options(
                paths: order.map { folder.appending(path: $0).path }, sorts: sorts, isStrict: isStrict),
            events: EventOptions(), isCancelled: { isCancelled }, onBadLine: { bad.append($0.line) })
        let daemon = FakeDaemon()
        let sink = RPCSink(daemon, backoff: backoff())
        var feeder = Feeder(
            limit: limit, isCancelled: { isCancelled }, progress: EventProgress(isTerminal: false))
        try feeder.run(&source, to: sink)
        #expect(daemon.isAllAnswered)
        return (daemon.taken, bad)
    }
}

/// Tells when the feeder has waited for all answers.
private final class ObservedSink: EventSink {
    private let sink: any EventSink
    private let onDrained: () -> Void

    init(_ sink: any EventSink, onDrained: @escaping () -> Void) {
        self.sink = sink
        self.onDrained = onDrained
    }

    var receipts: Receipts { sink.receipts }
    var firstUnanswered: EventPlace? { sink.firstUnanswered }
    func send(_ event: Event, from place: EventPlace?) throws { try sink.send(event, from: place) }
    func drain() throws {
        try sink.drain()
        onDrained()
    }
}

@Suite("What feed says")
struct FeedSummaryTests {
    @Test("the summary counts what was acknowledged and ends with the last token of each partition")
    func summary() {
        var receipts = Receipts(sent: 1_000, acknowledged: 1_000)
        receipts.offsets = [1: 7, 0: 991]
        let text = FeedSummary.text(receipts, badLines: 2, elapsed: .seconds(2))
        #expect(text == "fed 1,000 events in 2.0 s (500/s), passed over 2 bad lines, last token 0:991 1:7")
    }

    @Test("of an interrupted feed it tells what has no answer, and where to go on")
    func interrupted() throws {
        var receipts = Receipts(sent: 20, acknowledged: 10)
        receipts.refuse(try rating("u"), "too long")
        receipts.offsets = [0: 9]
        let text = FeedSummary.text(
            receipts, badLines: 0, elapsed: .seconds(2), goingOnWith: EventPlace(path: "a.csv", line: 12))
        #expect(
            text == "fed 10 events in 2.0 s (5/s), 1 refused, 9 without an answer, which the log may hold or "
                + "not, interrupted: go on with a.csv:12, last token 0:9")
    }
}
