import Foundation
import RESP
import TestSupport
import Testing

/// Answers as of a place of the log, given by the program itself.
@Suite("serve --as-of", .serialized, .ownThread)
struct AsOfTests {
    private static let settings = ["engine.deterministic=true"]

    @Test("replayed from the log's start, the state is the one that a daemon had there, and nothing changes")
    func replayed() throws {
        let stream = try Streams.invented(events: 2_000)
        let expected = try there(stream, 1_500)
        // The daemon has gone on, and still runs.
        let place = try DaemonPlace()
        try place.fillLog(stream)
        let daemon = try place.start(Self.settings)
        try daemon.waitUntil("the stream is learned") { $0.positions == [0: stream.count] }
        #expect(try daemon.call("CHECKPOINT").isError == false)

        let past = try asOf("0:1499", place)
        #expect(try learned(past) == expected)
        let refused = try past.call("RATE", "u1", "i1", "5")
        #expect(refused.isError && "\(refused)".contains("the past takes no events"), "\(refused)")
        #expect(try past.call("RECOMMEND", "u1").isError == false)
        #expect(try past.stop() == .exit(0))

        #expect(try daemon.status().positions == [0: stream.count])
        #expect(try daemon.token("RATE", "u1", "i1", "5") == "0:\(stream.count)")
        #expect(try daemon.stop() == .exit(0))
        let files = try FileManager.default.contentsOfDirectory(atPath: place.stateFolder)
        #expect(
            files.filter { !$0.hasPrefix("log.sqlite-") }.sorted() == [
                "curves.json", "lock", "log.sqlite", "state.sqlite",
            ])
    }

    @Test("a checkpoint that is old enough is gone on from, and stays as it is")
    func restored() throws {
        let stream = try Streams.invented(events: 2_000)
        let expected = try there(stream, 1_500)
        let place = try DaemonPlace()
        try place.fillLog(Array(stream.prefix(900)))
        let daemon = try place.start(Self.settings)
        try daemon.waitUntil("what is there is learned") { $0.positions == [0: 900] }
        #expect(try daemon.stop() == .exit(0))
        try place.fillLog(Array(stream.dropFirst(900)))
        let before = try Data(contentsOf: URL(filePath: place.stateFile))

        let past = try asOf("0:1499", place)
        #expect(past.errors.contains("restored a checkpoint"))
        #expect(try learned(past) == expected)
        #expect(try past.stop() == .exit(0))
        #expect(try Data(contentsOf: URL(filePath: place.stateFile)) == before)
    }

    @Test("a time is taken as the log tells it")
    func time() throws {
        let stream = try Streams.invented(events: 300)
        let place = try DaemonPlace()
        try place.fillLog(stream)
        // All records of this log came at once.
        let past = try asOf("1700000000000", place)
        #expect(try past.status().positions == [0: stream.count])
        #expect(try past.stop() == .exit(0))
        let before = try asOf("1699999999999", place)
        #expect(try before.status()["events.applied"] == 0)
        #expect(try before.stop() == .exit(0))
    }

    @Test("what the log does not hold is refused with what it holds")
    func refused() throws {
        let stream = try Streams.invented(events: 300)
        let place = try DaemonPlace()
        try place.fillLog(stream)
        func refusal(_ moment: String, _ settings: [String] = []) throws -> (Ending, String) {
            let past = try launch(moment, place, settings)
            return (try past.child.wait(), past.errors)
        }
        let (late, lateWords) = try refusal("0:99999")
        #expect(late != .exit(0) && lateWords.contains("it holds 0 to \(stream.count)"), "\(lateWords)")
        let (other, otherWords) = try refusal("3:5")
        #expect(other != .exit(0) && otherWords.contains("name a token of each"), "\(otherWords)")

        // The log keeps the last hundred events behind the checkpoint.
        let daemon = try place.start(["source.embedded.retain-events=100"])
        try daemon.waitUntil("the stream is learned") { $0.positions == [0: stream.count] }
        #expect(try daemon.call("CHECKPOINT").isError == false)
        #expect(try daemon.stop() == .exit(0))
        let (gone, goneWords) = try refusal("0:\(stream.count - 50)")
        #expect(gone == .exit(69) && goneWords.contains("all is wanted from offset 0 on"), "\(goneWords)")
        // Its end is where the checkpoint stands: nothing more is needed.
        let past = try asOf("0:\(stream.count - 1)", place)
        #expect(try past.status()["events.applied"] == stream.count)
        #expect(try past.stop() == .exit(0))
    }

    @Test("evaluate reads the log up to there")
    func evaluated() throws {
        let stream = try Streams.invented(events: 1_000)
        let place = try DaemonPlace()
        try place.fillLog(stream)
        func events(_ arguments: [String]) throws -> String {
            let (ending, output, errors) = try FreshetBinary.run(
                [
                    "evaluate", "--from-log", "--set", "state.folder=\(place.stateFolder)", "--protocol",
                    "prequential", "--algorithm", "popular", "--bootstrap", "10",
                ] + arguments, in: place.folder)
            #expect(ending == .exit(0), "\(errors)")
            let line = try output.split(separator: "\n").first { $0.hasPrefix("events ") }.orThrow(output)
            return String(line.split(separator: " ")[1])
        }
        #expect(try events([]) == "1,000")
        // The first 200 records describe items.
        #expect(try events(["--as-of", "0:699"]) == "500")
    }

    // MARK: - Runs

    /// What a daemon stands at that has never seen more.
    private func there(_ stream: [TestRecord], _ count: Int) throws -> [String: String] {
        let place = try DaemonPlace()
        try place.fillLog(Array(stream.prefix(count)))
        let daemon = try place.start(Self.settings)
        try daemon.waitUntil("the beginning is learned") { $0.positions == [0: count] }
        let learned = try learned(daemon)
        #expect(try daemon.stop() == .exit(0))
        return learned
    }

    private func learned(_ daemon: DaemonProcess) throws -> [String: String] {
        Status(try daemon.call("STATUS", "DIGEST")).learned
    }

    private func launch(
        _ moment: String, _ place: DaemonPlace, _ settings: [String]
    ) throws -> DaemonProcess {
        let past = try DaemonPlace(stateFolder: place.stateFolder)
        return try past.launch(
            settings, script: #"exec "$0" "$@" --as-of \#(moment) --socket \#(past.socket)"#)
    }

    private func asOf(_ moment: String, _ place: DaemonPlace) throws -> DaemonProcess {
        let past = try launch(moment, place, Self.settings)
        try past.waitUntilReady()
        return past
    }
}
