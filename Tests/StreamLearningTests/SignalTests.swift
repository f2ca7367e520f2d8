import Counting
import Engine
import EngineSupport
import Events
import Factors
import Foundation
import Histories
import Identities
import Learners
import Locking
import State
import Testing

@testable import StreamLearning

@Suite("Signals that add up")
struct SignalTests {
    private static let positive = PositiveRule(ratingMin: 4)
    private static let ranking: [ModelOptions] = [
        ModelOptions(name: "m", learner: .bpr(.live, positive: positive)),
        ModelOptions(name: "m", learner: .warp(.live, positive: positive)),
        ModelOptions(name: "m", learner: .als(.live, positive: positive)),
    ]
    private let start: Int64 = 1_760_759_144_000

    private func options(_ models: [ModelOptions]? = nil, shards: Int = 1) -> EngineOptions {
        var options = smallOptions(shards: shards)
        options.events.signals = ["click": 1, "purchase": 10, "dislike": -3, "unlike": -1]
        options.state.popularityHalfLifeEvents = 0
        if let models { options.state.models = models }
        return options
    }

    private func signal(_ user: String, _ item: String, _ name: String, at seconds: Int64) -> Event {
        Event(.signal(user: id(user), item: id(item), name: name), time: start + seconds * 1000)
    }

    private func rating(_ user: String, _ item: String, _ value: Float, at seconds: Int64) -> Event {
        Event(.rating(user: id(user), item: id(item), value: value), time: start + seconds * 1000)
    }

    private func counter(_ kind: CounterOptions.Kind) -> ModelOptions {
        ModelOptions(name: kind.rawValue, learner: .counter(CounterOptions(kind), positive: Self.positive))
    }

    private func learn(_ events: [Event], _ options: EngineOptions) -> LearnedState {
        learned(batches(events, sizes: [64]), options)
    }

    private func place(_ user: String, _ state: LearnedState) -> (shard: UserShard, local: Int) {
        let row = state.users.read { $0.row(of: id(user)) }!
        return (state.shard(of: row), state.shard(of: row).local(row))
    }

    private func item(_ item: String, _ state: LearnedState) -> Int {
        Int(state.items.read { $0.row(of: id(item)) }!)
    }

    private func pair(_ user: String, _ item: String, _ state: LearnedState) -> HistoryEntry? {
        let (shard, local) = place(user, state)
        return shard.users[local].history[Int32(self.item(item, state))]
    }

    private func score(_ user: String, _ item: String, _ state: LearnedState, model: Int = 0) -> Float {
        let (shard, local) = place(user, state)
        let row = state.models[model].items.row(self.item(item, state))
        return row.bias + row.dot(shard.tables[model].row(local))
    }

    private func positives(_ item: String, _ state: LearnedState) -> [Int32] {
        state.models.map { $0.positives[self.item(item, state)] }
    }

    /// Two tastes: even users like even items, odd ones odd items.
    private var tastes: [Event] {
        (0..<1_200).map { number in
            let user = number % 40
            let item = (number * 7 + number / 40) % 30 / 2 * 2 + user % 2
            return signal("u\(user)", "i\(item)", "click", at: Int64(number))
        }
    }

    // MARK: - Sums

    // The last signal replaced all: a purchase, then a click, weighed 1.
    @Test(
        "a purchase and then a click weigh eleven to what solves histories, and count as one user's purchase")
    func purchaseThenClick() throws {
        let models = Self.ranking + [counter(.popular)]
        let state = learn(
            [
                signal("u", "i", "purchase", at: 1), signal("u", "i", "click", at: 2),
                signal("v", "j", "click", at: 3),
            ],
            options(models))
        #expect(pair("u", "i", state)?.signalWeight == 11 && pair("u", "i", state)?.signals?.count == 2)
        #expect(positives("i", state) == [1, 1, 1, 1])
        let takers = try #require(state.models[2].alternating).takers
        takers.settle(item("i", state))
        #expect(takers.takers(of: item("i", state)).map(\.weight) == [LikingWeight.saturated(11)])
        #expect(state.models[0].counts[item("i", state)].popular == 10)
        #expect(
            abs(state.models[3].counts[item("i", state)].popular - 11) < 0.01,
            "who counts takings counts each")
    }

    @Test("what is played a hundred times is liked more than what is played once", arguments: ranking)
    func hundredPlays(model: ModelOptions) {
        let options = options([model])
        let again = (0..<100).map { signal("u0", "i5", "click", at: Int64(2_000 + $0)) }
        let (once, often) = (learn(tastes + again.prefix(1), options), learn(tastes + again, options))
        #expect(score("u0", "i5", often) > score("u0", "i5", once))
        #expect(positives("i5", often) == positives("i5", once), "one user, however often")
        #expect(often.models[0].rejected == 0)
    }

    @Test("beyond one a weight counts by its logarithm")
    func saturation() {
        #expect([-1, -0.5, 0, 0.3, 1].allSatisfy { LikingWeight.saturated($0) == $0 })
        #expect(abs(LikingWeight.saturated(100) - 5.605) < 1e-3)
        #expect(LikingWeight.saturated(-100) == -LikingWeight.saturated(100))
        #expect(LikingWeight.saturated(10) > 3 * LikingWeight.saturated(1))
    }

    @Test("from the bar of weights on a pair is liked, and each signal of it from then on is learned from")
    func weightBar() {
        let rule = PositiveRule(ratingMin: 4, weightMin: 3, weightIsStrict: false)
        let options = options([ModelOptions(name: "m", learner: .als(.live, positive: rule))])
        func positive(_ clicks: Int64) -> Int32 {
            positives("i", learn((0..<clicks).map { signal("u", "i", "click", at: $0) }, options))[0]
        }
        #expect([1, 2, 3, 4].map(positive) == [0, 0, 1, 1])
        let rated = learn([rating("u", "i", 5, at: 0), signal("u", "i", "click", at: 1)], options)
        #expect(positives("i", rated) == [1], "a liked rating needs no signals")
    }

    // MARK: - Dislikes

    @Test("a dislike lowers the item for that user, and is positive for nobody", arguments: ranking)
    func dislike(model: ModelOptions) {
        let options = options([model])
        let before = learn(tastes, options)
        for item in ["i2", "i3"] {
            let after = learn(tastes + [signal("u0", item, "dislike", at: 2_000)], options)
            #expect(score("u0", item, after) < score("u0", item, before), "\(item)")
            #expect(after.models[0].rejected == 0)
            let wasLiked = pair("u0", item, before) != nil
            #expect(positives(item, after)[0] == positives(item, before)[0] - (wasLiked ? 1 : 0))
            #expect(
                after.models[0].counts[self.item(item, after)].popular
                    <= before.models[0].counts[self.item(item, before)].popular)
            guard model.learnerName != "als" else { continue }
            #expect(score("u1", item, after) == score("u1", item, before), "others say for themselves")
        }
    }

    @Test("a like and a dislike are what they sum to: nothing, or what is left")
    func sums() {
        let models = Self.ranking + [counter(.popular)]
        let both = [signal("u", "i", "click", at: 1), signal("u", "i", "unlike", at: 2)]
        let zero = learn(both, options(models))
        #expect(pair("u", "i", zero)?.signalWeight == 0 && positives("i", zero) == [0, 0, 0, 0])
        #expect(zero.models.map { $0.counts[0].popular } == [0, 0, 0, 0])
        #expect(
            positives("i", learn(both.reversed(), options(models))) == [0, 0, 0, 0], "late, the like adds too"
        )
        let left = learn(
            [signal("u", "i", "purchase", at: 1), signal("u", "i", "dislike", at: 2)], options(models))
        #expect(pair("u", "i", left)?.signalWeight == 7 && positives("i", left) == [1, 1, 1, 1])
        let again = learn(both + [signal("u", "i", "click", at: 3)], options(models))
        #expect(positives("i", again) == [1, 1, 1, 1])
    }

    @Test(
        "what is rated below the bar is not liked for what is done with it, and a better rating makes it so")
    func opinionsStandApart() {
        let models = Self.ranking + [counter(.popular)]
        let low = [rating("u", "i", 2, at: 1), signal("u", "i", "purchase", at: 2)]
        #expect(positives("i", learn(low, options(models))) == [0, 0, 0, 0])
        #expect(positives("i", learn(low.reversed(), options(models))) == [0, 0, 0, 0])
        let better = learn(low + [rating("u", "i", 5, at: 3)], options(models))
        #expect(positives("i", better) == [1, 1, 1, 1])
        #expect(Self.positive.liking(of: pair("u", "i", better)!) == 11, "the rating's one and the purchase")
        let disliked = learn(
            low.suffix(1) + [rating("u", "i", 5, at: 3), signal("u", "i", "dislike", at: 4)],
            options(models))
        #expect(Self.positive.liking(of: pair("u", "i", disliked)!) == 8)
    }

    @Test(
        "what is disliked is neither waited for again nor followed",
        arguments: [CounterOptions.Kind.repeat, .next])
    func counters(kind: CounterOptions.Kind) {
        var options = options([counter(kind)])
        options.state.seen = .allow
        let taken = [signal("u", "i", "click", at: 1), signal("u", "j", "click", at: 2)]
        let after = learn(taken + [signal("u", "i", "dislike", at: 3)], options)
        let (shard, local) = place("u", after)
        let (trail, i) = (shard.trails[0]![local], Int32(item("i", after)))
        #expect(!trail.recent.contains(i) && trail.own(i) == nil && !trail.isEmpty)
        let still = learn(
            [signal("u", "i", "purchase", at: 0)] + taken + [signal("u", "i", "unlike", at: 3)], options)
        let kept = place("u", still).shard.trails[0]![place("u", still).local]
        #expect(kept.recent.contains(Int32(item("i", still))) || kept.own(Int32(item("i", still))) != nil)
    }

    // MARK: - What comes late, and what is taken back

    // What was older than the last signal was left out, and counted as late.
    @Test(
        "signals that come out of order add as if they had come in time; a rating that comes late does not stand"
    )
    func late() {
        var options = options()
        options.learning.signalHalfLife = .milliseconds(100_000)
        let inOrder = [
            signal("u", "i", "purchase", at: 0), signal("u", "i", "click", at: 100),
            signal("u", "i", "unlike", at: 300),
        ]
        let wanted = pair("u", "i", learn(inOrder, options))!
        #expect(wanted.signalWeight == (10 * 0.5 + 1) * 0.25 - 1)
        for order in [[2, 1, 0], [1, 2, 0], [0, 2, 1]] {
            let state = learn(order.map { inOrder[$0] }, options)
            let found = pair("u", "i", state)!
            #expect(abs(found.signalWeight - wanted.signalWeight) < 1e-6 && state.counters.late == 0)
            #expect(found.signals?.count == 3 && found.time == wanted.time)
        }
        let rated = learn([rating("u", "i", 5, at: 9), rating("u", "i", 1, at: 3)], options)
        #expect(rated.counters.late == 1 && pair("u", "i", rated)?.value == 5)
    }

    @Test(
        "a signal delivered twice adds once, within the window of known events and as the last one beyond it")
    func duplicates() {
        var options = options()
        let click = signal("u", "i", "click", at: 5)
        let twice = learn([click, signal("u", "i", "click", at: 4), click], options)
        #expect(pair("u", "i", twice)?.signals?.count == 2 && twice.counters.duplicates == 1)
        options.state.duplicatesWindow = 0
        #expect(pair("u", "i", learn([click, click], options))?.signals?.count == 1)
    }

    @Test("a retraction takes the rating and all signals; one older than the newest of them takes nothing")
    func retraction() {
        let all = [
            signal("u", "i", "purchase", at: 1), rating("u", "i", 5, at: 2), signal("u", "i", "click", at: 9),
        ]
        func retracted(at seconds: Int64) -> LearnedState {
            learn(
                all + [Event(.retract(user: id("u"), item: id("i")), time: start + seconds * 1000)],
                options(Self.ranking))
        }
        #expect(pair("u", "i", retracted(at: 10)) == nil && positives("i", retracted(at: 10)) == [0, 0, 0])
        #expect(pair("u", "i", retracted(at: 5)) != nil && retracted(at: 5).counters.late == 1)
        let again = learn(
            all + [Event(.retract(user: id("u"), item: id("i"))), signal("u", "i", "click", at: 20)],
            options())
        #expect(pair("u", "i", again)?.signalWeight == 1, "begins anew")
    }

    // The item of a retraction stood on in the trail, and what followed it went on being recommended.
    @Test(
        "a retraction takes the item out of what is waited for again, and out of what is followed",
        arguments: [CounterOptions.Kind.repeat, .next])
    func retractionLeavesTheTrail(kind: CounterOptions.Kind) {
        let taken = ["a", "b", "a", "c"].enumerated().map { signal("u", $1, "click", at: Int64($0)) }
        var options = options([counter(kind)])
        options.state.seen = .allow
        let state = learn(taken + [Event(.retract(user: id("u"), item: id("a")))], options)
        let trail = place("u", state).shard.trails[0]![place("u", state).local]
        let (a, c) = (Int32(item("a", state)), Int32(item("c", state)))
        #expect(trail.own(a) == nil && !trail.recent.contains(a))
        #expect(trail.own(c) != nil || trail.recent.contains(c))
    }

    @Test("where dislikes count, als takes a low rating for a confident zero, for the user and for the item")
    func lowRatingsCount() {
        // Who likes a0 likes x: some do, before others who like a0 say that they don't.
        let fans = (0..<30).flatMap { number in
            ["a0", "x"].map { rating("fan\(number)", $0, 5, at: Int64(number)) }
        }
        let others = (0..<10).flatMap { number in
            [
                rating("u\(number)", "a0", 5, at: Int64(number) + 100),
                rating("u\(number)", "x", 1, at: Int64(number) + 200),
            ]
        }
        func score(_ weight: Float) -> Float {
            var positive = Self.positive
            positive.dislikeWeight = weight
            var als = ALS.Options.live
            als.dislikesAreZero = true
            var options = options([ModelOptions(name: "m", learner: .als(als, positive: positive))])
            options.learning.blockEvents = 8
            let state = learn(fans + others, options)
            let (x, takers) = (item("x", state), state.models[0].alternating?.takers)
            takers?.settle(x)
            #expect(takers?.takers(of: x).count == (weight > 0 ? 40 : 30))
            #expect(pair("u0", "x", state).map { state.models[0].rule.weight(of: $0) } == -weight)
            let (shard, local) = place("u0", state)
            return shard.tables[0].row(local).dot(state.models[0].items.row(x))
        }
        let (disliked, unsaid) = (score(1), score(0))
        #expect(unsaid > 0.1 && disliked < 0.9 * unsaid, "\(disliked), \(unsaid)")
    }

    // MARK: - Whole streams

    /// Everything at once, on few pairs.
    private func mixed(_ count: Int) -> [Event] {
        var random = KeyedRandom(seed: 31)
        return (0..<count).map { number in
            let (user, name) = ("u\(random.next(below: 12))", "i\(random.next(below: 25))")
            let at = Int64(number) - Int64(random.next(below: 40))
            switch random.next(below: 40) {
            case 0: return Event(.forget(user: id(user)), time: start + at * 1000)
            case 1...2: return Event(.retract(user: id(user), item: id(name)), time: start + at * 1000)
            case 3: return Event(.hide(user: id(user), item: id(name)), time: start + at * 1000)
            case 4...12: return rating(user, name, Float(1 + random.next(below: 5)), at: at)
            default:
                let names = ["click", "click", "purchase", "dislike", "unlike"]
                return signal(user, name, names[random.next(below: 5)], at: at)
            }
        }
    }

    @Test(
        "counts hold through signals, ratings, retractions, erasure and the bound, and batches may be cut anyhow",
        arguments: [HalfLife.never, .events(20), .milliseconds(60_000)])
    func soundness(halfLife: HalfLife) {
        for shards in [1, 3] {
            var options = options(Self.ranking + CounterOptions.Kind.allCases.map(counter), shards: shards)
            var disliking = ALS.Options.live
            disliking.dislikesAreZero = true
            var low = Self.positive
            low.dislikeWeight = 0.3
            options.state.models.append(ModelOptions(name: "m", learner: .als(disliking, positive: low)))
            for (number, model) in options.state.models.enumerated() {
                options.state.models[number] = ModelOptions(name: "m\(number)", learner: model.learner)
            }
            options.learning.signalHalfLife = halfLife
            options.learning.historyMax = 9
            options.learning.blockEvents = 64
            // `learned` checks what holds of every state.
            let whole = learned(batches(mixed(1_500), sizes: [1_500]), options)
            #expect(whole.counters.dropped > 0 && whole.counters.late > 0)
            let tallies = whole.shards.reduce(0) { $1.users.reduce($0) { $0 + $1.history.tallyBlob.count } }
            #expect(tallies > 0)
            guard shards == 1 else { continue }
            #expect(learned(batches(mixed(1_500), sizes: [7, 64]), options).digest() == whole.digest())
        }
    }
}
