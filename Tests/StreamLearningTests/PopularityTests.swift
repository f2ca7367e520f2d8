import Engine
import EngineSupport
import EventLog
import Events
import Factors
import Foundation
import Identities
import Locking
import State
import Testing

@testable import StreamLearning

@Suite("Popularity as the engine counts it")
struct PopularityTests {
    private func rating(_ user: String, _ item: String, _ value: Float = 5) -> Event {
        Event(.rating(user: id(user), item: id(item), value: value))
    }

    private func options(shards: Int = 1) -> EngineOptions {
        var options = smallOptions(shards: shards)
        options.state.popularityHalfLifeEvents = 100
        options.state.trendingHalfLifeEvents = 10
        return options
    }

    private func popular(_ state: LearnedState, _ item: String, model: Int = 1) -> Double {
        guard let row = state.items.read({ $0.row(of: id(item)) }) else { return .nan }
        let model = state.models[model]
        return model.decay.popular(model.counts[Int(row)], at: state.counters.applied)
    }

    @Test("a positive event counts one and fades with every event that comes after, of whatever kind")
    func fades() {
        let later = (0..<100).map { rating("v", "other\($0)", 1) }
        let state = learned(batches([rating("u", "i")] + later, sizes: [7]), options())
        #expect(abs(popular(state, "i") - 0.5) < 1e-9)
        #expect(popular(state, "other1") == 0, "what is not positive does not count")
    }

    @Test("the counts are those of a sum over all events, whatever the number of shards", arguments: [1, 3])
    func matchesTheSum(shards: Int) {
        var random = KeyedRandom(seed: 12)
        var sums = [Double](repeating: 0, count: 20)
        let all = (1...2_000).map { ordinal in
            let (item, value) = (random.next(below: 20), 1 + random.next(below: 5))
            if value >= 4 { sums[item] += exp2(Double(ordinal) / 100) }
            return rating("u\(ordinal)", "i\(item)", Float(value))
        }
        let state = learned(batches(all, sizes: [200]), options(shards: shards))
        #expect(state.counters.duplicates == 0)
        for (item, sum) in sums.enumerated() {
            let wanted = sum * exp2(-20)
            #expect(abs(popular(state, "i\(item)") - wanted) < 1e-9 * max(1, wanted), "i\(item)")
        }
    }

    @Test("a retraction takes its share off, and the last one all; an eviction takes nothing")
    func retraction() {
        let likes = ["a", "b", "c", "d"].map { rating($0, "i") }
        let full = learned(batches(likes, sizes: [2]), options())
        let retracted = learned(
            batches(likes + [Event(.retract(user: id("b"), item: id("i")))], sizes: [2]), options())
        #expect(popular(retracted, "i") < 0.76 * popular(full, "i"))
        let none = ["a", "b", "c", "d"].map { Event(.retract(user: id($0), item: id("i"))) }
        #expect(popular(learned(batches(likes + none, sizes: [3]), options()), "i") == 0)
        let forgotten = learned(batches(likes + [Event(.forget(user: id("a")))], sizes: [5]), options())
        #expect(popular(forgotten, "i") < 0.76 * popular(full, "i"))

        var bounded = options()
        bounded.learning.usersMax = 4
        let evicted = learned(batches(likes + [rating("e", "j")], sizes: [5]), bounded)
        #expect(evicted.counters.evicted == 1)
        #expect(abs(popular(evicted, "i") / popular(full, "i") - exp2(-1.0 / 100)) < 1e-9)
    }
}
