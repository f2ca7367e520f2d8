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

    @Test(
        "lines that this command's configuration does not know, and the daemon's may, are passed over with a word on that"
    )
    func whoseConfiguration() throws {
        let place = try DaemonPlace()
        let file = place.folder.path("basket.jsonl")
        try Data((#"{"type":"signal","user":"u","item":"i","signal":"purchase"}"# + "\n").utf8)
            .write(to: URL(filePath: file))
        let daemon = try place.start(["events.signals={purchase: 1}"])
        let command = ["feed", file, "--socket", place.socket]
        let refused = try FreshetBinary.run(command, in: place.folder)
        #expect(refused.ending == .exit(65))
        #expect(refused.errors.contains("not by the daemon's"), "\(refused.errors)")
        let told = try FreshetBinary.run(
            command + ["--set", "events.signals={purchase: 1}"], in: place.folder)
        #expect(told.ending == .exit(0) && !told.errors.contains("daemon's"), "\(told.errors)")
        try daemon.waitUntilApplied(1)
    }

    @Test("what comes before the bad line that ends a strict feed is in the log and counted; it is named")
    func strict() throws {
        let place = try DaemonPlace()
        let file = try lines(3_000, then: "broken\n", place)
        let daemon = try place.start()
        let (ending, output, errors) = try FreshetBinary.run(
            ["feed", file, "--strict", "--socket", place.socket], in: place.folder)
        #expect(ending == .exit(65))
        #expect(output.contains("fed 3,000 events"), "\(output)")
        #expect(errors.contains("go on with \(file):3001"), "\(errors)")
        try daemon.waitUntilApplied(3_000)
        #expect(try daemon.status().positions == [0: 3_000])
    }

    @Test(
        "one signal ends a feed into a topic whose broker is away, with what is not known and where to go on",
        arguments: [SIGHUP, SIGINT, SIGTERM])
    func noBroker(signal: Int32) throws {
        let place = try DaemonPlace()
        let (file, pipe) = (try lines(3_000, place), try NamedPipe(in: place))
        let output = place.folder.path("feed.out")
        let feed = try ChildProcess(
            [
                FreshetBinary.path(), "feed", file, pipe.path, "--format", "jsonl", "--to", "kafka",
                "--brokers", "127.0.0.1:1", "--topic", "events",
            ], output: output)
        // By then it hears signals; and what is read of the pipe comes behind all of the file.
        try pipe.open()
        try pipe.write(Self.line)
        try eventually("feed has come to the pipe") { pipe.unread == 0 }
        feed.send(signal)
        // Librdkafka gives records up after half a minute.
        #expect(try feed.wait(seconds: 20) == .exit(128 + signal))
        let said = try FreshetBinary.text(of: output)
        #expect(said.contains("fed 0 events") && said.contains("without an answer"), "\(said)")
        #expect(said.contains("go on with \(file):1\n"), "\(said)")
        try pipe.close()
    }

    @Test("one signal ends a feed whose daemon does not answer", arguments: [SIGINT, SIGTERM])
    func noAnswer(signal: Int32) throws {
        let place = try DaemonPlace()
        let daemon = try place.start()
        let (file, pipe) = (try lines(3_000, place), try NamedPipe(in: place))
        let output = place.folder.path("feed.out")
        let feed = try ChildProcess(
            [
                FreshetBinary.path(), "feed", file, pipe.path, "--format", "jsonl", "--socket", place.socket,
            ], output: output)
        try pipe.open()
        daemon.child.send(SIGSTOP)
        defer { daemon.child.send(SIGCONT) }
        try pipe.write(Self.line)
        try eventually("feed has come to the pipe") { pipe.unread == 0 }
        feed.send(signal)
        // The client of the socket waits half a minute.
        #expect(try feed.wait(seconds: 20) == .exit(128 + signal))
        let said = try FreshetBinary.text(of: output)
        #expect(said.contains("interrupted: go on with \(place.folder.path)/"), "\(said)")
        try pipe.close()
    }

    @Test("an interruption is the ordinary end of a feed from standard input", arguments: [SIGINT, SIGTERM])
    func standardInput(signal: Int32) throws {
        let place = try DaemonPlace()
        let daemon = try place.start()
        let (pipe, output) = (try NamedPipe(in: place), place.folder.path("feed.out"))
        let script = "exec \"$0\" feed - --socket \"$1\" < \"$2\""
        let feed = try ChildProcess(
            ["/bin/sh", "-c", script, FreshetBinary.path(), place.socket, pipe.path], output: output)
        try pipe.open()
        try pipe.write(Self.line)
        try daemon.waitUntilApplied(1)
        feed.send(signal)
        #expect(try feed.wait() == .exit(0))
        let said = try FreshetBinary.text(of: output)
        #expect(said.contains("fed 1 events") && !said.contains("go on with"), "\(said)")
        try pipe.close()
    }

    private static let line = "{\"user\":\"u\",\"item\":\"i\",\"rating\":4}\n"

    /// A file of so many events, and what comes behind them.
    private func lines(_ count: Int, then rest: String = "", _ place: DaemonPlace) throws -> String {
        let path = place.folder.path("events.jsonl")
        let text = String(repeating: Self.line, count: count) + rest
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
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

/// A pipe with the name of a file.
private final class NamedPipe {
    let path: String
    private var handle: FileHandle?

    init(in place: DaemonPlace) throws {
        path = place.folder.path("pipe.jsonl")
        guard mkfifo(path, 0o600) == 0 else { throw TestFailure("no FIFO at \(path)") }
    }

    /// Returns once somebody reads from it.
    func open() throws { handle = try FileHandle(forWritingTo: URL(filePath: path)) }

    func write(_ text: String) throws { try handle?.write(contentsOf: Data(text.utf8)) }

    func close() throws { try handle?.close() }

    /// Bytes in it that nobody has read yet; -1 where it is not open.
    var unread: CInt {
        guard let handle else { return -1 }
        var count: CInt = -1
        guard ioctl(handle.fileDescriptor, UInt(FIONREAD), &count) == 0 else { return -1 }
        return count
    }
}
