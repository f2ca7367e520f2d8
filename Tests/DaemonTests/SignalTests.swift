import Foundation
import RESP
import RPC
import TestSupport
import Testing

@Suite("signals", .serialized, .ownThread)
struct SignalTests {
    @Test("HUP, PIPE, USR1 and USR2, at the start and later, end neither the daemon nor what it learns")
    func harmless() throws {
        let place = try DaemonPlace()
        let daemon = try place.launch()
        let harmless = [SIGHUP, SIGPIPE, SIGUSR1, SIGUSR2]
        // From the moment on when the program itself runs and not yet the loader.
        try eventually("the state folder is made") {
            FileManager.default.fileExists(atPath: place.stateFolder + "/lock")
        }
        for signal in harmless { daemon.child.send(signal) }
        try daemon.waitUntilReady()
        _ = try daemon.tokens((0..<200).map { ["RATE", "u\($0 % 20)", "i\($0 % 37)", "4"] })
        for signal in harmless { daemon.child.send(signal) }
        try daemon.waitUntilApplied(200)
        #expect(try daemon.stop() == .exit(0), "\(daemon.errors)")
        let again = try place.start()
        #expect(try again.status()["events.applied"] == 200)
    }

    @Test(
        "after HUP the daemon still stops in order, by each signal that asks for it",
        arguments: [SIGTERM, SIGINT, SIGQUIT])
    func stopsAfterwards(signal: Int32) throws {
        let place = try DaemonPlace()
        let daemon = try place.start(["checkpoint.every-seconds=86400"])
        _ = try daemon.tokens((0..<50).map { ["RATE", "u\($0 % 5)", "i\($0 % 7)", "4"] })
        daemon.child.send(SIGHUP)
        try eventually("it is read again") { daemon.errors.contains("configuration read again") }
        #expect(try daemon.stop(signal) == .exit(0), "\(daemon.errors)")
        #expect(daemon.errors.contains("the state is durable"))
        #expect(try place.start().status()["events.applied"] == 50)
    }

    @Test(
        "with standard error closed, or gone, the daemon goes on, and none of its files takes the log's lines"
    )
    func noStandardError() throws {
        let place = try DaemonPlace()
        for script in ["exec \"$0\" \"$@\" 0<&- 1>&- 2>&-", "exec \"$0\" \"$@\" 2> >(exit)"] {
            let daemon = try place.start(["log.level=debug"], script: script)
            _ = try daemon.tokens((0..<50).map { ["RATE", "u\($0 % 5)", "i\($0 % 7)", "4"] })
            daemon.child.send(SIGHUP)
            #expect(try daemon.call("CHECKPOINT").isError == false)
            #expect(try daemon.stop() == .exit(0))
        }
        #expect(try Data(contentsOf: URL(filePath: place.stateFolder + "/lock")).isEmpty)
        #expect(try place.start().status()["events.applied"] == 100)
    }

    @Test("with nobody reading a full pipe, the daemon learns, answers and stops")
    func fullPipe() throws {
        let place = try DaemonPlace()
        let pipe = place.folder.path("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        // Open for both, so that neither side waits for the other.
        let descriptor = open(pipe, O_RDWR | O_NONBLOCK)
        defer { close(descriptor) }
        // Room for a dozen lines.
        #expect(fcntl(descriptor, 1_031 /* F_SETPIPE_SZ */, 4_096) == 4_096)
        let daemon = try place.start(["log.level=debug"], errorFile: pipe)
        for round in 0..<40 {
            _ = try daemon.tokens((0..<500).map { ["RATE", "u\($0)", "i\(round)", "3"] })
            _ = try daemon.client.call(["CHECKPOINT"])
            daemon.child.send(SIGHUP)
        }
        try daemon.waitUntilApplied(20_000)
        let status = try daemon.status()
        #expect(status["events.applied"] == 20_000)
        #expect(try daemon.stop() == .exit(0))
    }

    @Test(
        "feed and train end in order with SIGHUP as with SIGINT, feed with the signal's number and where to go on",
        arguments: [SIGHUP, SIGINT, SIGTERM])
    func clients(signal: Int32) throws {
        let place = try DaemonPlace()
        let daemon = try place.start()
        let file = place.folder.path("events.jsonl")
        let lines = (0..<20_000).map { #"{"user":"u\#($0 % 50)","item":"i\#($0 % 70)","rating":4}"# }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: file))
        let output = place.folder.path("feed.out")
        let feed = try ChildProcess(
            [FreshetBinary.path(), "feed", file, "--socket", place.socket, "--rate", "500"], output: output)
        try daemon.waitUntilApplied(100)
        feed.send(signal)
        let ending = try feed.wait()
        let said = try FreshetBinary.text(of: output)
        #expect(ending == .exit(128 + signal) && said.contains("go on with \(file):"), "\(said)")

        let train = try ChildProcess(
            [
                FreshetBinary.path(), "train", "--input", file, "--algorithm", "sgd", "--epochs", "100000",
                "--patience", "100000", "--output", place.folder.path("trained.sqlite"),
            ], output: place.folder.path("train.out"))
        try eventually("training begins") {
            train.poll() != nil || FileManager.default.fileExists(atPath: place.folder.path("train.out"))
        }
        usleep(500_000)
        train.send(signal)
        #expect(try train.wait() == .exit(1))
        #expect(!FileManager.default.fileExists(atPath: place.folder.path("trained.sqlite")))
    }

    @Test("under nohup a feed survives the end of its terminal")
    func nohup() throws {
        let place = try DaemonPlace()
        let daemon = try place.start()
        let file = place.folder.path("events.jsonl")
        let lines = (0..<1_000).map { #"{"user":"u\#($0 % 50)","item":"i\#($0 % 70)","rating":4}"# }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: file))
        let feed = try ChildProcess(
            [
                "/usr/bin/nohup", FreshetBinary.path(), "feed", file, "--socket", place.socket, "--rate",
                "500",
            ], output: place.folder.path("feed.out"))
        try daemon.waitUntilApplied(100)
        feed.send(SIGHUP)
        #expect(try feed.wait() == .exit(0))
        try daemon.waitUntilApplied(1_000)
    }
}
