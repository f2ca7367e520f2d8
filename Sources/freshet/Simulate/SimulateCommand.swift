import ArgumentParser
import Events
import Feeding
import Foundation
import InventedWorlds
import Reporting

/// `freshet simulate`
struct SimulateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Writes a stream of events of a small invented world, one JSON object a line.",
        discussion: """
            Items with titles and tags come first, then what users with planted tastes say of them. The same
            options give the same stream, whatever the machine.

            Examples:
              freshet simulate --events 100000 | freshet feed -
              freshet simulate --rate 50 | freshet feed -
              freshet simulate --users 50 --items 20 --events 1000 --seed 7 > events.jsonl
            """)

    @Option(help: ArgumentHelp("Users who come over time.", valueName: "n"))
    var users = 1_000
    @Option(help: ArgumentHelp("Items described at the beginning.", valueName: "n"))
    var items = 500
    @Option(
        help: ArgumentHelp(
            "Ratings and signals to write after the items; 0 goes on for ever.", valueName: "n"))
    var events = 0
    @Option(help: ArgumentHelp("Seed of every random choice.", valueName: "n"))
    var seed: UInt64 = 1
    @Option(help: ArgumentHelp("Events a second; 0 writes as fast as they are read.", valueName: "n"))
    var rate = 0.0
    @Option(
        help: ArgumentHelp("How far each taste moves with each act of its user, in stars.", valueName: "x"))
    var drift = 0.01
    @Option(help: ArgumentHelp("Time of the first event, milliseconds since 1970.", valueName: "ms"))
    var startTime: Int64 = 1_700_000_000_000

    func validate() throws {
        guard (1...10_000_000).contains(users) else {
            throw ValidationError("--users is \(users); allowed is 1 to 10000000")
        }
        guard (1...100_000).contains(items) else {
            throw ValidationError("--items is \(items); allowed is 1 to 100000")
        }
        guard events >= 0 else { throw ValidationError("--events is \(events); allowed is 0 or more") }
        guard (0...1e6).contains(rate) else {
            throw ValidationError("--rate is \(rate); allowed is 0 to 1000000")
        }
        guard (0...10).contains(drift) else {
            throw ValidationError("--drift is \(drift); allowed is 0 to 10")
        }
        guard EventOptions().times.contains(startTime) else {
            throw ValidationError("--start-time is \(startTime); allowed are milliseconds from 1970 to 2200")
        }
    }

    func run() throws {
        var world = try InventedWorld(
            InventedWorld.Options(
                users: users, items: items, events: events, seed: seed, drift: drift, startTime: startTime))
        var output = LineWriter(bytesHeldMax: rate > 0 ? 0 : 65_536)
        var pace = Pace(perSecond: rate)
        let options = EventOptions()
        while let event = try world.next() {
            pace.wait()
            guard try output.write(EventEncoder.encode(event, options: options)) else { return }
        }
        _ = try output.flush()
    }
}

/// Lines to standard output.
private struct LineWriter {
    let bytesHeldMax: Int
    private var held: [UInt8] = []

    init(bytesHeldMax: Int) {
        self.bytesHeldMax = bytesHeldMax
        signal(SIGPIPE, SIG_IGN)  // a reader that has gone shows as EPIPE
    }

    /// False once nobody reads any more, as after `| head`.
    mutating func write(_ line: [UInt8]) throws -> Bool {
        held.append(contentsOf: line)
        held.append(UInt8(ascii: "\n"))
        return held.count > bytesHeldMax ? try flush() : true
    }

    mutating func flush() throws -> Bool {
        var written = 0
        while written < held.count {
            let count = held.withUnsafeBytes { bytes in
                Foundation.write(STDOUT_FILENO, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EPIPE { return false }
            guard count >= 0 else { throw CommandError("cannot write to standard output: \(errorText())") }
            written += count
        }
        held.removeAll(keepingCapacity: true)
        return true
    }
}
