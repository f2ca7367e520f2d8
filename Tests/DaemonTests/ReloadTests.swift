import Foundation
import RESP
import RPC
import TestSupport
import Testing

@Suite("a configuration read again with SIGHUP", .serialized, .ownThread)
struct ReloadTests {
    private let place: DaemonPlace
    private let file: String

    init() throws {
        place = try DaemonPlace()
        file = place.folder.path("freshet.yaml")
    }

    private func write(_ yaml: String) throws {
        try yaml.write(toFile: file, atomically: true, encoding: .utf8)
    }

    /// Signals, and returns once the log has said `words` once more.
    private func reload(_ daemon: DaemonProcess, until words: String = "configuration read again") throws {
        let before = count(words, daemon)
        daemon.child.send(SIGHUP)
        try eventually("'\(words)' is logged: \(daemon.errors)") { count(words, daemon) > before }
    }

    private func count(_ words: String, _ daemon: DaemonProcess) -> Int {
        daemon.errors.components(separatedBy: words).count - 1
    }

    @Test("limits, intervals and the log's level change at once; what needs a restart is named")
    func applied() throws {
        try write("log: {level: notice}\nengine: {items-max: 3}\ncheckpoint: {every-seconds: 86400}")
        let daemon = try place.start(file: file)
        _ = try daemon.tokens((0..<10).map { ["RATE", "u\($0)", "i\($0)", "4"] })
        try daemon.waitUntilApplied(3)
        try daemon.waitUntil("the bound holds") { $0["events.refused"] == 7 }
        #expect(try daemon.status()["items.count"] == 3)
        #expect(!daemon.errors.contains("checkpoint written"))

        try write(
            """
            log: {level: debug}
            engine: {items-max: 0, shards: 7, history-max: 2}
            checkpoint: {every-seconds: 1}
            score: {window-events: 500}
            rpc: {connections-max: 77, total-bytes-max: 7777777, client-bytes-max: 3333333, answer-timeout-s: 9}
            source: {dead-letter-wait-s: 5}
            """)
        try reload(daemon)
        for words in [
            "key=log.level new=debug old=notice", "key=engine.items-max new=0 old=3",
            "key=engine.shards new=7 old=1", "key=rpc.connections-max new=77 old=1024",
            "takes effect with a restart alone", "changed=10 need-restart=1",
        ] {
            #expect(daemon.errors.contains(words), "\(words): \(daemon.errors)")
        }
        _ = try daemon.tokens((0..<10).map { ["RATE", "u1", "i\($0)", "5"] })
        // Items are counted as they come, before what was said of them is learned.
        try daemon.waitUntil("new items are taken") { $0["items.count"] == 10 && $0["events.in-memory"] == 0 }
        // By the timer that had a day to go.
        try daemon.waitUntil("a checkpoint is written") { $0["checkpoint.written"] > 0 }
        #expect(try daemon.status()["rpc.connections.max"] == 77)
        #expect(try daemon.status()["rpc.held-bytes.max"] == 7_777_777)
        guard case .map(let user) = try daemon.call("USER.GET", "u1") else { throw TestFailure("no user") }
        #expect(user.first { $0.0.string == "seen" }?.1 == .integer(2), "history-max: \(user)")
        #expect(try daemon.stop() == .exit(0))
    }

    @Test("--set still overrules the file that was changed")
    func precedence() throws {
        try write("engine: {users-max: 5}\nlog: {level: info}")
        let daemon = try place.start(["engine.users-max=9"], file: file)
        try write("engine: {users-max: 6}\nlog: {level: notice}")
        try reload(daemon)
        #expect(!daemon.errors.contains("engine.users-max"), "\(daemon.errors)")
        #expect(daemon.errors.contains("key=log.level new=notice old=info"))
    }

    @Test(
        "a wrong configuration changes nothing, and is told with key, value and what is allowed",
        arguments: ["log: {level: loud}\nengine: {items-max: 7}", "log: [", "nonsense: 1", ""])
    func wrong(yaml: String) throws {
        try write("log: {level: info}\nengine: {items-max: 3}")
        let daemon = try place.start(file: file)
        if yaml.isEmpty { try FileManager.default.removeItem(atPath: file) } else { try write(yaml) }
        try reload(daemon, until: "nothing is changed")
        if yaml.contains("loud") {
            for words in ["log.level", "loud", "allowed is trace, debug"] {
                #expect(daemon.errors.contains(words), "\(daemon.errors)")
            }
        }
        _ = try daemon.tokens((0..<10).map { ["RATE", "u\($0)", "i\($0)", "4"] })
        try daemon.waitUntil("the old bound holds") { $0["events.refused"] == 7 }
        #expect(try daemon.stop() == .exit(0))
    }

    @Test("a new password holds for new connections, and is not shown")
    func password() throws {
        try write("rpc: {password: old-secret}")
        let daemon = try place.launch(file: file)
        try eventually("it listens") { daemon.errors.contains(" ready") }
        let before = try RPCClient(socketPath: place.socket, password: "old-secret")
        try write("rpc: {password: new-secret}")
        try reload(daemon)
        #expect(try before.call(["PING"]) == .simple("PONG"))
        _ = try RPCClient(socketPath: place.socket, password: "new-secret").call(["PING"])
        let refused = Result {
            try RPCClient(socketPath: place.socket, password: "old-secret").call(["STATUS"])
        }
        switch refused {
        case .success(let answer): #expect(answer.isError)
        case .failure: break
        }
        #expect(!daemon.errors.contains("-secret"), "\(daemon.errors)")
    }

    @Test("on-gap changes while events come, and the digest of what is learned does not")
    func underLoad() throws {
        let stream = Streams.ratings(users: 60, items: 50)
        try place.fillLog(stream)
        let settings = ["engine.deterministic=true"]
        let undisturbed = try DaemonPlace()
        try undisturbed.fillLog(stream)
        let plain = try undisturbed.start(settings)
        try plain.waitUntilApplied(stream.count)
        let digest = try plain.call("STATUS", "DIGEST")["digest"]

        try write("source: {on-gap: fail}\nengine: {batch-events-max: 8192}")
        let daemon = try place.start(settings, file: file)
        for round in 0..<10 {
            try write(
                "source: {on-gap: \(round % 2 == 0 ? "skip" : "fail")}\nengine: {batch-events-max: \(100 + round)}"
            )
            daemon.child.send(SIGHUP)
            usleep(20_000)
        }
        try daemon.waitUntilApplied(stream.count)
        #expect(try daemon.call("STATUS", "DIGEST")["digest"] == digest)
        try eventually("it was read again") { daemon.errors.contains("configuration read again") }
    }
}
