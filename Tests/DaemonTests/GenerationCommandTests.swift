import Foundation
import TestSupport
import Testing

/// Going back, by the program itself.
@Suite("freshet checkpoint list, verify, restore and diff", .ownThread)
struct GenerationCommandTests {
    private static let often = [
        "engine.deterministic=true", "checkpoint.every-events=200", "checkpoint.every-seconds=1",
        "checkpoint.keep=50", "checkpoint.keep-every-seconds=1",
    ]

    private func run(_ place: DaemonPlace, _ arguments: String...) throws -> (
        ending: Ending, output: String, errors: String
    ) {
        try FreshetBinary.run(["checkpoint"] + arguments + ["--folder", place.stateFolder], in: place.folder)
    }

    private func names(_ place: DaemonPlace) throws -> [String] {
        let (ending, output, errors) = try run(place, "list", "--json")
        guard ending == .exit(0) else { throw TestFailure("list: \(errors)") }
        let lines = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [[String: Any]]
        return try (lines ?? []).map { try ($0["name"] as? String).orThrow("no name in \(output)") }
    }

    /// Learns until there is a generation of before the end, and gives what is learned in the end.
    private func learn(
        _ place: DaemonPlace, _ settings: [String], parts: [[TestRecord]], feed: ([TestRecord]) throws -> Void
    ) throws -> [String: String] {
        try feed(parts[0])
        let daemon = try place.start(settings)
        try daemon.waitUntilApplied(parts[0].count)
        try daemon.waitUntil("a generation is there") { $0["generations.count"] > 0 }
        // Into the log beside it, by its own socket.
        let total = parts[0].count + parts[1].count
        _ = try daemon.tokens(
            parts[1].map { record in
                let fields =
                    try JSONSerialization.jsonObject(with: Data(record.payload)) as? [String: Any] ?? [:]
                return [
                    "RATE", "\(fields["user"] ?? "")", "\(fields["item"] ?? "")", "\(fields["rating"] ?? "")",
                    "TS", "\(fields["ts"] ?? "")",
                ]
            })
        try daemon.waitUntil("all is learned") { $0.positions == [0: total] }
        let learned = Status(try daemon.call("STATUS", "DIGEST")).learned
        let refused = try run(place, "restore", "newest")
        #expect(refused.ending == .exit(75))
        #expect(refused.errors.contains("stop that one"), "\(refused.errors)")
        try daemon.kill()
        return learned
    }

    private func goBack(_ place: DaemonPlace, _ settings: [String], _ learned: [String: String], total: Int)
        throws
    {
        let oldest = try names(place).last.orThrow("no generations")
        let restored = try run(place, "restore", oldest)
        #expect(restored.ending == .exit(0), "\(restored.errors)")
        #expect(try run(place, "diff", oldest).ending == .exit(0), "as the generation is")
        let daemon = try place.start(settings)
        try daemon.waitUntil("all is learned again") { $0.positions == [0: total] }
        #expect(Status(try daemon.call("STATUS", "DIGEST")).learned == learned)
        #expect(try daemon.stop() == .exit(0))
        let differing = try run(place, "diff", oldest, "current")
        #expect(differing.ending == .exit(1))
        #expect(differing.output.contains("position 0") && differing.output.contains("users"))
        #expect(try run(place, "verify", "--all").ending == .exit(0))
    }

    private func parts() -> [[TestRecord]] {
        var draws = Draws(seed: 31)
        let stream = Streams.ratings(users: 30, items: 40).shuffled(using: &draws)
        return [Array(stream[..<700]), Array(stream[700...])]
    }

    @Test("a daemon restored to its oldest generation ends in the same digest, by the embedded log")
    func embedded() throws {
        let (place, parts) = (try DaemonPlace(), parts())
        let learned = try learn(place, Self.often, parts: parts) { try place.fillLog($0) }
        try goBack(place, Self.often, learned, total: parts[0].count + parts[1].count)
    }

    @Test("a daemon restored to its oldest generation ends in the same digest, by Kafka")
    func kafka() throws {
        let (place, parts, host) = (try DaemonPlace(), parts(), try KafkaHost())
        let settings = Self.often + host.settings
        let learned = try learn(place, settings, parts: parts) { try host.produce($0) }
        try goBack(place, settings, learned, total: parts[0].count + parts[1].count)
    }

    @Test("the refusal of a damaged state names the newest whole generation, and its command mends it")
    func damaged() throws {
        let (place, parts) = (try DaemonPlace(), parts())
        let learned = try learn(place, Self.often, parts: parts) { try place.fillLog($0) }
        // As the last bits of a daemon's file would flip: in place, and not by SQLite.
        let settle = try place.start(Self.often)
        try settle.waitUntil("all is learned") { $0.positions == [0: parts[0].count + parts[1].count] }
        #expect(try settle.stop() == .exit(0))
        var bytes = try Data(contentsOf: URL(filePath: place.stateFile))
        let user = Array("u13".utf8)
        // In a page of a table, not of an index.
        let spot = try (0..<bytes.count - 3).first {
            bytes[$0 / 4096 * 4096] == 13 && bytes[$0...].starts(with: user)
        }
        .orThrow("no such user in the file")
        bytes[spot + 1] ^= 4
        try bytes.write(to: URL(filePath: place.stateFile))
        let (ending, errors) = try place.refusal(Self.often)
        #expect(ending == .exit(65))
        let command = try errors.range(of: "freshet checkpoint restore ").orThrow("no command in \(errors)")
        let words = errors[command.upperBound...].split(separator: " ")
        let name = String(words[0])
        #expect(words[1] == "--folder" && words[2].hasPrefix("'\(place.stateFolder)'"), "\(errors)")
        let verified = try run(place, "verify")
        #expect(verified.ending == .exit(65) && verified.output.contains("checksum"), "\(verified.output)")
        let restored = try run(place, "restore", name)
        #expect(restored.ending == .exit(0) && restored.output.contains("state.damaged.sqlite"))
        let daemon = try place.start(Self.often)
        try daemon.waitUntil("all is learned again") { $0.positions == [0: parts[0].count + parts[1].count] }
        #expect(Status(try daemon.call("STATUS", "DIGEST")).learned == learned)
        #expect(try daemon.stop() == .exit(0))
    }
}
