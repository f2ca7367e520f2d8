internal import ArgumentParser
internal import BenchmarkSupport
internal import Events
internal import Foundation
internal import GRDB
internal import Locking
internal import RESP
internal import SQLiteFiles

/// How fast the socket takes events in, and what others on it notice.
struct FeedBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "feed", abstract: "Events a second that are durable through the socket of a daemon.",
        discussion: """
            A daemon of its own is fed over one connection by FEED and by pipelined RATE, with a window of events that \
            have no answer yet; another connection asks PING meanwhile. The daemon learns what it is fed all the while. \
            The baseline is SQLite's own insert loop: as many records of the same bytes, a transaction for each window, \
            synced.

            EXAMPLES
              swift run -c release freshet-bench feed
              swift run -c release freshet-bench feed --events 1000000 --set models.likes.learner=bpr --json
            """)

    @Option(help: "Events of each way of feeding.") var events = 400_000
    @Option(help: "Users of the stream.") var users = 20_000
    @Option(help: "Items of the stream.") var items = 5_000
    @Option(help: "Events of a FEED.") var perCommand = 512
    @Option(help: "Events that may be without an answer.") var window = 8_192
    @Option(help: "Events a second that are fed while PING is measured.") var pace = 200_000
    @Option(help: "The freshet program; the one beside this where absent.") var program: String?
    @Option(
        name: .customLong("set"), help: ArgumentHelp("One key of the configuration.", valueName: "key=value"))
    var settings: [String] = []
    @Flag(help: "Print the figures as JSON.") var json = false

    func validate() throws {
        guard events > 0, users > 0, items > 0, perCommand > 0, window >= perCommand, pace > 0 else {
            throw ValidationError("numbers must be above 0, and window not below per-command")
        }
    }

    func run() throws {
        let stream = InventedStream(events: events, users: users, items: items)
        let daemon = try MeasuredDaemon(
            program: program ?? Self.sibling, items: 100, factors: 64, seen: 1, settings: settings)
        defer { daemon.stop() }
        let feeds = stride(from: 0, to: events, by: perCommand).map { start in
            ["FEED"] + (start..<min(events, start + perCommand)).map { stream.text($0) }
        }
        let rates = (0..<events).map { stream.rating($0) }
        let rest = try pings(daemon) { Thread.sleep(forTimeInterval: 2) }
        let beside = try pings(daemon) {
            try pipeline(
                feeds, ahead: max(1, window / perCommand), perSecond: Double(pace) / Double(perCommand),
                daemon)
        }
        try settle(daemon)
        let fed = try seconds { try pipeline(feeds, ahead: max(1, window / perCommand), daemon) }
        try settle(daemon)
        // A connection has at most a thousand commands under way.
        let rated = try seconds { try pipeline(rates, ahead: min(window, 1_024), daemon) }
        let plain = try insertSeconds(stream)
        func perSecond(_ seconds: Double) -> Double { Double(events) / seconds }
        if json {
            var figures = Figures(
                benchmark: "feed",
                parameters: ["events": Double(events), "window": Double(window), "pace": Double(pace)])
            figures.figures = [
                "feed.events-per-second": perSecond(fed), "rate.events-per-second": perSecond(rated),
                "baseline.insert-rows-per-second": perSecond(plain), "ping.p50-us": rest.median,
                "ping.p99-us": rest.high, "ping-while-fed.p50-us": beside.median,
                "ping-while-fed.p99-us": beside.high,
            ]
            return try figures.printJSON()
        }
        Report.print([
            Comparison(
                name: "FEED of \(perCommand)", ours: perSecond(fed), baselineName: "SQLite's insert loop",
                baseline: perSecond(plain), unit: "events/s"),
            Comparison(
                name: "RATE, pipelined", ours: perSecond(rated), baselineName: "SQLite's insert loop",
                baseline: perSecond(plain), unit: "events/s"),
            Comparison(
                name: "PING of another, p99, at \(pace)/s", ours: beside.high, baselineName: "at rest",
                baseline: rest.high, unit: "us", moreIsBetter: false),
        ])
    }

    private static var sibling: String {
        let own = URL(fileURLWithPath: CommandLine.arguments.first ?? "").resolvingSymlinksInPath()
        return own.deletingLastPathComponent().appendingPathComponent("freshet").path
    }

    private func seconds(_ body: () throws -> Void) rethrows -> Double {
        try ContinuousClock().measure(body).seconds
    }

    /// - Parameter perSecond: commands; as fast as they are taken where absent.
    private func pipeline(
        _ commands: [[String]], ahead: Int, perSecond: Double? = nil, _ daemon: MeasuredDaemon
    ) throws {
        let start = ContinuousClock.now
        let client = try RPCClient(socketPath: daemon.socketPath)
        var answered = 0
        func receive() throws {
            try check(client.receive())
            answered += 1
        }
        for (sent, command) in commands.enumerated() {
            if sent - answered >= ahead {
                for _ in 0..<max(1, ahead / 2) { try receive() }
            }
            if let perSecond {
                let early = start.duration(to: .now).seconds - Double(sent) / perSecond
                if early < 0 { Thread.sleep(forTimeInterval: -early) }
            }
            try client.send(command)
        }
        while answered < commands.count { try receive() }
    }

    private func check(_ answer: RESPValue) throws {
        switch answer {
        case .error(let text): throw MeasuredDaemon.Failure(description: text)
        case .array(let values): for value in values { try check(value) }
        default: return
        }
    }

    /// Until all is learned: what comes next should not share the machine with it.
    private func settle(_ daemon: MeasuredDaemon) throws {
        var last = -1
        while true {
            let now = try daemon.learned()
            if now == last { return }
            last = now
            Thread.sleep(forTimeInterval: 0.5)
        }
    }

    private struct Pings {
        var median: Double
        var high: Double
    }

    /// Microseconds that another connection's PING took while `body` ran.
    private func pings(_ daemon: MeasuredDaemon, during body: () throws -> Void) throws -> Pings {
        let isOver = Lock(false)
        let times = Lock<[Double]>([])
        let done = DispatchSemaphore(value: 0)
        let path = daemon.socketPath
        Thread.detachNewThread {
            defer { done.signal() }
            guard let client = try? RPCClient(socketPath: path) else { return }
            while !isOver.withLock({ $0 }) {
                let time = ContinuousClock().measure { _ = try? client.call(["PING"]) }
                times.withLock { $0.append(time.seconds * 1e6) }
                // Asked now and then, so that the asking itself is no load.
                usleep(500)
            }
        }
        let result = Result { try body() }
        isOver.withLock { $0 = true }
        done.wait()
        try result.get()
        let sorted = times.withLock { $0.sorted() }
        guard !sorted.isEmpty else { throw MeasuredDaemon.Failure(description: "no PING was answered") }
        return Pings(median: sorted[sorted.count / 2], high: sorted[sorted.count * 99 / 100])
    }

    private func insertSeconds(_ stream: InventedStream) throws -> Double {
        let folder = try BenchmarkFolder()
        let queue = try DatabaseQueue(path: folder.state)
        try queue.writeWithoutTransaction { db in
            try db.execute(
                sql: """
                    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                    CREATE TABLE events(
                        offset INTEGER PRIMARY KEY, time INTEGER NOT NULL, key TEXT NOT NULL, payload BLOB NOT NULL)
                    """)
        }
        let texts = (0..<events).map { Array(stream.text($0).utf8) }
        let time = try seconds {
            for start in stride(from: 0, to: events, by: window) {
                try queue.write { db in
                    let insert = try PlainStatement("INSERT INTO events VALUES (?, ?, ?, ?)", db)
                    for number in start..<min(events, start + window) {
                        try texts[number].withUnsafeBytes { text in
                            insert.bind(Int64(number), at: 1)
                            insert.bind(Int64(1_700_000_000_000), at: 2)
                            insert.bind(text: UnsafeRawBufferPointer(rebasing: text.prefix(6)), at: 3)
                            insert.bind(blob: text, at: 4)
                            try insert.run()
                        }
                    }
                }
            }
        }
        try queue.close()
        return time
    }
}

/// Ratings of users and items that nobody made.
private struct InventedStream {
    let events: Int
    let users: Int
    let items: Int

    private func ids(_ number: Int) -> (user: Int, item: Int, value: Int) {
        let mixed = UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15
        return (Int(mixed >> 40) % users, Int(mixed >> 20 & 0xFFFFF) % items, 1 + number % 5)
    }

    func text(_ number: Int) -> String {
        let (user, item, value) = ids(number)
        return
            "{\"freshet\":1,\"user\":\"u\(user)\",\"item\":\"i\(item)\",\"rating\":\(value),\"ts\":\(1_700_000_000_000 + number)}"
    }

    func rating(_ number: Int) -> [String] {
        let (user, item, value) = ids(number)
        return ["RATE", "u\(user)", "i\(item)", "\(value)", "TS", "\(1_700_001_000_000 + number)"]
    }
}
