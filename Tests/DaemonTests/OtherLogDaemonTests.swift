import Foundation
import TestSupport
import Testing

@Suite("a log put in another's place", .serialized, .ownThread)
struct OtherLogDaemonTests {
    // A topic deleted and made anew with 520 other events: the daemon, which stood at 120, lost 120 of them unsaid.
    @Test("another embedded log: the daemon ends with 69, or learns all of it when told to, and counts that")
    func embedded() throws {
        let place = try DaemonPlace()
        try place.fillLog((0..<120).map { .rating("u\($0 % 10)", "i\($0 % 7)", 3) })
        let first = try place.start()
        try first.waitUntilApplied(120)
        #expect(try first.stop() == .exit(0))

        try FileManager.default.removeItem(atPath: place.logFile)
        try place.fillLog((0..<520).map { .rating("w\($0 % 40)", "j\($0 % 13)", 4) })
        let (ending, errors) = try place.refusal()
        #expect(ending == .exit(69))
        for words in [
            "not the log that this state was learned from", "source.on-gap: skip", "another state.folder",
        ] {
            #expect(errors.contains(words), "\(errors)")
        }

        let daemon = try place.start(["source.on-gap=skip"])
        try daemon.waitUntilApplied(640)
        let status = try daemon.status()
        #expect(status["events.log-changes"] == 1)
        #expect(status.positions == [0: 520])
        #expect(try daemon.stop() == .exit(0))
        // It is the state's log from now on.
        let again = try place.start()
        #expect(try again.status()["events.applied"] == 640)
        #expect(try again.stop() == .exit(0))
    }

    @Test("the same log goes on, beside a state that an older program wrote too")
    func olderState() throws {
        let place = try DaemonPlace()
        try place.fillLog((0..<30).map { .rating("u\($0 % 10)", "i\($0 % 7)", 3) })
        let first = try place.start()
        try first.waitUntilApplied(30)
        #expect(try first.stop() == .exit(0))
        try runSQL(place.stateFile, "DELETE FROM scalars WHERE name = 'log.memory';" + beforeChecksums)
        try runSQL(place.logFile, "DROP TABLE identity")
        try place.fillLog((0..<5).map { .rating("u\($0)", "i9", 4) })
        let again = try place.start()
        try again.waitUntilApplied(35)
        #expect(try again.stop() == .exit(0))
    }

    // A dead letter larger than the producer may send: no checkpoint was ever written again.
    @Test("one record of a megabyte holds no checkpoint back; its dead letter is cut")
    func bigRecord() throws {
        let host = try KafkaHost()
        let padding = String(repeating: "x", count: 990_000)
        try host.produce([.rating("u1", "i1", 4)])
        try host.produce(
            [TestRecord("big", #"{"user":"big","item":"tea","rating":4,"note":"\#(padding)"}"#)],
            compression: "none")
        let place = try DaemonPlace()
        // The letter is larger than this producer may send, whatever the topic took.
        let daemon = try place.start(host.settings + ["source.kafka.properties.message.max.bytes=500000"])
        try daemon.waitUntil("both are taken") { $0.positions == [0: 2] }
        #expect(try daemon.call("CHECKPOINT").isError == false)
        let status = try daemon.status()
        #expect(status["dead-letters.cut"] == 1)
        #expect(status["dead-letters.dropped"] == 0)
        let letter = try #require(try host.kafka.records(of: host.deadLetterTopic).first)
        #expect(letter.headers["token"] == Array("0:1".utf8))
        #expect(Int(String(decoding: letter.headers["size"] ?? [], as: UTF8.self)) ?? 0 > 990_000)
        #expect(letter.value.count < 500_000)
        #expect(try daemon.stop() == .exit(0))
    }

    private func runSQL(_ path: String, _ sql: String) throws {
        let folder = try TestFolder()
        let output = folder.path("out")
        let child = try ChildProcess(["/usr/bin/sqlite3", path, sql], output: output)
        #expect(try child.wait() == .exit(0))
    }
}
