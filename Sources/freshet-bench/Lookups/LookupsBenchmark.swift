internal import ArgumentParser
internal import BenchmarkSupport
internal import Foundation
internal import Retrieval
internal import State

/// Look-ups in process and over the socket: how long they take, and how many a second.
struct LookupsBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lookups",
        abstract: "Look-ups in process and over the daemon's socket: latency and look-ups per second.",
        discussion: """
            In process: the published index, by the path that serves and by the reference scan. Over the socket: a \
            daemon of its own in a temporary folder, filled by `freshet simulate` and `freshet feed`; RECOMMEND from \
            one thread that holds all connections, beside PING on the same socket, at rest and while `freshet feed` \
            pipelines RATE and ITEM.SET into the embedded log.
            Commands: RECOMMEND, SIMILAR, RECOMMEND.ITEMS, EXPLAIN and TOP beside one another, by one client, in an \
            engine of this process and over the socket; and RECOMMEND while that engine learns.

            EXAMPLES
              swift run -c release freshet-bench lookups
              swift run -c release freshet-bench lookups --items 20000 --no-socket \\
                  --compare 'python3 Tests/clients/compare_lookups.py'
              swift run -c release freshet-bench lookups --no-in-process --socket-items 4000 --json
              swift run -c release freshet-bench lookups --no-in-process --no-socket --users 1000000
            """)

    @Option(help: "Catalogue sizes in process.") var items: [Int] = [4_000, 20_000, 100_000, 1_000_000]
    @Option(help: "Catalogue sizes over the socket, up to 100000.") var socketItems: [Int] = [4_000, 100_000]
    @Option(help: "Catalogue sizes for the commands.") var commandItems: [Int] = [100_000]
    @Option(help: "Only the commands whose names begin with this, beside RECOMMEND.") var command = ""
    @Option(help: "Users for the commands in process.") var users = 2_000
    @Option(help: "Look-ups at once.") var concurrency: [Int] = [1, 8, 32]
    @Option(help: "Numbers per row; a multiple of 8.") var factors = 64
    @Option(help: "Items asked for.") var count = 10
    @Option(help: "Items that each user has seen.") var seen = 100
    @Option(help: "Norms of the rows in process: normal or skewed.") var norms = NormSpread.normal
    @Option(help: "Seconds that each line takes.") var seconds = 2.0
    @Option(help: "Events a second that are learned meanwhile, for the lines that say so.") var rate = 50_000
    @Option(help: "A command that measures other libraries on the same vectors.") var compare: String?
    @Option(help: "The daemon's program; beside this one where absent.") var daemon: String?
    @Option(name: .customLong("set"), help: "key=value of the daemon's configuration; may be repeated.")
    var settings: [String] = []
    @Flag(inversion: .prefixedNo, help: "Measure in this process.") var inProcess = true
    @Flag(inversion: .prefixedNo, help: "Measure over the socket.") var socket = true
    @Flag(inversion: .prefixedNo, help: "Measure the commands beside one another.") var commands = true
    @Flag(help: "Print a JSON object a line.") var json = false

    func validate() throws {
        guard factors > 0, factors % 8 == 0, count > 0, seen >= 0, items.allSatisfy({ $0 > 0 }) else {
            throw ValidationError("items and count must be above 0, factors a positive multiple of 8")
        }
        guard seconds > 0, rate > 0, concurrency.allSatisfy({ (1...1_000).contains($0) }) else {
            throw ValidationError("seconds and rate must be above 0, concurrency 1 to 1000")
        }
        guard (socketItems + commandItems).allSatisfy({ (1...100_000).contains($0) }), users > 0 else {
            throw ValidationError("--socket-items and --command-items are 1 to 100000, --users above 0")
        }
    }

    func run() throws {
        if !json { print(LookupResult.header) }
        if inProcess { for size in items { try measureInProcess(size) } }
        if socket { for size in socketItems { try measureSocket(size) } }
        if commands { for size in commandItems { try measureCommands(size) } }
    }

    private func say(_ result: LookupResult) throws {
        guard json else { return print(result.line) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(result), as: UTF8.self))
    }

    private func note(_ text: String) {
        if !json { print("  " + text) }
    }

    private func measureInProcess(_ size: Int) throws {
        let catalogue = InventedCatalogue(items: size, factors: factors, spread: norms, seen: seen)
        let lookups = InProcessLookups(catalogue: catalogue, count: count, seconds: seconds)
        var alone: LookupResult?
        for clients in concurrency {
            let served = lookups.measure(concurrency: clients, path: nil)
            if alone == nil { alone = served }
            let reference = lookups.measure(concurrency: clients, path: .reference)
            try say(served)
            try say(reference)
            note(String(format: "%.3f of the reference scan's p50", served.p50 / reference.p50))
        }
        guard let compare, let alone else { return }
        let others = try OtherLibraries(command: compare).measure(catalogue, count: count)
        if others.isEmpty { note("no other library was measured: see what '\(compare)' said") }
        for other in others {
            try say(other)
            note(String(format: "%.3f of its p50 at %d at once", alone.p50 / other.p50, alone.concurrency))
        }
    }

    /// A daemon that has learned a world of so many items.
    private func startDaemon(_ size: Int) throws -> MeasuredDaemon {
        let program = daemon ?? Self.neighbour("freshet")
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw ValidationError(
                "no program '\(program)'; build it by `swift build -c release`, or name it by --daemon")
        }
        return try MeasuredDaemon(
            program: program, items: size, factors: factors, seen: seen, settings: settings)
    }

    /// The commands in an engine of this process, then over a daemon's socket.
    private func measureCommands(_ size: Int) throws {
        let all = MeasuredCommand.all(count: count).filter {
            $0.name == "RECOMMEND" || $0.name.hasPrefix(command)
        }
        try measureInEngine(size, all)
        guard socket else { return }
        let daemon = try startDaemon(size)
        defer { daemon.stop() }
        let lookups = SocketLookups(daemon: daemon, count: count, seconds: seconds)
        try sayBesideFirst(all) { try lookups.measure($0) }
    }

    private func measureInEngine(_ size: Int, _ all: [MeasuredCommand]) throws {
        let engine = try MeasuredEngine(
            items: size, users: users, factors: factors, events: max(users * seen, size),
            later: Int(Double(rate) * (seconds * 2 + 1)), rate: rate)
        let others = [MeasuredCommand.similarUsers(count)].filter { $0.name.hasPrefix(command) }
        let first = try sayBesideFirst(all + others) {
            try engine.measure($0, seconds: seconds, learning: 0)
        }
        engine.startLearning()
        Thread.sleep(forTimeInterval: 0.5)
        let before = engine.learned
        var result = try engine.measure(.recommend(count), seconds: seconds, learning: rate)
        let learned = Double(engine.learned - before) / seconds
        result.ratio = first.map { result.p99 / $0.p99 }
        try say(result)
        note(
            String(
                format: "%.2f times the p99 at rest; %.0f events a second were learned meanwhile",
                result.ratio ?? 0, learned))
        try engine.stop()
    }

    /// A line for each, with its p50 in that of the first, which is returned.
    @discardableResult
    private func sayBesideFirst(
        _ commands: [MeasuredCommand], _ measure: (MeasuredCommand) throws -> LookupResult
    ) throws -> LookupResult? {
        var first: LookupResult?
        for command in commands {
            var result = try measure(command)
            first = first ?? result
            result.ratio = first.map { result.p50 / $0.p50 }
            try say(result)
            note(String(format: "%.2f times the p50 of RECOMMEND", result.ratio ?? 0))
        }
        return first
    }

    private func measureSocket(_ size: Int) throws {
        let measured = try startDaemon(size)
        defer { measured.stop() }
        let lookups = SocketLookups(daemon: measured, count: count, seconds: seconds)
        let ping = try lookups.ping()
        try say(ping)
        var rest: [Int: LookupResult] = [:]
        for clients in concurrency {
            let result = try lookups.recommend(clients: clients, ahead: 1, learning: 0)
            try say(result)
            rest[clients] = result
            if clients == 1 { note(String(format: "%.2f times the p50 of PING", result.p50 / ping.p50)) }
        }
        try say(try lookups.recommend(clients: concurrency.max() ?? 1, ahead: 16, learning: 0))
        let load = try measured.startLearning(rate: rate, seconds: seconds * Double(concurrency.count) + 4)
        defer { load.stop() }
        for clients in concurrency {
            let before = try measured.learned()
            let result = try lookups.recommend(clients: clients, ahead: 1, learning: rate)
            let learned = Double(try measured.learned() - before) / seconds
            try say(result)
            let ratio =
                rest[clients].map { String(format: "%.2f times the p99 at rest; ", result.p99 / $0.p99) }
                ?? ""
            note(ratio + String(format: "%.0f events a second were learned meanwhile", learned))
        }
    }

    private static func neighbour(_ name: String) -> String {
        let own = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        return own.deletingLastPathComponent().appendingPathComponent(name).path
    }
}
