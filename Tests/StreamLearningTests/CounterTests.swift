import Counting
import Engine
import EngineSupport
import Events
import Factors
import Foundation
import Histories
import Identities
import Learners
import LiveScores
import Locking
import State
import Testing

@testable import StreamLearning

@Suite("Models that count")
struct CounterTests {
    private static let any = PositiveRule(ratingMin: -.infinity)

    private func options(
        _ kinds: [CounterOptions.Kind], shards: Int = 1, seen: SeenRule = .allow,
        change: (inout CounterOptions) -> Void = { _ in }
    ) -> EngineOptions {
        var options = smallOptions(shards: shards)
        options.state.seen = seen
        options.state.models = kinds.map { kind in
            var counter = CounterOptions(kind)
            change(&counter)
            return ModelOptions(name: kind.rawValue, learner: .counter(counter, positive: Self.any))
        }
        return options
    }

    private func take(_ user: String, _ item: String, minute: Int) -> Event {
        Event(.signal(user: id(user), item: id(item), name: "click"), time: Int64(minute) * 60_000 + 1)
    }

    private func row(_ item: String, _ state: LearnedState) -> Int32 {
        state.items.read { $0.row(of: id(item)) }!
    }

    /// Takings of some thirty items by a dozen users, again and again, in the order that a ring gives.
    private func ring(_ count: Int, seed: UInt64 = 5) -> [Event] {
        var random = KeyedRandom(seed: seed)
        var last = Array(repeating: 0, count: 12)
        return (0..<count).map { number in
            let user = random.next(below: 12)
            last[user] = random.nextUnit() < 0.8 ? (last[user] + 1) % 30 : random.next(below: 30)
            return take("u\(user)", "i\(last[user])", minute: number)
        }
    }

    @Test("each taking counts, and fades by events or by time")
    func popularity() {
        for (halfLife, expected) in [
            (HalfLife.never, 3.0), (.events(1), 1.75), (.milliseconds(60_000), 1.3125),
        ] {
            let options = options([.trending]) { $0.halfLife = halfLife }
            let events = [
                take("u", "x", minute: 0), take("u", "x", minute: 2), take("v", "x", minute: 4),
            ]
            let state = learned(batches(events, sizes: [2]), options)
            #expect(abs(state.models[0].counts[0].popular - expected) < 1e-9)
        }
    }

    @Test("what follows an item is known after it, and what is taken back is not followed")
    func next() {
        let state = learned(batches(ring(3_000), sizes: [100]), options([.next]))
        let counter = state.models[0].counter!
        for item in 0..<30 {
            let sketch = counter.successors[Int(row("i\(item)", state))]
            let best = sketch.entries.max { $0.count < $1.count }
            #expect(best?.item == row("i\((item + 1) % 30)", state))
        }
        let trail = state.shards[0].trails[0]![0]
        #expect(trail.recent.count == 5)
        let last = trail.recent.last!
        let user = state.users.read { $0.id(of: 0)! }, item = state.items.read { $0.id(of: last)! }
        let after = learned(
            batches(ring(3_000) + [Event(.retract(user: user, item: item))], sizes: [100]), options([.next]))
        #expect(!after.shards[0].trails[0]![0].recent.contains(last))
    }

    @Test("what comes at once is told from what comes later")
    func nearness() {
        let state = learned(batches(ring(3_000), sizes: [100]), options([.next]))
        let counter = state.models[0].counter!
        var trail = UserTrail()
        for item in ["i9", "i10"] { trail.follow(row(item, state), limit: 5) }
        let successors: (Int32) -> SuccessorSketch? = { counter.successors[Int($0)] }
        let atOnce = counter.rule.succeeding(trail, successors: successors)
        let later = row("i12", state)
        #expect(atOnce[row("i11", state)]! > 0.5)
        #expect((atOnce[later] ?? 0) < 0.1)
        // After all of the trail it is likely too.
        let sketch = counter.successors[Int(row("i10", state))]
        let entry = sketch.entries.first { $0.item == later }!
        #expect(sketch.share(of: entry, shrinkage: 0) > 2 * sketch.nearShare(of: entry, shrinkage: 0))
    }

    @Test("several shards count every transition that one counts")
    func shards() {
        func total(_ shards: Int) -> Float {
            let state = learned(
                batches(ring(2_000), sizes: [150]),
                options([.next, .repeat], shards: shards) {
                    $0.halfLife = .never
                })
            let counter = state.models[0].counter!
            return (0..<counter.successors.count).reduce(0) { $0 + counter.successors[$1].total }
        }
        // Which of a user's own come first differs with the order within a batch; how many there are does not much.
        #expect(abs(total(1) - total(3)) < 0.1 * total(1))
    }

    @Test("what was just taken waits for as long as it usually does")
    func repeats() {
        // Everybody takes each of four items every fourth event.
        let events = (0..<4_000).map { number in
            take("u\(number % 8)", "i\(number / 8 % 4)", minute: number)
        }
        let state = learned(batches(events, sizes: [250]), options([.repeat]))
        let counter = state.models[0].counter!
        let trail = state.shards[0].trails[0]![0]
        let scores = CounterRule(CounterOptions(.repeat)).personal(
            trail, at: 4_000 * 60_000, retakes: { counter.retakes.strength($0) }, successors: { _ in nil })
        let due = scores.max { $0.value < $1.value }!
        let oldest = trail.own.min { $0.last < $1.last }!
        // Of one cell are those that are about due.
        #expect(scores[oldest.item] == due.value)
        let newest = trail.own.max { $0.last < $1.last }!
        #expect(scores[newest.item]! < 0.2 * due.value)
    }

    @Test("where nothing is shown again, nothing is kept of what a user took")
    func neverAgain() {
        let events = (0..<50).map { take("u", "i\($0 % 9)", minute: $0) }
        let state = learned(batches(events, sizes: [10]), options([.repeat], seen: .exclude))
        #expect(state.shards[0].trails[0]![0].isEmpty)
        #expect(state.models[0].counts[Int(row("i0", state))].popular > 5)
    }

    @Test("a user's own counts are bounded")
    func bounded() {
        let events = (0..<700).map { take("u", "i\($0)", minute: $0) }
        let state = learned(
            batches(events + [take("u", "i0", minute: 701)], sizes: [100]), options([.repeat]))
        #expect(state.shards[0].trails[0]![0].own.count == CounterOptions.ownItemsMax)
        #expect(state.shards[0].trails[0]![0].own(row("i699", state)) != nil)
    }

    @Test("the digest does not depend on how batches are cut", arguments: [1, 7, 64])
    func anyBatches(size: Int) {
        var options = options(CounterOptions.Kind.allCases)
        options.state.deterministic = true
        let whole = learned(batches(ring(1_200), sizes: [1_200]), options)
        #expect(learned(batches(ring(1_200), sizes: [size]), options).digest() == whole.digest())
    }

    private func replay(_ seen: SeenRule, _ kinds: [CounterOptions.Kind]) -> Replay {
        var options = Replay.Options()
        options.state = self.options(kinds).state
        options.state.seen = seen
        options.positive = Self.any
        return Replay(options: options)
    }

    @Test("a rank by counts is that of a plain sort", arguments: [SeenRule.exclude, .allow, .after(600_000)])
    func exactRank(seen: SeenRule) throws {
        var replay = replay(seen, CounterOptions.Kind.allCases)
        var ranked = 0
        for event in ring(400) {
            guard case .signal(let user, let item, _) = event.kind else { continue }
            // As it stands before the event.
            let rows = replay.state.users.read { $0.row(of: user) }
            let wanted = replay.state.items.read { $0.row(of: item) }
            var expected: [Int: (higher: Int, equal: Int)] = [:]
            if let user = rows, let wanted {
                let example = Example(
                    kind: .signal, user: user, item: wanted, value: 1, time: event.time!, isTimed: true,
                    mean: 0, meanIsKnown: false, scaleBefore: RatingScale(mean: 0, deviation: 0),
                    scale: RatingScale(mean: 0, deviation: 0), itemBound: 0, partition: 0, offset: 0,
                    ordinal: replay.state.counters.applied + 1)
                let history = replay.state.shards[0].users[Int(user)].history
                let assignment = ShardAssignment(shards: 1, key: 1)
                let lease = LeaseBook(shards: 1).lend(0, of: assignment)
                for (number, model) in replay.state.models.enumerated() {
                    guard case .counter(let rule, _) = model.rule else { continue }
                    let scores = CounterLearner(rule: rule).scores(
                        example, model: model, shard: replay.state.shards[0], local: Int(user),
                        number: number, lease: lease)
                    let candidates = (0..<model.items.count).filter { row in
                        history[Int32(row)].map { !seen.keepsOut(taken: $0.time, now: event.time!) } ?? true
                    }
                    expected[number] = (
                        candidates.count { scores($0) > scores(Int(wanted)) },
                        candidates.count { scores($0) == scores(Int(wanted)) } - 1
                    )
                }
            }
            let tested = try replay.learn([event])[0]
            guard let ranking = tested.ranking, !expected.isEmpty else { continue }
            ranked += 1
            for (number, place) in expected {
                // What differs by less than a float32 tells is level to the sort.
                let standing = ranking.models[number]
                #expect(standing.higher >= place.higher)
                #expect(standing.higher + standing.equal <= place.higher + place.equal)
            }
        }
        #expect(ranked > 100)
    }

    @Test("what was taken is a candidate again as the rule says")
    func seenRules() throws {
        let stream = [
            take("u", "x", minute: 0), take("u", "y", minute: 1), take("u", "x", minute: 2),
            take("u", "x", minute: 30),
        ]
        func candidates(_ seen: SeenRule) throws -> [Int?] {
            var replay = replay(seen, [.popular])
            return try replay.learn(stream).map { $0.ranking?.candidates }
        }
        #expect(try candidates(.exclude) == [nil, nil, nil, nil])
        #expect(try candidates(.allow) == [nil, nil, 2, 2])
        #expect(try candidates(.after(10 * 60_000)) == [nil, nil, nil, 2])
    }

    @Test("the live score is of what may be shown: repeats count where they are allowed")
    func liveScore() {
        let events = (0..<6_000).map { number in
            take("u\(number % 20)", "i\((number % 20 * 17 + number / 20 % 5) % 400)", minute: number)
        }
        let others = (0..<400).map { take("w", "i\($0)", minute: 0) }
        func scored(_ seen: SeenRule) -> Int64 {
            var options = options([.repeat])
            options.state.seen = seen
            return learned(batches(others + events, sizes: [500]), options).models[0].score.total.count
        }
        #expect(scored(.allow) > 10 * max(1, scored(.exclude)))
    }
}
