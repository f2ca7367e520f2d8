import Foundation
import RESP
import TestSupport
import Testing

/// The promise that a kill at any moment costs and doubles no event, kept by the program itself.
///
/// The real stream is ml-latest-small, all of it, through Kafka and through the embedded log.
@Suite("SIGKILL at any moment", .serialized, .ownThread)
struct KillTests {
    /// Checkpoints often, so that the kills fall before, into and after them.
    private static let often = ["checkpoint.every-events=1500", "checkpoint.every-seconds=1"]
    private static let deterministic = often + ["engine.deterministic=true"]

    @Test("20 kills of ml-latest-small through Kafka end in the state of an undisturbed run")
    func movieLensThroughKafka() throws {
        guard let stream = try Streams.movieLens() else { return }
        let undisturbed = try startUndisturbed(stream)
        let learned = try throughKafka(stream, kills: 20, seed: 1)
        #expect(learned["events.applied"] == "integer(100836)")
        // The log is another one, the offsets are the same: so is the state.
        let expected = try self.learned(undisturbed, stream)
        #expect(learned == expected)
    }

    @Test("20 kills of ml-latest-small through the embedded log end in the state of an undisturbed run")
    func movieLensThroughEmbeddedLog() throws {
        guard let stream = try Streams.movieLens() else { return }
        let undisturbed = try startUndisturbed(stream)
        let learned = try throughEmbeddedLog(stream, kills: 20, seed: 2)
        #expect(learned["events.applied"] == "integer(\(stream.count))")
        let expected = try self.learned(undisturbed, stream)
        #expect(learned == expected)
    }

    @Test("kills while histories overflow, users are forgotten and items described leave no trace either")
    func inventedWorld() throws {
        var stream = try Streams.invented(events: 6_000)
        for (number, place) in [1_000, 2_000, 3_500, 5_000].enumerated() {
            stream.insert(TestRecord("u\(number)", #"{"type":"forget","user":"u\#(number)"}"#), at: place)
            stream.insert(TestRecord("u9", "{broken"), at: place + 7)
        }
        let settings = ["engine.history-max=10"]
        let undisturbed = try startUndisturbed(stream, settings)
        let learned = try throughEmbeddedLog(stream, kills: 8, seed: 3, settings)
        #expect(learned["events.dead-letters"] == "integer(4)")
        #expect(learned["events.dropped"] != "integer(0)")
        let expected = try self.learned(undisturbed, stream)
        #expect(learned == expected)
    }

    @Test(
        "a better model is promoted at the same event in a run with kills as in one without, and PROMOTE holds"
    )
    func promotions() throws {
        var stream = Streams.groups(events: 24_000)
        stream.insert(TestRecord("promote", #"{"type":"promote","model":"nobody"}"#), at: 900)
        let settings = ["default-model=best", "models={popular: {learner: popular}, likes: {learner: bpr}}"]
        let undisturbed = try startUndisturbed(stream, settings)
        let learned = try throughEmbeddedLog(stream, kills: 8, seed: 6, settings)
        #expect(learned["default-model.name"] == "\(RESPValue.text("likes"))")
        #expect(learned["default-model.promotions"] == "integer(1)")
        #expect(learned["events.dead-letters"] == "integer(1)")
        let expected = try self.learned(undisturbed, stream)
        #expect(learned == expected)
    }

    @Test(
        "kills of a daemon whose users hardly fit into memory end in the state of an undisturbed one that has no limit"
    )
    func memoryLimit() throws {
        var stream = try Streams.invented(events: 6_000)
        for (number, place) in [1_500, 3_000, 4_500].enumerated() {
            stream.insert(TestRecord("u\(number)", #"{"type":"forget","user":"u\#(number)"}"#), at: place)
        }
        let undisturbed = try startUndisturbed(stream)
        // The users of two batches stay, however low the limit is.
        let settings = ["memory.limit=1", "engine.batch-events-max=16"]
        let learned = try throughEmbeddedLog(stream, kills: 6, seed: 6, settings)
        let expected = try self.learned(undisturbed, stream)
        #expect(learned == expected)
    }

    @Test("with two shards, 5 kills leave exact counts and a file in which nothing is wrong")
    func twoShards() throws {
        let users = 40, items = 150
        var draws = Draws(seed: 5)
        let stream = Streams.ratings(users: users, items: items).shuffled(using: &draws)
        let place = try DaemonPlace()
        try place.fillLog(stream)
        let settings = ["engine.shards=2", "checkpoint.every-events=500", "checkpoint.every-seconds=1"]
        let daemon = try kill(place, settings, total: stream.count, kills: 5, seed: 4)
        try daemon.waitUntil("the stream is learned") { $0.positions == [0: stream.count] }
        let status = try daemon.status()
        #expect(status["events.applied"] == stream.count)
        #expect(status["model.stars.updates"] == stream.count)
        #expect(status["users.count"] == users)
        #expect(status["items.count"] == items)
        // Learned is not yet shown, on a busy machine.
        _ = try daemon.call(
            "RECOMMEND", "u0", "COUNT", "1", "AFTER", "0:\(stream.count - 1)", "TIMEOUT", "30000")
        let popularity = try (0..<items).map { try daemon.call("ITEM.GET", "i\($0)")["users"] }
        #expect(popularity == Array(repeating: .integer(Int64(users)), count: items))
        #expect(try daemon.stop() == .exit(0))
        let (ending, output, errors) = try FreshetBinary.run(
            ["checkpoint", "verify", place.stateFile], in: place.folder)
        #expect(ending == .exit(0), "\(output) \(errors)")
    }

    // MARK: - Runs

    private func throughKafka(_ stream: [TestRecord], kills: Int, seed: UInt64) throws -> [String: String] {
        let host = try KafkaHost()
        try host.produce(stream)
        let settings = Self.deterministic + host.settings
        return try learned(
            kill(DaemonPlace(), settings, total: stream.count, kills: kills, seed: seed), stream)
    }

    private func throughEmbeddedLog(
        _ stream: [TestRecord], kills: Int, seed: UInt64, _ settings: [String] = []
    ) throws -> [String: String] {
        let place = try DaemonPlace()
        try place.fillLog(stream)
        let daemon = try kill(
            place, Self.deterministic + settings, total: stream.count, kills: kills, seed: seed)
        return try learned(daemon, stream)
    }

    /// Learns beside the one that is killed.
    private func startUndisturbed(_ stream: [TestRecord], _ settings: [String] = []) throws -> DaemonProcess {
        let place = try DaemonPlace()
        try place.fillLog(stream)
        return try place.start(["engine.deterministic=true"] + settings)
    }

    /// Kills the daemon at random moments all along the stream, and gives the one that is left.
    private func kill(
        _ place: DaemonPlace, _ settings: [String], total: Int, kills: Int, seed: UInt64
    ) throws -> DaemonProcess {
        var draws = Draws(seed: seed)
        let moments = (0..<kills).map { _ in Int.random(in: 0..<total * 95 / 100, using: &draws) }.sorted()
        for moment in moments {
            let daemon = try place.start(settings)
            try daemon.waitUntil("\(moment) events are applied", seconds: 120) {
                $0["events.applied"] >= moment
            }
            usleep(UInt32.random(in: 0..<40_000, using: &draws))
            try daemon.kill()
        }
        return try place.start(settings)
    }

    /// What the daemon stands at once it has learned the whole stream.
    private func learned(_ daemon: DaemonProcess, _ stream: [TestRecord]) throws -> [String: String] {
        try daemon.waitUntil("the stream is learned", seconds: 240) { $0.positions == [0: stream.count] }
        return Status(try daemon.call("STATUS", "DIGEST")).learned
    }
}
