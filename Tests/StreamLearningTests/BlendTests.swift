import Blending
import Engine
import EngineSupport
import Events
import Factors
import Learners
import State
import Testing

@testable import StreamLearning

@Suite("Blends on the stream")
struct BlendTests {
    private static let positive = PositiveRule(ratingMin: 4)
    private static let models = [
        ModelOptions(name: "likes", learner: .bpr(.live, positive: positive)),
        ModelOptions(name: "repeat", learner: .counter(CounterOptions(.repeat), positive: positive)),
        ModelOptions(name: "next", learner: .counter(CounterOptions(.next), positive: positive)),
        ModelOptions(
            name: "fresh",
            learner: .counter(
                {
                    var options = CounterOptions(.popular)
                    options.halfLife = .events(300)
                    return options
                }(), positive: positive)),
        ModelOptions(name: "blend", learner: .blend(BlendOptions(), positive: positive)),
    ]

    /// Streams of which one part or another knows best.
    enum World: String, CaseIterable { case successions, tastes, repeats, news }

    private func stream(_ world: World, count: Int) -> [Event] {
        var random = KeyedRandom(seed: 11)
        var last: [Int: Int] = [:]
        return (0..<count).map { number in
            let user = random.next(below: 100)
            let item: Int
            switch world {
            case .successions:
                let before = last[user] ?? random.next(below: 200)
                item = random.nextUnit() < 0.7 ? (before * 7 + 3) % 200 : random.next(below: 200)
            case .tastes:
                item =
                    random.next(below: 40) * 5 + (random.nextUnit() < 0.85 ? user % 5 : random.next(below: 5))
            case .repeats:
                item =
                    random.nextUnit() < 0.6
                    ? (user * 31 + random.next(below: 4) * 17) % 200 : random.next(below: 200)
            case .news:
                item = number / 60 + random.next(below: 6)
            }
            last[user] = item
            return Event(
                .signal(user: id("u\(user)"), item: id("i\(item)"), name: "click"),
                time: Int64(number) * 10_000)
        }
    }

    private func recalls(_ events: [Event], seen: SeenRule, from: Int) throws -> [Double] {
        var options = Replay.Options()
        options.state = smallOptions().state
        options.state.models = Self.models
        options.state.seen = seen
        var replay = Replay(options: options)
        var (hits, count) = (Array(repeating: 0.0, count: Self.models.count), 0.0)
        for (number, event) in try replay.learn(events).enumerated() {
            guard number >= from, let ranking = event.ranking else { continue }
            count += 1
            for (model, standing) in ranking.models.enumerated()
            where standing.higher + standing.equal / 2 < 10 { hits[model] += 1 }
        }
        return hits.map { $0 / count }
    }

    @Test("a blend is not behind its best part, whichever that is", arguments: World.allCases)
    func bestPart(world: World) throws {
        let found = try recalls(stream(world, count: 6_000), seen: .allow, from: 500)
        let best = try #require(found.dropLast().max())
        let blend = try #require(found.last)
        #expect(best > 0.1 && blend > best - 0.015, "\(world): \(found)")
    }

    @Test("who likes what carries a tag gets more of it, long before rows have learned as much")
    func tags() throws {
        var random = KeyedRandom(seed: 12)
        let tastes = (0..<2_600).map { number in
            let user = random.next(below: 200)
            let taste = random.nextUnit() < 0.85 ? user % 30 : random.next(below: 30)
            return Event(
                .signal(
                    user: id("u\(user)"), item: id("i\(random.next(below: 20) * 30 + taste)"), name: "click"),
                time: Int64(number) * 10_000)
        }
        let described = (0..<600).map { item in
            Event(
                .item(ItemDescription(item: id("i\(item)"), tags: ["taste\(item % 30)", "noise\(item % 7)"])))
        }
        let (with, without) = (
            try recalls(described + tastes, seen: .exclude, from: 1_800),
            try recalls(tastes, seen: .exclude, from: 1_200)
        )
        let (blend, plain) = (try #require(with.last), try #require(without.last))
        #expect(blend > 1.5 * plain, "\(with) and \(without)")
    }

    @Test("what is learned does not depend on how batches are cut", arguments: [[1_000], [7, 64, 1]])
    func cuts(sizes: [Int]) {
        var options = smallOptions()
        options.state.models = Self.models
        options.state.deterministic = true
        let events = events(2_000, seed: 3)
        #expect(
            learned(batches(events, sizes: sizes), options).digest()
                == learned(batches(events, sizes: [2_000]), options).digest())
    }

    @Test("several shards learn too, and the weights move")
    func shards() throws {
        var options = smallOptions(shards: 2)
        options.state.models = Self.models
        let state = learned(batches(stream(.tastes, count: 3_000), sizes: [500]), options)
        let blend = try #require(state.models.last?.blend)
        #expect(blend.standings.events > 100)
        #expect(blend.weights != BlendWeights(first: blend.rule.shape.firstWeights))
    }

    @Test("parts are those named, in their order; none stand for all others, and a blend is none")
    func parts() {
        func parts(_ names: [String]) -> [String] {
            var options = smallOptions()
            options.state.models = Self.models
            options.state.models[4].parts = names
            let rule = LearnedState(options: options.state).models[4].blend?.rule
            return (rule?.models ?? []).map { Self.models[$0].name }
        }
        #expect(parts([]) == ["likes", "repeat", "next", "fresh"])
        #expect(parts(["next", "likes"]) == ["next", "likes"])
    }
}
