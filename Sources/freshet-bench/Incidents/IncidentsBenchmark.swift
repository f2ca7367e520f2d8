internal import ArgumentParser
internal import BenchmarkSupport
internal import Events
internal import Foundation
internal import RESP

/// Look-ups while something else is under way in the daemon, or goes wrong around it.
struct IncidentsBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "incidents",
        abstract: "Look-ups through checkpoints, copies, an outage of the broker and a full disk.",
        discussion: """
            A daemon of its own with the default models is asked by one client, without a pause between two look-ups: at \
            rest, fed, while one checkpoint follows the other, and while a copy of its state is made every second; then \
            another one on Kafka whose broker says nothing for some seconds, and then is gone. Each line is held against \
            the same daemon at rest; an answer that is an error ends the run. With --small-disk it says what a full disk \
            does, too: that file system is filled and emptied again.

            EXAMPLES
              freshet-bench incidents
              mount -t tmpfs -o size=600m none /mnt/small && freshet-bench incidents --small-disk /mnt/small
            """)

    @Option(help: "Events a second, where the daemon is fed.") var rate = 2_000
    @Option(help: "Items of the catalogue.") var items = 20_000
    @Option(help: "Seconds that each line takes.") var seconds = 5.0
    @Option(help: "A folder on a file system that may be filled; without it no disk is.") var smallDisk:
        String?
    @Option(help: "The daemon's program; beside this one where absent.") var daemon: String?
    @Option(name: .customLong("set"), help: "key=value of the daemon's configuration; may be repeated.")
    var settings: [String] = []

    func validate() throws {
        guard rate > 0, items > 0, seconds > 0 else { throw ValidationError("numbers must be above 0") }
    }

    func run() throws {
        print(LookupResult.header)
        try measureOwnLog()
        try measureCopies()
        try measureKafka()
        guard let smallDisk else { return print("disk full: not tried, for want of --small-disk") }
        try measureFullDisk(smallDisk)
    }

    private func measureOwnLog() throws {
        // The second is never due: each that is made was asked for.
        let measured = try start(["checkpoint.every-seconds=86400", "checkpoint.keep-every-seconds=86400"])
        defer { measured.stop() }
        let lines = IncidentLines(measured, seconds: seconds)
        try lines.measure("at rest")
        let load = try measured.startLearning(rate: rate, seconds: 3 * seconds + 5)
        defer { load.stop() }
        try lines.measure("fed", learning: rate)
        let checkpoints = try lines.measure("fed, checkpoints", learning: rate) { client in
            if case .error(let words) = try client.call(["CHECKPOINT"]) { throw BenchmarkFailure(words) }
            return true
        }
        print("  \(checkpoints) checkpoints meanwhile")
    }

    private func measureCopies() throws {
        let measured = try start(["checkpoint.every-seconds=1", "checkpoint.keep-every-seconds=1"])
        defer { measured.stop() }
        let lines = IncidentLines(measured, seconds: seconds)
        // Nothing new, so no copy is made.
        try lines.measure("at rest")
        let load = try measured.startLearning(rate: rate, seconds: 2 * seconds + 5)
        defer { load.stop() }
        try lines.measure("fed, copies", learning: rate)
        print("  \(measured.generations) generations in the folder")
    }

    private func measureFullDisk(_ folder: String) throws {
        let measured = try start(["checkpoint.every-seconds=1"], in: folder)
        defer { measured.stop() }
        let lines = IncidentLines(measured, seconds: seconds)
        try lines.measure("at rest")
        let disk = try FullDisk(folder)
        defer { disk.empty() }
        try disk.fill()
        // Files have room of their own, for some megabytes.
        let events = (1...1_000).map { #"{"user":"u\#($0)","item":"i\#($0)","rating":5}"# }
        let refused = try lines.measure("disk full") { client in
            guard case .array(let answers) = try client.call(["FEED"] + events) else { return true }
            guard case .error = answers.last else { return false }
            Thread.sleep(forTimeInterval: 0.01)
            return true
        }
        // Else it was not full.
        guard refused > 0 else { throw BenchmarkFailure("no event was refused on a full disk") }
        disk.empty()
        let client = try RPCClient(socketPath: measured.socketPath)
        let deadline = ContinuousClock.now + .seconds(60)
        while case .error(let words) = try client.call(["RATE", "u1", "i1", "4"]) {
            guard ContinuousClock.now < deadline else {
                throw BenchmarkFailure("60 s after there was room again events are refused: \(words)")
            }
            Thread.sleep(forTimeInterval: 0.1)
        }
        print("  \(refused) batches of events refused meanwhile; taken again once there was room")
    }

    private func measureKafka() throws {
        let topic = try MeasuredTopic(brokers: nil, partitions: 4)
        var isOpen = true
        defer { if isOpen { topic.close() } }
        let measured = try start([
            "source.kind=kafka", "source.kafka.brokers=\(topic.brokers)", "source.kafka.topic=\(topic.name)",
            "source.kafka.group=\(topic.name)",
        ])
        defer { measured.stop() }
        let lines = IncidentLines(measured, seconds: seconds)
        try lines.measure("Kafka, at rest")
        topic.silence(true)
        try lines.measure("broker silent")
        topic.silence(false)
        topic.close()
        isOpen = false
        try lines.measure("broker gone")
    }

    private func start(_ own: [String], in folder: String? = nil) throws -> MeasuredDaemon {
        try MeasuredDaemon(
            program: program, items: items, factors: 64, seen: 50, settings: own + settings, in: folder)
    }

    private var program: String {
        let own = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        return daemon ?? own.deletingLastPathComponent().appendingPathComponent("freshet").path
    }
}
