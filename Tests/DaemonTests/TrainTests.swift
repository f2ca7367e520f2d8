import Events
import Foundation
import GRDB
import RESP
import Settings
import TestSupport
import Testing

/// `freshet train` and the daemon that goes on from what it wrote, as processes.
@Suite("training, then serving", .serialized, .ownThread)
struct TrainTests {
    /// Users and items of two kinds: like likes like. Known of each user are two fifths of either kind, others for each,
    /// in an order of time that is not that of the lines.
    static let (users, items) = (40, 60)

    static func isKnown(_ user: Int, _ item: Int) -> Bool {
        // SplitMix64's finaliser: who knows what must follow no pattern that could be learned instead.
        var z = UInt64(user * 1_000 + item + 1) &* 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return (z ^ (z >> 31)) % 5 < 2
    }
    static func rating(_ user: Int, _ item: Int) -> Int { user % 2 == item % 2 ? 5 : 1 }

    static let lines: [String] = {
        var lines = (0..<items).map { #"{"type":"item","item":"i\#($0)","title":"Item \#($0)"}"# }
        for user in 0..<users {
            for item in 0..<items where isKnown(user, item) {
                let time = 1_700_000_000_000 + (item * 37 + user * 11) % 1_000
                lines.append(
                    #"{"user":"u\#(user)","item":"i\#(item)","rating":\#(rating(user, item)),"ts":\#(time)}"#)
            }
        }
        return lines
    }()

    static let learners = ModelSettings.Learner.allCases.map(\.rawValue)

    /// Large steps, for this world is small and these tests are not optimized.
    private static func quickly(_ learner: String) -> [String] {
        let rates = ["sgd": 0.1, "bpr": 0.1, "warp": 0.02]
        guard let rate = rates[learner] else { return [] }
        return ["--batch", "\(learner).learning-rate=\(rate)", "--epochs", "40", "--patience", "40"]
    }

    private func train(
        _ place: DaemonPlace, _ arguments: [String], output: String? = nil
    ) throws -> (ending: Ending, output: String, errors: String) {
        try FreshetBinary.run(
            ["train", "--factors", "16", "--output", output ?? place.stateFile] + arguments, in: place.folder)
    }

    private func write(_ lines: [String], _ place: DaemonPlace) throws -> String {
        let file = place.folder.path("events.jsonl")
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: file))
        return file
    }

    private func requireSound(_ place: DaemonPlace) throws {
        let verify = try FreshetBinary.run(["checkpoint", "verify", place.stateFile], in: place.folder)
        #expect(verify.ending == .exit(0), "\(verify.output)\(verify.errors)")
    }

    private func recommended(_ daemon: DaemonProcess, _ user: Int, _ more: [String] = []) throws -> [String] {
        let answer = try daemon.client.call(["RECOMMEND", "u\(user)", "COUNT", "10"] + more)
        guard case .array(let items) = answer else {
            throw TestFailure("RECOMMEND was answered by \(answer)")
        }
        return items.compactMap(\.string)
    }

    @Test(
        "a state trained from a file answers right at once, learns on, and survives a restart",
        arguments: learners)
    func fromFile(_ learner: String) throws {
        let place = try DaemonPlace()
        let file = try write(Self.lines, place)
        let trained = try train(place, ["--input", file, "--algorithm", learner] + Self.quickly(learner))
        #expect(trained.ending == .exit(0), "\(trained.errors)")
        try requireSound(place)
        // Deterministic, so that no work in idle time comes between the digest and the stop.
        let settings = [
            "models={\(learner): {learner: \(learner)}}", "default-model=\(learner)",
            "engine.deterministic=true",
        ]
        let daemon = try place.start(settings)
        if !Self.counters.contains(learner) { try expectOwnKind(daemon, learner) }
        #expect(try daemon.status()["events.applied"] == Self.lines.count)

        // u0 turns from one kind to the other: what is learned live moves the list of the trained state.
        let before = try recommended(daemon, 0)
        var last = ""
        for item in 0..<Self.items - 8 where Self.isKnown(0, item) == (item % 2 == 0) {
            for _ in 0..<3 { last = try daemon.token("RATE", "u0", "i\(item)", item % 2 == 0 ? "1" : "5") }
        }
        let after = try recommended(daemon, 0, ["AFTER", last, "TIMEOUT", "30000"])
        #expect(after != before)
        #expect(after.contains { !before.contains($0) })

        let digest = try Status(daemon.call("STATUS", "DIGEST"))
        #expect(try daemon.stop() == .exit(0))
        try requireSound(place)
        let again = try place.start(settings)
        let restored = try Status(again.call("STATUS", "DIGEST"))
        #expect(restored.text("digest") == digest.text("digest"))
        #expect(try recommended(again, 0) == after)
        #expect(try again.stop() == .exit(0))
    }

    /// What they count is no matter of kinds; nor is what a blend has without parts.
    private static let counters: Set = ["popular", "trending", "repeat", "next", "blend"]

    /// Of what a user does not know yet, the user's own kind comes first.
    private func expectOwnKind(_ daemon: DaemonProcess, _ learner: String) throws {
        for user in [1, 12, 39] {
            let list = try recommended(daemon, user)
            #expect(list.count == 10)
            let wrong = list.filter { item in Int(item.dropFirst()).map { $0 % 2 != user % 2 } ?? true }
            // Half would be chance.
            #expect(wrong.count <= 1, "\(learner) recommends \(list) to u\(user)")
        }
        let unknown = (0..<Self.items).filter { !Self.isKnown(12, $0) }
        let (own, other) = (unknown.first { $0 % 2 == 0 } ?? 0, unknown.first { $0 % 2 == 1 } ?? 0)
        let answer = try daemon.call("PREDICT", "u12", "i\(own)", "i\(other)")
        guard case .array(let values) = answer, let first = Self.number(values[0]),
            let second = Self.number(values[1])
        else {
            throw TestFailure("PREDICT was answered by \(answer)")
        }
        #expect(first > second)
        if learner == "sgd" {
            #expect(first > 3.5)
            #expect(second < 2.5)
        }
    }

    /// A double, or its text in RESP 2.
    private static func number(_ value: RESPValue) -> Double? {
        if case .double(let number) = value { return number }
        return value.string.flatMap(Double.init)
    }

    @Test("what RECOMMEND answers is what the vectors in the trained file say")
    func vectorsAreServed() throws {
        let place = try DaemonPlace()
        let file = try write(Self.lines, place)
        let trained = try train(place, ["--input", file, "--algorithm", "bpr", "--epochs", "3"])
        #expect(trained.ending == .exit(0), "\(trained.errors)")
        let expected = try DatabaseQueue(path: place.stateFile).read { db in
            let sql = "SELECT vector FROM user_vectors WHERE id = 'u7'"
            let user = Self.floats(try Data.fetchOne(db, sql: sql).orThrow("u7 has no vector"))
            let scores = try Row.fetchAll(db, sql: "SELECT id, bias, vector FROM item_vectors").map { row in
                let product = zip(user, Self.floats(row[2])).reduce(Float(row[1] as Double)) {
                    $0 + $1.0 * $1.1
                }
                return (id: row[0] as String, score: product)
            }
            return scores.sorted { $0.score > $1.score }.prefix(10).map(\.id)
        }
        let daemon = try place.start(["models={bpr: {learner: bpr}}", "default-model=bpr"])
        #expect(try recommended(daemon, 7, ["INCLUDESEEN"]) == expected)
        #expect(try daemon.stop() == .exit(0))
    }

    private static func floats(_ data: Data) -> [Float] {
        data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }

    @Test("the daemon goes on in the log from where training stopped, and learns no event twice")
    func fromEmbeddedLog() throws {
        let old = try DaemonPlace()
        let malformed = "{malformed"
        try old.fillLog((Self.lines + [malformed]).map { TestRecord("u", $0) })
        let first = try old.start()
        let count = Self.lines.count
        try first.waitUntil("all is learned") { $0.positions == [0: count + 1] }
        let learned = try first.status()
        // Beside the daemon that runs.
        let new = try DaemonPlace()
        let trained = try train(
            new, ["--from-log", "--set", "state.folder=\(old.stateFolder)", "--json", "--epochs", "2"])
        #expect(trained.ending == .exit(0), "\(trained.errors)")
        #expect(trained.errors.contains("record 0:\(count)"), "\(trained.errors)")
        try requireSound(new)
        // What comes before the switch is not lost.
        for item in 0..<5 { _ = try first.token("RATE", "late", "i\(item)", "4") }
        #expect(try first.stop() == .exit(0))
        try FileManager.default.copyItem(atPath: old.logFile, toPath: new.logFile)
        let second = try new.start()
        try second.waitUntil("the rest is learned") { $0.positions == [0: count + 6] }
        let status = try second.status()
        #expect(status["events.applied"] == count + 5)
        #expect(status["events.dead-letters"] == 1)
        for name in ["events.ratings", "events.duplicates", "items.count", "events.descriptions"] {
            let added = name == "events.ratings" ? 5 : 0
            #expect(status[name] == learned[name] + added, "\(name)")
        }
        #expect(try second.stop() == .exit(0))
        try requireSound(new)
        let letters = try DatabaseQueue(path: new.logFile).read { db in
            try Int.fetchOne(db, sql: "SELECT count(*) FROM dead_letters")
        }
        #expect(letters == 1)
    }

    @Test("a part of the log is trained on, and the daemon learns the rest")
    func partOfTheLog() throws {
        let place = try DaemonPlace()
        try place.fillLog(Self.lines.map { TestRecord("u", $0) })
        let trained = try train(
            place,
            ["--from-log", "--to", "500", "--set", "state.folder=\(place.stateFolder)", "--epochs", "2"])
        #expect(trained.ending == .exit(0), "\(trained.errors)")
        let daemon = try place.start()
        try daemon.waitUntil("the rest is learned") { $0.positions == [0: Self.lines.count] }
        #expect(try daemon.status()["events.applied"] == Self.lines.count)
        #expect(try daemon.stop() == .exit(0))
    }

    @Test("a stream of which nothing is liked by the configuration is told of")
    func nothingLiked() throws {
        let place = try DaemonPlace()
        // From 0 to 1, where only 4 and more is liked.
        let records = (0..<1_200).map {
            TestRecord("u\($0 % 40)", #"{"user":"u\#($0 % 40)","item":"i\#($0 % 50)","rating":0.8}"#)
        }
        try place.fillLog(records)
        let daemon = try place.start()
        try daemon.waitUntil("all is learned") { $0.positions == [0: 1_200] }
        try eventually("it says so: \(daemon.errors)") {
            daemon.errors.contains("models have learned nothing") && daemon.errors.contains("mean-rating=0.8")
        }
        #expect(try daemon.stop() == .exit(0))
    }

    @Test("from a topic too, each partition from its own position")
    func fromKafka() throws {
        let host = try KafkaHost(partitions: 3)
        let place = try DaemonPlace()
        func records(_ lines: ArraySlice<String>) -> [TestRecord] {
            lines.enumerated().map { TestRecord("u\($0.offset % 20)", $0.element) }
        }
        try host.produce(records(Self.lines[..<600]))
        let trained = try train(
            place, ["--from-log", "--epochs", "2"] + host.settings.flatMap { ["--set", $0] })
        #expect(trained.ending == .exit(0), "\(trained.errors)")
        try host.produce(records(Self.lines[600...]))
        let daemon = try place.start(host.settings)
        try daemon.waitUntil("the rest is learned") { $0.positions.values.reduce(0, +) == Self.lines.count }
        #expect(try daemon.status()["events.applied"] == Self.lines.count)
        #expect(try daemon.stop() == .exit(0))
    }
}
