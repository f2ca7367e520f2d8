import Engine
import EngineSupport
import Events
import State
import Testing

@testable import LookUps

@Suite("Users of whom a model that solves its rows knows nothing")
struct NoTasteTests {
    private static let sour = id("sour")

    /// With a user who liked nothing, has seen i0 and i1, and hid i2.
    private func live() async throws -> LiveEngine {
        var options = fourLearners()
        // No rows are solved in idle time, between two look-ups that are compared.
        options.state.deterministic = true
        let live = try LiveEngine(options, identity: fourIdentity)
        try await live.feed(events(2_000))
        try await live.feed([
            Event(.rating(user: Self.sour, item: id("i0"), value: 1)),
            Event(.rating(user: Self.sour, item: id("i1"), value: 2)),
            Event(.hide(user: Self.sour, item: id("i2"))),
        ])
        return live
    }

    @Test("who took nothing gets what is popular and not seen or hidden, and is told so")
    func popular() async throws {
        let live = try await live()
        let query = RecommendQuery(user: Self.sour, count: 20, model: "solved", wantsMeta: true)
        let answer = try live.engine.answer(query)
        #expect(answer.meta?.fallback == .popular)
        let own = [id("i0"), id("i1"), id("i2")]
        let popular = try live.engine.top(TopQuery(order: .popular, count: 100, model: "solved")).map(\.id)
        #expect(answer.items.map(\.id) == Array(popular.filter { !own.contains($0) }.prefix(20)))
        let several = try live.engine.answers(for: [id("u1"), Self.sour, id("u2")], like: query)
        let wanted: [AnswerMeta.Fallback] = [.none, .popular, .none]
        #expect(try several.compactMap { try $0.get().meta?.fallback } == wanted)
        #expect(try several[1].get().items == answer.items)
        #expect(try several[2].get().items == live.engine.recommend(user: id("u2"), like: query))
        try live.stop()
    }

    @Test("without a fallback it is an error that says why")
    func none() async throws {
        let live = try await live()
        let error = #expect(throws: LookupError.self) {
            try live.engine.answer(RecommendQuery(user: Self.sour, model: "solved", fallback: .none))
        }
        #expect(error?.code == .noUser)
        #expect(error?.message.contains("took nothing") ?? false)
        // A rank among equal zeros, a score of 0, or users as near as all others, would be made up.
        let explained = #expect(throws: LookupError.self) {
            try live.engine.explain(ExplainQuery(user: Self.sour, item: id("i7"), model: "solved"))
        }
        let alike = #expect(throws: LookupError.self) {
            try live.engine.similarUsers(SimilarUsersQuery(user: Self.sour, count: 3, model: "solved"))
        }
        let predicted = #expect(throws: LookupError.self) {
            try live.engine.predict(user: Self.sour, items: [id("i7")], model: "solved")
        }
        let ranked = #expect(throws: LookupError.self) {
            try live.engine.rank(user: Self.sour, items: [id("i7"), id("i8")], model: "solved")
        }
        #expect(explained?.code == .noUser && alike?.code == .noUser)
        #expect(predicted?.code == .noUser && ranked?.code == .noUser)
        // Other models have a row for everybody.
        #expect(try !live.engine.answer(RecommendQuery(user: Self.sour, fallback: .none)).items.isEmpty)
        try live.stop()
    }

    @Test("a session of which nothing was liked gets what is popular")
    func session() async throws {
        let live = try await live()
        let answer = try live.engine.answer(
            SessionQuery(items: [id("i3"), id("i4")], weights: [0, 0], model: "solved", wantsMeta: true))
        #expect(answer.meta?.fallback == .popular)
        let popular = try live.engine.top(TopQuery(order: .popular, count: 100, model: "solved")).map(\.id)
        let wanted = popular.filter { ![id("i3"), id("i4")].contains($0) }.prefix(10)
        #expect(answer.items.map(\.id) == Array(wanted))
        try live.stop()
    }
}

extension Engine {
    fileprivate func recommend(user: EntityID, like query: RecommendQuery) throws -> [ScoredItem] {
        var query = query
        query.user = user
        return try answer(query).items
    }
}
