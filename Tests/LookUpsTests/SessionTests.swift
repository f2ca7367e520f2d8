import Engine
import EngineSupport
import Events
import Histories
import State
import Testing

@testable import LookUps

@Suite("Recommendations for a session")
struct SessionTests {
    /// What the user liked, oldest first, and the ratings.
    private func liked(_ live: LiveEngine, _ user: EntityID, model: String) throws -> [UserRecord.Entry] {
        try live.engine.user(user, historyMax: 1_000).history.reversed().filter {
            model == "stars" ? $0.isRating : $0.isRating ? $0.value >= 4 : $0.value > 0
        }
    }

    private func session(
        _ live: LiveEngine, _ user: EntityID, model: String, count: Int
    ) throws -> SessionQuery {
        let entries = try liked(live, user, model: model)
        return SessionQuery(
            items: entries.map(\.item), weights: model == "stars" ? entries.map(\.value) : [], count: count,
            model: model)
    }

    @Test(
        "a known user's history, folded in, gives much of the user's own list",
        arguments: ["stars", "likes", "warped", "solved"])
    func overlapsWithTheUsersOwn(model: String) async throws {
        let live = try LiveEngine(fourLearners(), identity: fourIdentity)
        try await live.feed(events(6_000))
        var (shared, byPopularity, whole) = (0, 0, 0)
        for number in 0..<60 {
            let user = id("u\(number)")
            guard let query = try? session(live, user, model: model, count: 10), query.items.count >= 20
            else {
                continue
            }
            // Of the user's own list, what the session may be answered too.
            let seen = try Set(live.engine.user(user, historyMax: 1_000).history.map(\.item))
            let others = seen.subtracting(query.items)
            let own = try live.engine.recommend(RecommendQuery(user: user, count: 10, model: model)).map(\.id)
            var excluding = query
            excluding.exclude = Array(others)
            let folded = try live.engine.recommend(excluding).map(\.id)
            let popular = try live.engine.top(TopQuery(order: .bias, count: 80, model: model)).map(\.id)
                .filter { !seen.contains($0) }.prefix(10)
            shared += Set(own).intersection(folded).count
            byPopularity += Set(own).intersection(popular).count
            whole += own.count
        }
        #expect(whole > 100)
        #expect(Double(shared) > (model == "solved" ? 0.95 : 0.7) * Double(whole))
        #expect(shared > byPopularity)
        try live.stop()
    }

    @Test(
        "the same session is answered the same way, the tastes of two worlds differently",
        arguments: ["stars", "likes", "warped", "solved"])
    func deterministic(model: String) async throws {
        let live = try LiveEngine(fourLearners(), identity: fourIdentity)
        try await live.feed(events(5_000))
        func ask(_ parity: Int) throws -> [ScoredItem] {
            try live.engine.recommend(
                SessionQuery(items: (0..<10).map { id("i\($0 * 2 + parity)") }, count: 20, model: model))
        }
        let (even, odd) = (try ask(0), try ask(1))
        #expect(try ask(0) == even)
        #expect(even.allSatisfy { $0.score.isFinite })
        func own(_ items: [ScoredItem], _ parity: Int) -> Int {
            items.count { Int($0.id.string.dropFirst()).map { $0 % 2 == parity } ?? false }
        }
        #expect(own(even, 0) >= 15)
        #expect(own(odd, 1) >= 15)
        try live.stop()
    }

    @Test(
        "weights count: ratings pull the list towards what was rated high",
        arguments: ["stars", "likes", "warped", "solved"])
    func weights(model: String) async throws {
        let live = try LiveEngine(fourLearners(), identity: fourIdentity)
        try await live.feed(events(5_000))
        let items = (0..<20).map { id("i\($0)") }
        func share(evens: Float, odds: Float) throws -> Int {
            let weights = (0..<20).map { $0 % 2 == 0 ? evens : odds }
            let list = try live.engine.recommend(
                SessionQuery(items: items, weights: weights, count: 10, model: model))
            return list.count { Int($0.id.string.dropFirst()).map { $0 % 2 == 0 } ?? false }
        }
        let low: Float = model == "stars" ? 1 : 0
        #expect(try share(evens: 5, odds: low) >= 8)
        #expect(try share(evens: low, odds: 5) <= 2)
        try live.stop()
    }

    @Test(
        "they count at the rates of a stream too, against low ones that come later",
        arguments: ["likes", "warped", "solved"])
    func weightsByStreamSettings(model: String) async throws {
        var options = fourLearners()
        let positive = PositiveRule(ratingMin: 4)
        options.state.models[1] = ModelOptions(name: "likes", learner: .bpr(.live, positive: positive))
        options.state.models[2] = ModelOptions(name: "warped", learner: .warp(.live, positive: positive))
        options.state.deterministic = true
        let live = try LiveEngine(options, identity: fourIdentity)
        try await live.feed(events(5_000))
        for low: Float in [0, 1] {
            func evens(among high: Int) throws -> Int {
                let list = try live.engine.recommend(
                    SessionQuery(
                        items: (0..<20).map { id("i\($0)") },
                        weights: (0..<20).map { $0 % 2 == high ? 5 : low }, count: 10, model: model))
                return list.count { Int($0.id.string.dropFirst()).map { $0 % 2 == 0 } ?? false }
            }
            #expect(try evens(among: 0) >= 8)
            #expect(try evens(among: 1) <= 2)
        }
        try live.stop()
    }

    @Test("the items named are left out unless asked for, and a last mention holds")
    func itsOwnItems() async throws {
        let live = try LiveEngine(fourLearners(), identity: fourIdentity)
        try await live.feed(events(2_000))
        let items = (0..<6).map { id("i\($0)") }
        let without = try live.engine.recommend(SessionQuery(items: items, count: 1_000))
        #expect(!without.contains { items.contains($0.id) })
        let with = try live.engine.recommend(SessionQuery(items: items, count: 1_000, includeSeen: true))
        #expect(with.count == without.count + 6)
        let excluded = try live.engine.recommend(
            SessionQuery(items: items, count: 1_000, exclude: [without[0].id, id("nothing")]))
        #expect(excluded.map(\.id) == Array(without.map(\.id).dropFirst()))
        let twice = SessionQuery(items: [items[0], items[1], items[0]], weights: [1, 4, 5], model: "stars")
        let once = SessionQuery(items: [items[1], items[0]], weights: [4, 5], model: "stars")
        #expect(try live.engine.recommend(twice) == live.engine.recommend(once))
        try live.stop()
    }

    @Test("what is not known is passed over and said, unless nothing is known")
    func unknownItems() async throws {
        let live = try LiveEngine(fourLearners(), identity: fourIdentity)
        try await live.feed(events(2_000))
        let known = SessionQuery(items: [id("i1"), id("i2")], wantsMeta: true)
        var mixed = known
        mixed.items = [id("lost"), id("i1"), id("gone"), id("i2")]
        let answer = try live.engine.answer(mixed)
        #expect(try answer.items == live.engine.answer(known).items)
        #expect(answer.meta?.ignored == [id("lost"), id("gone")])
        #expect(try live.engine.answer(known).meta?.ignored == [])
        func refusal(_ query: SessionQuery) -> LookupError? {
            #expect(throws: LookupError.self) { try live.engine.answer(query) }
        }
        let lost = refusal(SessionQuery(items: [id("lost"), id("gone")]))
        #expect(lost == LookupError(.noItem, "no item 'lost', nor any of the others"))
        #expect(refusal(SessionQuery(items: [id("lost")])) == LookupError(.noItem, "no item 'lost'"))
        #expect(refusal(SessionQuery(items: [id("i1")], model: "?"))?.code == .noModel)
        #expect(refusal(SessionQuery(items: []))?.code == .invalid)
        #expect(refusal(SessionQuery(items: [id("i1")], weights: [1, 2]))?.code == .invalid)
        let outside = refusal(SessionQuery(items: [id("i1")], weights: [101], model: "stars"))
        #expect(outside == LookupError(.invalid, "weight 101.0 is outside 0.0 to 100.0 of this model"))
        #expect(refusal(SessionQuery(items: [id("i1")], weights: [-1]))?.code == .invalid)
        #expect(refusal(SessionQuery(items: [id("i1")], weights: [.nan]))?.code == .invalid)
        try live.stop()
    }

    @Test(
        "any session gives finite scores: no weight at all, all items, the greatest weights",
        arguments: ["stars", "likes", "warped", "solved"])
    func extremes(model: String) async throws {
        let live = try LiveEngine(fourLearners(), identity: fourIdentity)
        try await live.feed(events(2_000))
        let all = (0..<80).map { id("i\($0)") }
        for (items, weight) in [(all, nil), (all, 0), (all, 100), ([all[0]], 100), ([all[0]], 0)]
            as [([EntityID], Float?)]
        {
            let weights = weight.map { Array(repeating: $0, count: items.count) } ?? []
            do {
                let list = try live.engine.recommend(
                    SessionQuery(items: items, weights: weights, count: 200, model: model, includeSeen: true))
                #expect(list.count == live.engine.itemCount)
                #expect(list.allSatisfy { $0.score.isFinite })
            } catch {
                #expect(error.code == .invalid, "refused by the guard")
            }
        }
        try live.stop()
    }
}
