import Events
import Foundation
import GRDB
import RESP
import TestSupport
import Testing

/// What an event changes, seen from outside.
@Suite("an event and the next look-up", .serialized, .ownThread)
struct FreshnessTests {
    private struct Ranked: Equatable {
        var items: [String] = []
        var scores: [String: Double] = [:]

        init(_ answer: RESPValue) throws {
            guard case .array(let values) = answer else { throw TestFailure("no list: \(answer)") }
            for index in stride(from: 0, to: values.count - 1, by: 2) {
                let item = try values[index].string.orThrow("no item: \(values[index])")
                guard case .double(let score) = values[index + 1] else {
                    throw TestFailure("no score: \(values[index + 1])")
                }
                items.append(item)
                scores[item] = score
            }
        }
    }

    private func fed(_ place: DaemonPlace, users: Int = 12, items: Int = 30) throws -> DaemonProcess {
        let daemon = try place.start(["engine.shards=2"])
        let commands = (0..<users).flatMap { user in
            (0..<items).filter { ($0 + user) % 3 != 0 }.map { item in
                ["RATE", "u\(user)", "i\(item)", "\(1 + (user * 7 + item * 3) % 5)"]
            }
        }
        let tokens = try daemon.tokens(commands)
        let last = try tokens.last.orThrow("no tokens")
        _ = try daemon.call("RECOMMEND", "u0", "AFTER", last, "TIMEOUT", "30000")
        return daemon
    }

    @Test(
        "a rating takes the item out of the user's next list and moves the list",
        arguments: ["stars", "likes"])
    func rated(model: String) throws {
        let place = try DaemonPlace()
        let daemon = try fed(place)
        let ask = ["RECOMMEND", "u1", "COUNT", "50", "MODEL", model, "WITHSCORES"]
        let before = try Ranked(daemon.client.call(ask))
        let best = try before.items.first.orThrow("nothing is recommended")
        let token = try daemon.token("RATE", "u1", best, "5")
        let after = try Ranked(daemon.client.call(ask + ["AFTER", token]))
        #expect(!after.items.contains(best))
        #expect(after.items.count == before.items.count - 1)
        let moved = after.items.filter { after.scores[$0] != before.scores[$0] }
        #expect(!moved.isEmpty)
        let scores = after.scores.values.filter(\.isFinite)
        #expect(scores.count == after.items.count)
    }

    @Test("a new user's rating of a new item makes both known by the next look-up")
    func newUserAndItem() throws {
        let place = try DaemonPlace()
        let daemon = try fed(place)
        #expect(try daemon.call("RECOMMEND", "new", "FALLBACK", "none").isError("NOUSER"))
        #expect(try daemon.call("ITEM.GET", "fresh").isError("NOITEM"))
        let token = try daemon.token("RATE", "new", "fresh", "4.5")
        let list = try Ranked(
            daemon.call(
                "RECOMMEND", "new", "COUNT", "100", "WITHSCORES", "FALLBACK", "none", "AFTER", token))
        let everyOther = Set((0..<30).map { "i\($0)" })
        #expect(Set(list.items) == everyOther)
        let others = try Ranked(daemon.call("RECOMMEND", "u1", "COUNT", "100", "WITHSCORES"))
        #expect(others.items.contains("fresh"))
        #expect(try daemon.call("ITEM.GET", "fresh")["users"] == .integer(1))
        #expect(try daemon.call("USER.GET", "new")["seen"] == .integer(1))
    }

    @Test("through Kafka too, the token of RATE leads to a look-up that knows the event")
    func throughKafka() throws {
        let host = try KafkaHost(partitions: 3)
        let place = try DaemonPlace()
        let daemon = try place.start(host.settings)
        for user in 0..<6 {
            _ = try daemon.token("RATE", "u\(user)", "base", "4", "TS", "1700000000000")
            let token = try daemon.token("RATE", "u\(user)", "i\(user)", "5")
            let answer = try daemon.call(
                "RECOMMEND", "u\(user)", "COUNT", "50", "WITHSCORES", "FALLBACK", "none", "AFTER", token,
                "TIMEOUT", "30000")
            let list = try Ranked(answer)
            let unseen = Set((0..<user).map { "i\($0)" })
            #expect(Set(list.items) == unseen)
            #expect(try daemon.call("USER.GET", "u\(user)")["seen"] == .integer(2))
        }
        #expect(try daemon.stop() == .exit(0))
    }

    @Test("a forgotten user is gone from look-ups, popularity, the state file's bytes and the next start")
    func forgotten() throws {
        let place = try DaemonPlace()
        let name = "erase-me-7f3a9c"
        let daemon = try fed(place)
        for item in 0..<5 { _ = try daemon.token("RATE", name, "i\(item)", "5") }
        let before = try daemon.token("RATE", name, "i5", "5")
        _ = try daemon.call("RECOMMEND", name, "AFTER", before)
        guard case .integer(let popularity)? = try daemon.call("ITEM.GET", "i5")["users"] else {
            throw TestFailure("i5 has no users")
        }
        #expect(try daemon.call("CHECKPOINT").isError == false)
        #expect(try holds(place, name), "the test looks for bytes that were never there")

        let token = try daemon.token("FORGET", name)
        let answer = try daemon.call("RECOMMEND", name, "FALLBACK", "none", "AFTER", token)
        #expect(answer.isError("NOUSER"), "\(answer)")
        #expect(try daemon.call("USER.GET", name).isError("NOUSER"))
        #expect(try daemon.call("ITEM.GET", "i5")["users"] == .integer(popularity - 1))

        #expect(try daemon.call("CHECKPOINT").isError == false)
        #expect(try !holds(place, name))
        let queue = try DatabaseQueue(path: place.stateFile)
        let (users, strays) = try queue.read { db in
            (
                try Int.fetchOne(
                    db, sql: "SELECT count(*) FROM users WHERE id = ?", arguments: [Data(name.utf8)]),
                try Int.fetchOne(
                    db, sql: "SELECT count(*) FROM user_factors WHERE row NOT IN (SELECT row FROM users)")
            )
        }
        #expect(users == 0)
        #expect(strays == 0)
        try queue.close()

        #expect(try daemon.stop() == .exit(0))
        let again = try place.start(["engine.shards=2"])
        #expect(try again.call("USER.GET", name).isError("NOUSER"))
        #expect(try again.call("ITEM.GET", "i5")["users"] == .integer(popularity - 1))
    }

    /// Whether the bytes of `text` stand anywhere in the state file or its write-ahead log.
    private func holds(_ place: DaemonPlace, _ text: String) throws -> Bool {
        try ["", "-wal"].contains { suffix in
            let path = place.stateFile + suffix
            guard FileManager.default.fileExists(atPath: path) else { return false }
            return try Data(contentsOf: URL(filePath: path)).range(of: Data(text.utf8)) != nil
        }
    }
}

extension RESPValue {
    var isError: Bool { if case .error = self { true } else { false } }

    func isError(_ code: String) -> Bool {
        if case .error(let message) = self { message.hasPrefix("\(code) ") } else { false }
    }
}
