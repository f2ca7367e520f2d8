import EngineSupport
import Events
import Foundation
import GRDB
import LookUps
import State
import StreamLearning
import TestSupport
import Testing

@testable import Engine

@Suite("A limit on memory")
struct MemoryLimitTests {
    private func options(limit: Int) -> EngineOptions {
        var options = smallOptions()
        options.state.deterministic = true
        options.ingest.batchEventsMax = 20
        options.checkpoints.eventsMax = 200
        options.checkpoints.interval = .milliseconds(50)
        options.state.defaultModel = "likes"
        // Less than anything: the users of two batches stay, whatever it says.
        options.memoryLimit = limit
        return options
    }

    private func number(_ name: String, _ live: LiveEngine) -> Int64 {
        if case .integer(let value)? = live.status(name) { value } else { -1 }
    }

    @Test("leaves what is learned as it is, over restarts too, and every look-up")
    func sameAnswers() async throws {
        let all = events(3_000, seed: 31, users: 400)
        let folder = Folder()
        for part in 0..<3 {
            let live = try LiveEngine(options(limit: 1), in: folder)
            try await live.feedInOrder(Array(all[part * 1_000..<part * 1_000 + 1_000]))
            try await live.checkpoint()
            #expect(number("residence.left", live) > 100)
            #expect(number("residence.came-back", live) > 100)
            try live.stop()
        }
        let limited = try LiveEngine(options(limit: 1), in: folder)
        let free = try LiveEngine(options(limit: 0))
        try await free.feedInOrder(all)
        try await free.checkpoint()
        #expect(try limited.engine.digest().digest == free.engine.digest().digest)
        for user in stride(from: 0, to: 400, by: 7).map({ id("u\($0)") }) {
            try compare(user, limited.engine, free.engine)
        }
        #expect(number("residence.users", limited) == 0)
        #expect(number("residence.look-ups-away", limited) > 50)
        try limited.stop()
        try free.stop()
    }

    private func compare(_ user: EntityID, _ one: Engine, _ other: Engine) throws {
        let query = RecommendQuery(user: user, count: 20)
        #expect(try one.recommend(query) == other.recommend(query))
        let items = (0..<5).map { id("i\($0)") }
        func said<Answer: Equatable>(_ body: (Engine) throws -> Answer) -> [String] {
            [one, other].map { engine in
                do { return "\(try body(engine))" } catch { return "\(error)" }
            }
        }
        for answers in [
            said { try $0.predict(user: user, items: items, model: "stars") },
            said { "\(try $0.user(user, listMax: 50))" },
            said { "\(try $0.explain(ExplainQuery(user: user, item: items[2])))" },
            said { "\(try $0.similarUsers(SimilarUsersQuery(user: user, count: 10)))" },
        ] { #expect(answers[0] == answers[1]) }
    }

    @Test("takes what is said of somebody who is away: forgotten, hidden for, taken back")
    func ofThoseAway() async throws {
        let live = try LiveEngine(options(limit: 1))
        try await live.feedInOrder(events(1_500, seed: 32, users: 300))
        try await live.checkpoint()
        let users = (0..<300).map { id("u\($0)") }
        let known = users.filter { user in (try? live.engine.user(user, listMax: 50)) != nil }
        let (forgotten, other) = (known[0], known[1])
        let before = try live.engine.user(other, listMax: 50)
        let taken = try #require(before.history.first?.item)
        try await live.feedInOrder([
            Event(.forget(user: forgotten)), Event(.hide(user: other, item: id("i3"))),
            Event(.retract(user: other, item: taken)),
        ])
        #expect(throws: LookupError.self) { _ = try live.engine.user(forgotten, listMax: 50) }
        let after = try live.engine.user(other, listMax: 50)
        #expect(after.seen == before.seen - 1)
        #expect(after.hiddenItems.contains(id("i3")))
        try await live.checkpoint()
        #expect(try live.engine.user(other, listMax: 50).seen == after.seen)
        try live.stop()
    }

    @Test(
        "keeps an event of somebody who cannot be read back, and look-ups say so, until the file is whole again",
        arguments: ["vector = x'00'", "row = row + 100000"])
    func damaged(change: String) async throws {
        let all = events(1_500, seed: 34, users: 200)
        let (folder, file) = (Folder(), { (folder: Folder) in try DatabaseQueue(path: folder.state) })
        let first = try LiveEngine(options(limit: 1), in: folder)
        try await first.feedInOrder(all)
        let user = try #require(
            (0..<200).map { id("u\($0)") }.first { (try? first.engine.user($0, listMax: 1)) != nil })
        try first.stop()
        // Nobody is in memory after a start.
        let live = try LiveEngine(options(limit: 1), in: folder)
        let rows = "row = (SELECT row FROM users WHERE id = CAST('\(user)' AS BLOB)) AND model = 'stars'"
        try await file(folder).write {
            try $0.execute(sql: "CREATE TABLE kept AS SELECT * FROM user_factors WHERE \(rows)")
            try $0.execute(sql: "UPDATE user_factors SET \(change) WHERE \(rows)")
        }
        let more = Event(.rating(user: user, item: id("i1"), value: 5), time: 9_000_000)
        let before = number("events.applied", live)
        let token = try await live.append(more)
        while live.status("residence.error") == .text("") { try await Task.sleep(for: .milliseconds(5)) }
        #expect(number("events.applied", live) == before)
        #expect(throws: LookupError.self) { _ = try live.engine.user(user, listMax: 1) }
        try await file(folder).write {
            try $0.execute(
                sql: """
                    DELETE FROM user_factors WHERE model = 'stars' AND row >= 100000;
                    INSERT OR REPLACE INTO user_factors SELECT * FROM kept; DROP TABLE kept
                    """)
        }
        try await live.wait(for: token)
        #expect(live.status("residence.error") == .text(""))
        let free = try LiveEngine(options(limit: 0))
        try await free.feedInOrder(all + [more])
        #expect(try live.engine.digest().digest == free.engine.digest().digest)
        try live.stop()
        try free.stop()
    }

    @Test("bounds on users hold as without a limit")
    func usersMax() async throws {
        let all = events(2_000, seed: 33, users: 300)
        func digest(limit: Int) async throws -> String {
            var options = options(limit: limit)
            options.learning.usersMax = 150
            let live = try LiveEngine(options)
            try await live.feedInOrder(all)
            let digest = try live.engine.digest().digest
            #expect(number("events.evicted", live) > 0)
            try live.stop()
            return digest
        }
        let (limited, free) = (try await digest(limit: 1), try await digest(limit: 0))
        #expect(limited == free)
    }
}
