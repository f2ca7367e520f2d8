import Blending
import Checkpoints
import Engine
import EngineSupport
import Events
import Learners
import LookUps
import State
import TestSupport
import Testing

@Suite("Items that nobody has taken, in a blend")
struct NewcomerLookupTests {
    private static let positive = PositiveRule(ratingMin: 4)
    private static let models = [
        ModelOptions(name: "next", learner: .counter(CounterOptions(.next), positive: positive)),
        ModelOptions(name: "blend", learner: .blend(BlendOptions(), positive: positive)),
    ]

    private func described(_ item: Int) -> Event {
        Event(
            .item(
                ItemDescription(
                    item: id("i\(item)"), title: nil, tags: [item % 2 == 0 ? "even" : "odd", "all"])))
    }

    /// Items come up one after the other, each is described and then taken at once by some of those who like its kind: users
    /// of even numbers like even items.
    private func launches(_ items: Int) -> [Event] {
        (0..<items).flatMap { item -> [Event] in
            [described(item)]
                + (0..<20).map { step in
                    let user = 2 * ((item * 7 + step * 3) % 25) + item % 2
                    // Two in three take what is new, the others what came up a little before.
                    let taken = step % 3 < 2 ? item : max(item % 2, item - 2 * (1 + step % 5))
                    return Event(
                        .signal(user: id("u\(user)"), item: id("i\(taken)"), name: "click"),
                        time: Int64(item * 20 + step) * 60_000)
                }
        }
    }

    private func live() throws -> LiveEngine {
        var options = smallOptions()
        options.state.models = Self.models
        options.state.defaultModel = "blend"
        let identity = StateIdentity(
            factors: 16,
            models: Dictionary(uniqueKeysWithValues: Self.models.map { ($0.name, $0.learnerName) }),
            source: "test")
        return try LiveEngine(options, identity: identity)
    }

    @Test("what was described a moment ago and nobody has taken is recommended to those who like its tags")
    func recommended() async throws {
        let live = try live()
        try await live.feedInOrder(launches(120) + [described(120), described(121)])
        var (own, before) = (0, 0)
        for user in 0..<20 {
            let found = try live.engine.recommend(RecommendQuery(user: id("u\(user)"), count: 10)).map(\.id)
            guard let place = found.firstIndex(of: id("i\(120 + user % 2)")) else { continue }
            own += 1
            let other = found.firstIndex(of: id("i\(121 - user % 2)"))
            before += other.map { $0 > place } ?? true ? 1 : 0
        }
        #expect(own >= 18 && before >= 18)
        let explained = try live.engine.explain(user: id("u0"), item: id("i120"), model: nil)
        let new = try #require(explained.parts.first { $0.name == "new" }).share
        let tags = try #require(explained.parts.first { $0.name == "tags" }).share
        #expect(new > 0 && explained.tags.map(\.name).contains("even"))
        #expect(abs(explained.parts.reduce(Float(0)) { $0 + $1.share } - explained.score) < 1e-5)
        let ofTags = explained.tags.reduce(Float(0)) { $0 + $1.share }
        #expect(abs(ofTags - tags) < 1e-5)
        let taken = try live.engine.explain(user: id("u0"), item: id("i100"), model: nil)
        #expect(taken.parts.first { $0.name == "new" }?.share == 0)
        try live.stop()
    }

    @Test("hidden, unavailable and filtered items stay out, and one that is not described is none")
    func filtered() async throws {
        let live = try live()
        try await live.feedInOrder(
            launches(80) + [
                described(80), described(82), described(84), Event(.hide(user: id("u0"), item: id("i82"))),
                Event(
                    .item(
                        ItemDescription(
                            item: id("i84"), title: nil, tags: ["even", "all"], available: false))),
                Event(.item(ItemDescription(item: id("bare"), title: nil, tags: []))),
            ])
        let found = try live.engine.recommend(RecommendQuery(user: id("u0"), count: 70)).map(\.id)
        #expect(found.contains(id("i80")))
        for item in ["i82", "i84"] { #expect(!found.contains(id(item))) }
        let odd = try live.engine.recommend(
            RecommendQuery(user: id("u0"), count: 70, tags: ["odd"])
        ).map(\.id)
        #expect(!odd.contains(id("i80")) && !odd.isEmpty)
        try live.stop()
    }

    @Test("the newest rows alone are looked at, however many wait")
    func bounded() {
        var visited = 0
        let found = Newcomers.newest(below: 1_000_000) { row in
            visited += 1
            return row % 2 == 0
        }
        #expect(found.count == Newcomers.foundMax && found.first == 999_998)
        #expect(visited < Newcomers.visitedMax)
        visited = 0
        let none = Newcomers.newest(below: 1_000_000) { _ in
            visited += 1
            return false
        }
        #expect(none.isEmpty && visited == Newcomers.visitedMax)
        #expect(Newcomers.newest(below: 3) { _ in true } == [2, 1, 0])
    }
}
