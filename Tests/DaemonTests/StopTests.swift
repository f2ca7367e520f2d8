import Foundation
import RESP
import TestSupport
import Testing

@Suite("asked to stop", .serialized, .ownThread)
struct StopTests {
    @Test(
        "SIGTERM and SIGINT end with 0, and the next start has the same digest", arguments: [SIGTERM, SIGINT])
    func stop(signal: Int32) throws {
        let place = try DaemonPlace()
        // No checkpoint but the last one.
        let settings = ["checkpoint.every-seconds=86400", "checkpoint.every-events=1000000000"]
        let daemon = try place.start(settings)
        _ = try daemon.tokens(
            (0..<500).map { ["RATE", "u\($0 % 20)", "i\($0 % 37)", "\(1 + $0 % 5)"] })
        try daemon.waitUntilApplied(500)
        let before = Status(try daemon.call("STATUS", "DIGEST")).learned
        #expect(try daemon.stop(signal) == .exit(0), "\(daemon.errors)")
        #expect(!FileManager.default.fileExists(atPath: place.socket))
        #expect(daemon.errors.contains("the state is durable"))
        // A state at rest is one file, which can be copied as it is.
        #expect(!FileManager.default.fileExists(atPath: place.stateFile + "-wal"))

        let again = try place.start(settings)
        #expect(Status(try again.call("STATUS", "DIGEST")).learned == before)
    }

    @Test("SIGTERM in the midst of a heavy feed loses no event that got a token")
    func stopWhileFed() throws {
        let place = try DaemonPlace()
        let daemon = try place.start(["engine.shards=2"])
        let client = try daemon.client
        var acknowledged = 0
        feeding: for round in 0..<10_000 {
            if round == 20 { daemon.child.send(SIGTERM) }
            do {
                for number in 0..<100 {
                    try client.send(["RATE", "u\(number)", "i\(round % 50)", "\(1 + round % 5)"])
                }
                for _ in 0..<100 {
                    // An event refused while stopping is the feeder's to repeat.
                    if try client.receive().string != nil { acknowledged += 1 }
                }
            } catch {
                break feeding
            }
        }
        #expect(try daemon.child.wait() == .exit(0), "\(daemon.errors)")
        #expect(acknowledged >= 2_000)

        let again = try place.start(["engine.shards=2"])
        try again.waitUntil("the log is learned") { $0["lag.total"] == 0 }
        let status = try again.status()
        #expect(status["events.applied"] >= acknowledged)
        #expect(status.positions == [0: status["events.applied"]])
    }
}
