internal import ArgumentParser
internal import BenchmarkSupport
internal import Foundation
internal import HostileClients
internal import Locking
internal import RESP

/// What others notice of thousands of clients that mean no good, and what they cost in memory.
struct HostileBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hostile",
        abstract: "Look-ups of one client, and the daemon's memory, at rest and among hostile clients.",
        discussion: """
            A daemon of its own serves one client that asks RECOMMEND all the time; then as many hostile connections come: \
            silent ones, half requests, slow writers, slow readers, and a few that ask without end and never read, ask \
            without end and read all, guess passwords, or come and go. The baseline is the same client alone.

            EXAMPLES
              freshet-bench hostile
              freshet-bench hostile --connections 1000 --floods 2 --seconds 5
            """)

    @Option(help: "Hostile connections in all.") var connections = 10_000
    @Option(help: "Of these, how many ask without end and read all.") var floods = 2
    @Option(help: "How many ask without end and never read.") var deaf = 8
    @Option(help: "How many guess passwords without end.") var guessers = 4
    @Option(help: "Seconds for each of the two measurements.") var seconds = 15.0
    @Option(help: "Items of the catalogue.") var items = 4_000
    @Option(help: "The freshet program; the one beside this where absent.") var program: String?
    @Option(
        name: .customLong("set"), help: ArgumentHelp("One key of the configuration.", valueName: "key=value"))
    var settings: [String] = []

    func validate() throws {
        guard connections >= floods + deaf + guessers + 16, seconds > 0, items > 0 else {
            throw ValidationError("connections have to be more than those that ask and guess without end")
        }
    }

    func run() throws {
        let users = FileManager.default.temporaryDirectory.path + "/fb-users-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: users) }
        // Somebody has to have a password, or guesses cost the daemon nothing.
        try Data("watch:read:\(Self.somebodysHash)\n".utf8).write(to: URL(fileURLWithPath: users))
        chmod(users, 0o600)
        let files = HostileFleet.makeRoom(for: connections + 256)
        guard files >= connections + 64 else {
            throw ValidationError(
                "this process may have \(files) files open, too few for \(connections) connections: ulimit -n"
            )
        }
        let daemon = try MeasuredDaemon(
            program: program ?? Self.sibling, items: items, factors: 64, seen: 20,
            settings: [
                "rpc.connections-max=\(connections + 64)", "rpc.client-bytes-max=16777216",
                "rpc.total-bytes-max=268435456", "rpc.answer-timeout-s=5", "http.listen=",
                "access.users-file=\(users)",
            ] + settings)
        defer { daemon.stop() }
        let lookups = SocketLookups(daemon: daemon, count: 10, seconds: seconds)
        _ = try lookups.recommend(clients: 1, ahead: 1, learning: 0)
        let before = try Memory(daemon)
        let rest = try lookups.recommend(clients: 1, ahead: 1, learning: 0)
        let fleets = makeFleets(daemon.socketPath)
        // The quiet ones first: once others ask without end, it takes its time to come in.
        fleets[0].start()
        try waitUntilComplete(fleets[0])
        fleets[1].start()
        let watch = MemoryWatch(daemon)
        watch.start()
        let begun = try Memory(daemon)
        let clock = ContinuousClock.now
        let among = try lookups.recommend(clients: 1, ahead: 1, learning: 0)
        let most = watch.stop()
        let during = try Memory(daemon)
        let perSecond = Double(during.commands - begun.commands) / clock.duration(to: .now).seconds
        let counts = fleets.map(\.counts)
        for fleet in fleets { fleet.stop() }
        Thread.sleep(forTimeInterval: 2)
        let after = try Memory(daemon)
        show(rest, among, before, during, most, after, counts)
        // Else nobody was hostile.
        print(String(format: "commands answered meanwhile: %.0f a second", perSecond))
    }

    /// Those that are busy have a thread of their own, so that they are busy indeed.
    private func makeFleets(_ path: String) -> [HostileFleet] {
        let patient = connections - floods - deaf - guessers - 8
        let quiet = HostileFleet(
            path: path,
            [
                (.silent, patient - 3 * (patient / 4)), (.half, patient / 4), (.slowWriter, patient / 4),
                (.slowReader, patient / 4), (.visitor, 8),
            ], pause: .milliseconds(100))
        let busy = HostileFleet(
            path: path, [(.deaf, deaf), (.flood, floods), (.guesser, guessers)], pause: .milliseconds(1))
        return [quiet, busy]
    }

    /// Until as many are connected as shall be; slow machines take their time.
    private func waitUntilComplete(_ fleet: HostileFleet) throws {
        let wanted = connections - floods - deaf - guessers
        for _ in 0..<1_200 where fleet.counts.open < wanted * 98 / 100 {
            Thread.sleep(forTimeInterval: 0.1)
        }
        guard fleet.counts.open >= wanted * 9 / 10 else {
            throw MeasuredDaemon.Failure(
                description: "only \(fleet.counts.open) of \(wanted) connections are open")
        }
    }

    private func show(
        _ rest: LookupResult, _ among: LookupResult, _ before: Memory, _ during: Memory, _ most: Int,
        _ after: Memory, _ counts: [HostileFleet.Counts]
    ) {
        func line(_ name: String, _ value: String) {
            print(name.padding(toLength: 44, withPad: " ", startingAt: 0) + value)
        }
        func mebibytes(_ bytes: Int) -> String { String(format: "%.0f MiB", Double(bytes) / 1_048_576) }
        print("\(connections) hostile connections: \(floods) flood, \(deaf) never read, \(guessers) guess")
        Report.print([
            Comparison(
                name: "RECOMMEND p50", ours: among.p50, baselineName: "alone", baseline: rest.p50,
                unit: "us", moreIsBetter: false),
            Comparison(
                name: "RECOMMEND p99", ours: among.p99, baselineName: "alone", baseline: rest.p99,
                unit: "us", moreIsBetter: false),
        ])
        line(
            "resident before, most during, after",
            [before.resident, most, after.resident].map(mebibytes).joined(separator: ", "))
        line(
            "held for clients during, and their bound",
            "\(mebibytes(during.held)), \(mebibytes(during.heldMax))")
        line("connections open, most", "\(counts.map(\.openMost).reduce(0, +))")
        line("closed by the daemon for what they held", "\(during.cutOff)")
        line("password guesses refused", "\(during.guesses)")
        for (words, count) in counts.flatMap(\.refusals).sorted(by: { $0.key < $1.key }) {
            line("  told: \(words)", String(count))
        }
    }

    private static let somebodysHash =
        "$y$j9T$3acaY7hbqC7eOjialEMf30$9YpyJsuQB36FUuTmhoL3UsA7ENHf3W20PsvmePgoub9"

    private static var sibling: String {
        URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("freshet").path
    }
}

/// What the daemon says of its memory.
private struct Memory {
    var resident = 0
    var held = 0
    var heldMax = 0
    var cutOff = 0
    var guesses = 0
    var commands = 0

    init(_ daemon: MeasuredDaemon) throws {
        let status = try RPCClient(socketPath: daemon.socketPath).call(["STATUS"])
        func number(_ name: String) -> Int {
            if case .integer(let number)? = status[name] { Int(number) } else { 0 }
        }
        resident = number("memory.resident-bytes")
        (held, heldMax) = (number("rpc.held-bytes"), number("rpc.held-bytes.max"))
        commands = number("rpc.commands")
        (cutOff, guesses) = (number("rpc.connections.cut-off"), number("access.refused.wrong-password"))
    }
}

/// The most that the daemon's memory comes to while something else is done.
private final class MemoryWatch: Sendable {
    private let socketPath: String
    private let most = Lock(0)
    private let isStopped = Lock(false)
    private let ended = DispatchSemaphore(value: 0)

    init(_ daemon: MeasuredDaemon) { socketPath = daemon.socketPath }

    func start() {
        Thread.detachNewThread { [self] in
            defer { ended.signal() }
            guard let client = try? RPCClient(socketPath: socketPath) else { return }
            while !isStopped.withLock({ $0 }) {
                guard let status = try? client.call(["STATUS"]),
                    case .integer(let bytes)? = status["memory.resident-bytes"]
                else { return }
                most.withLock { $0 = max($0, Int(bytes)) }
                Thread.sleep(forTimeInterval: 0.5)
            }
        }
    }

    func stop() -> Int {
        isStopped.withLock { $0 = true }
        ended.wait()
        return most.withLock { $0 }
    }
}
