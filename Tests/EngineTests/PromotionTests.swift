import Checkpoints
import EmbeddedEventLog
import Engine
import EngineSupport
import EventLog
import Events
import GRDB
import LookUps
import State
import TestSupport
import Testing

@Suite("Which model is the default")
struct PromotionTests {
    private func answers(_ live: LiveEngine) throws -> String? {
        let query = RecommendQuery(user: id("u1"), count: 3, wantsMeta: true)
        return try live.engine.answer(query).meta?.model
    }

    private let ratings = (0..<400).map {
        Event(.rating(user: id("u\($0 % 20)"), item: id("i\($0 * 7 % 50)"), value: Float(1 + $0 % 5)))
    }

    @Test(
        "PROMOTE is seen by whoever waits for its token, is told by MODELS and STATUS, and outlives a restart"
    )
    func promote() async throws {
        var options = smallOptions()
        options.state.deterministic = true
        let folder = Folder()
        var live = try LiveEngine(options, in: folder)
        try await live.feed(ratings)
        #expect(try answers(live) == "likes")
        #expect(live.status("default-model.name") == .text("likes"))
        let token = try await live.append(Event(.promote(model: "stars")))
        try await live.wait(for: token)
        #expect(try answers(live) == "stars")
        let item = try #require(live.engine.recommend(RecommendQuery(user: id("u1"), count: 1)).first)
        #expect(
            try live.engine.predict(user: id("u1"), items: [item.id], model: nil)
                == live.engine.predict(user: id("u1"), items: [item.id], model: "stars"))
        try await live.checkpoint()
        let digest = try live.engine.digest().digest
        try live.stop()

        live = try LiveEngine(options, in: folder)
        #expect(try answers(live) == "stars")
        #expect(try live.engine.digest().digest == digest)
        let models = live.engine.models()
        #expect(models.map(\.isDefault) == [true, false])
        #expect(models[0].fields.contains(StatusField("promoted-at", .text(token.description))))
        #expect(live.status("default-model.promoted-because") == .text("PROMOTE asked for it"))
        #expect(live.status("default-model.promotions") == .integer(1))
        #expect(live.status("events.promotions") == .integer(1))
        try live.stop()
    }

    @Test(
        "the log learned anew promotes at the same place; another default-model in the configuration wins over it"
    )
    func replayAndConfiguration() async throws {
        var options = smallOptions()
        options.state.deterministic = true
        let folder = Folder()
        var live = try LiveEngine(options, in: folder)
        try await live.feedInOrder(ratings + [Event(.promote(model: "stars"))] + ratings)
        let digest = try live.engine.digest().digest
        try live.stop()
        let other = Folder()
        try await copyLog(from: folder, to: other)
        live = try LiveEngine(options, in: other)
        try await live.wait(for: Token(partition: 0, offset: Int64(2 * ratings.count)))
        #expect(try live.engine.digest().digest == digest)
        #expect(try answers(live) == "stars")
        try live.stop()

        options.state.defaultModel = "best"
        live = try LiveEngine(options, in: folder)
        #expect(try answers(live) == "likes")
        #expect(live.status("default-model.configured") == .text("best"))
        #expect(live.status("default-model.promoted-at") == nil)
        try live.stop()
    }

    private func copyLog(from: Folder, to: Folder) async throws {
        let log = try DatabaseQueue(path: from.path + "/log.sqlite")
        try await log.writeWithoutTransaction { try $0.execute(sql: "VACUUM INTO '\(to.path)/log.sqlite'") }
    }

    @Test(
        "a model that is not there is refused at the socket, and put aside with its reason where a producer names it"
    )
    func unknown() async throws {
        let live = try LiveEngine()
        try await live.feed(ratings)
        await #expect(throws: LookupError.self) { try await live.append(Event(.promote(model: "nobody"))) }
        let token = try await withCheckedThrowingContinuation {
            (continuation: CheckedContinuation<Token, any Error>) in
            live.log.append(
                key: id("k"), payload: Array(#"{"type":"promote","model":"nobody"}"#.utf8), time: 0
            ) { continuation.resume(with: $0) }
        }
        try await live.wait(for: token)
        try await live.checkpoint()
        #expect(live.status("events.dead-letters") == .integer(1))
        #expect(live.status("events.promotions") == .integer(0))
        #expect(try answers(live) == "likes")
        let log = try DatabaseQueue(path: live.folder.path + "/log.sqlite")
        let reason = try await log.read { try String.fetchOne($0, sql: "SELECT reason FROM dead_letters") }
        #expect(reason == "unknown model 'nobody'; the configuration knows stars, likes")
        try live.stop()
    }

    @Test("MODELS has each model's lead over the default, with intervals that hold it")
    func leads() async throws {
        var options = smallOptions()
        options.state.scoreWindowEvents = 4_000
        let live = try LiveEngine(options)
        try await live.feed(events(12_000, users: 200, items: 400))
        let models = live.engine.models()
        let stars = try #require(models.first { $0.name == "stars" })
        func number(_ name: String) throws -> Double {
            guard case .double(let value)? = stars.fields.first(where: { $0.name == name })?.value else {
                throw LookupError(.invalid, "no number \(name)")
            }
            return value
        }
        #expect(stars.fields.contains(StatusField("lead-over", .text("likes"))))
        #expect(stars.fields.contains(StatusField("lead-measure", .text("recall@10"))))
        for suffix in ["", ".total"] {
            let (low, lead, high) = (
                try number("lead-low" + suffix), try number("lead" + suffix), try number("lead-high" + suffix)
            )
            #expect(low < lead && lead < high && low >= -1 && high <= 1)
        }
        #expect(
            try number("lead-high.total") - number("lead-low.total") < number("lead-high")
                - number("lead-low"))
        #expect(models[1].isDefault && !models[1].fields.contains { $0.name.hasPrefix("lead") })
        #expect(live.status("model.stars.lead.total") == .double(try number("lead.total")))
        try live.stop()
    }
}
