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

    @Test(
        "a model that learns nothing is flagged once its window tells it from noise, and no longer when level"
    )
    func flag() {
        var score = PrequentialScore(windowEvents: 2_000)
        var random = KeyedRandom(seed: 5)
        func add(_ events: Int, model: Double, baseline: Double) {
            for _ in 0..<events {
                score.add(
                    ScoreSample(
                        model: random.nextUnit() < model ? 1 : 0,
                        baseline: random.nextUnit() < baseline ? 1 : 0))
            }
        }
        func loses(before: Bool = false) -> Bool { score.window.loses(lessIsBetter: false, before: before) }
        add(400, model: 0.1, baseline: 0.6)
        #expect(!loses(), "too few events for a verdict")
        add(1_600, model: 0.3, baseline: 0.3)
        #expect(loses())
        add(4_000, model: 0.3, baseline: 0.3)
        #expect(!loses(), "level but for noise")
        add(2_000, model: 0.3, baseline: 0.5)
        #expect(loses())
        add(4_000, model: 0.5, baseline: 0.3)
        #expect(!loses(before: true))
        #expect(score.window.loses(lessIsBetter: true, before: false), "as errors, more is worse")
    }

    @Test(
        "the score comes back from its blob; one of the first layout keeps its totals and starts a new window"
    )
    func scoreBlob() {
        var score = PrequentialScore(windowEvents: 300)
        for number in 0..<1_000 {
            score.add(ScoreSample(model: Float(number % 3), baseline: Float(number % 2)))
        }
        var back = PrequentialScore(windowEvents: 300)
        back.restore(score.blob)
        #expect(back == score)

        let words: [UInt64] = [
            3, 1, 7, (2.5).bitPattern, (1.5).bitPattern, 7, (2.5).bitPattern, (1.5).bitPattern,
        ]
        let old = Data(words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } })
        var restored = PrequentialScore(windowEvents: 300)
        restored.restore(old)
        #expect(restored.total.count == 7 && restored.total.model == 2.5)
        #expect(restored.window.count == 0)
        for length in 0..<score.blob.count { back.restore(score.blob.prefix(length)) }
    }
}
