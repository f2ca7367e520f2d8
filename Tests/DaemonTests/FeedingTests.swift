import Foundation
import RESP
import TestSupport
import Testing

/// The commands of the README, one after the other, on a daemon that runs.
@Suite("events from the command line", .serialized, .ownThread)
struct FeedingTests {
    @Test(
        "what freshet simulate writes and freshet feed sends through the socket is learned to the last event")
    func throughSocket() throws {
        let place = try DaemonPlace()
        let (file, count) = try simulated(place.folder)
        let daemon = try place.start()
        let (ending, output, errors) = try FreshetBinary.run(
            ["feed", file, "--socket", place.socket, "--wait"], in: place.folder)
        #expect(ending == .exit(0), "\(errors)")
        #expect(output.contains("look-ups know all of it"), "\(output)")
        #expect(try daemon.status().positions == [0: count])
        #expect(try daemon.status()["events.applied"] == count)
        #expect(try daemon.status()["events.dead-letters"] == 0)
    }

    @Test("freshet feed --to kafka fills the topic that a daemon learns from")
    func throughKafka() throws {
        let host = try KafkaHost(partitions: 3)
        let place = try DaemonPlace()
        let (file, count) = try simulated(place.folder)
        let daemon = try place.start(host.settings)
        let (ending, _, errors) = try FreshetBinary.run(
            ["feed", file, "--to", "kafka", "--brokers", host.kafka.bootstrap, "--topic", host.topic],
            in: place.folder)
        #expect(ending == .exit(0), "\(errors)")
        try daemon.waitUntilApplied(count)
        let status = try daemon.status()
        #expect(status["events.applied"] == count)
        #expect(status.positions.values.reduce(0, +) == count)
        #expect(try daemon.stop() == .exit(0))
    }

    @Test("a feed that finds no daemon ends with 69 and says how to start one")
    func noDaemon() throws {
        let place = try DaemonPlace()
        let (file, _) = try simulated(place.folder)
        let (ending, _, errors) = try FreshetBinary.run(
            ["feed", file, "--socket", place.socket], in: place.folder)
        #expect(ending == .exit(69))
        #expect(errors.contains("freshet serve") && errors.contains(place.socket), "\(errors)")
    }

    private func simulated(_ folder: TestFolder) throws -> (file: String, count: Int) {
        let (ending, output, errors) = try FreshetBinary.run(
            ["simulate", "--events", "1000", "--users", "50", "--items", "40"], in: folder)
        #expect(ending == .exit(0), "\(errors)")
        let file = folder.path("events.jsonl")
        try Data(output.utf8).write(to: URL(filePath: file))
        return (file, output.split(separator: "\n").count)
    }
}
