import Engine
import EngineSupport
import Events
import Factors
import Foundation
import Histories
import Identities
import LiveScores
import Locking
import State
import Testing

@testable import StreamLearning

@Suite("Replay")
struct ReplayTests {
    private func options(_ change: (inout Replay.Options) -> Void = { _ in }) -> Replay.Options {
        var options = Replay.Options()
        (options.state, options.learning) = (smallOptions().state, smallOptions().learning)
        change(&options)
        return options
    }

    private func rate(_ user: String, _ item: String, _ value: Float = 5) -> Event {
        Event(.rating(user: id(user), item: id(item), value: value))
    }

    @Test("it learns as the daemon does, whether it is looked on or not and however batches are cut")
    func sameState() throws {
        let stream = events(2_000)
        var replay = Replay(options: options())
        for start in stride(from: 0, to: stream.count, by: 37) {
            _ = try replay.learn(stream[start..<min(stream.count, start + 37)])
        }
        var daemon = smallOptions()
        daemon.state.deterministic = true
        let state = learned(batches(stream, sizes: [500]), daemon)
        var other = Replay(options: options())
        _ = try other.learn(stream)
        for (mine, theirs) in zip(replay.models + other.models, state.models + state.models) {
            #expect(mine.items.count == theirs.items.count)
            let equal = (0..<mine.items.count).allSatisfy {
                mine.items.row($0).vector == theirs.items.row($0).vector
                    && mine.items.bias($0) == theirs.items.bias($0)
            }
            #expect(equal)
            #expect(mine.score.total == theirs.score.total)
        }
    }

    @Test("only known items that the user has not seen are candidates")
    func candidates() throws {
        var replay = Replay(options: options())
        let tested = try replay.learn([
            rate("a", "x"), rate("a", "y"), rate("b", "x"), rate("b", "y"), rate("b", "x", 4), rate("c", "z"),
            rate("b", "z", 2), rate("c", "x"),
        ])
        #expect(tested.map(\.ordinal) == Array(1...8))
        #expect(tested.map(\.userIsKnown) == [false, true, false, true, true, false, true, true])
        #expect(tested.map(\.itemIsKnown) == [false, false, true, true, true, false, true, true])
        #expect(tested.map(\.isRepeat) == [false, false, false, false, true, false, false, false])
        // New items and repeats are not ranked, nor what is not liked.
        #expect(tested.map { $0.ranking?.candidates } == [nil, nil, 2, 1, nil, nil, nil, 2])
    }

    @Test("popularity counts likes so far, and lets ties be ties")
    func popularity() throws {
        var replay = Replay(options: options { $0.popularityHalfLife = 1 })
        let tested = try replay.learn([
            rate("a", "x"), rate("b", "x"), rate("c", "y"), rate("d", "z", 1), rate("e", "y"), rate("f", "z"),
        ])
        let last = try #require(tested[5].ranking), before = try #require(tested[4].ranking)
        #expect(before.popularity == .init(higher: 1, equal: 0))
        // Likes 1, 2, 4 as they double: y has 4, x has 1 + 2.
        #expect(before.decayedPopularity == .init(higher: 0, equal: 0))
        #expect(last.popularity == .init(higher: 2, equal: 0))
        #expect(last.candidates == 3)
    }

    @Test("a rank is exact: that of a plain sort over all candidates")
    func exactRank() throws {
        let stream = events(600, users: 20, items: 40)
        var replay = Replay(options: options())
        _ = try replay.learn(stream.dropLast(100))
        var compared = 0
        for event in stream.suffix(100) {
            let expected = plainStanding(of: event, in: replay)
            let tested = try replay.learn([event])
            guard let ranking = tested.first?.ranking, let expected else { continue }
            #expect(ranking.models[1] == expected)
            compared += 1
        }
        #expect(compared > 20)
    }

    @Test("errors are those of the model's own score, beside the means")
    func errors() throws {
        let stream = events(800)
        var replay = Replay(options: options())
        let tested = try replay.learn(stream)
        let errors = tested.compactMap { $0.squaredErrors.first ?? nil }
        let means = tested.compactMap(\.meansSquaredError)
        let score = replay.models[0].score.total
        #expect(errors.count == Int(score.count) && means.count == errors.count)
        #expect(abs(errors.reduce(0) { $0 + Double($1) } - score.model) < 1e-6)
        #expect(abs(means.reduce(0) { $0 + Double($1) } - score.baseline) < 1e-6)
        // A model that ranks predicts no rating.
        #expect(tested.allSatisfy { $0.squaredErrors.isEmpty || $0.squaredErrors[1] == nil })
    }

    @Test("duplicates are passed over, one user and one item are no trouble")
    func degenerate() throws {
        var replay = Replay(options: options())
        let same = Event(.rating(user: id("u"), item: id("i"), value: 5), time: 1)
        let tested = try replay.learn([
            same, same, Event(.rating(user: id("u"), item: id("i"), value: 1), time: 2),
        ])
        #expect(tested.count == 2 && replay.duplicates == 1)
        #expect(tested.allSatisfy { $0.ranking == nil })
        #expect(try replay.learn([]).isEmpty)
        #expect(replay.users == 1 && replay.items == 1)
    }

    @Test("a score that is no number stops it, and names the model")
    func nonFinite() throws {
        var replay = Replay(options: options())
        _ = try replay.learn([rate("a", "x"), rate("b", "y"), rate("a", "z")])
        replay.models[1].items.row(2).bias = .nan
        let error = ReplayError.nonFinite(model: "likes", user: "b")
        #expect(throws: error) { try replay.learn([rate("b", "x")]) }
    }

    @Test("items that the user has all seen, with scores that are no numbers, end the search for a negative")
    func nonFiniteAndSeen() throws {
        var replay = Replay(options: options())
        _ = try replay.learn(["x", "y", "z"].map { rate("a", $0) })
        for row in 0..<3 { replay.models[1].items.row(row).bias = .nan }
        #expect(try replay.learn([rate("a", "x")]).count == 1)
    }

    /// The standing of a liked, known, unseen item by a plain loop, or `nil` for anything else.
    private func plainStanding(of event: Event, in replay: Replay) -> ReplayedEvent.Standing? {
        guard case .rating(let user, let item, let value) = event.kind, value >= 4,
            let userRow = replay.row(user: user), let itemRow = replay.row(item: item)
        else { return nil }
        let shard = replay.shard, model = replay.models[1]
        let history = shard.users[Int(userRow)].history
        guard !history.contains(itemRow) else { return nil }
        func score(_ item: Int) -> Float {
            let row = model.items.row(item)
            return shard.tables[1].row(Int(userRow)).dot(row) + row.bias
        }
        let wanted = score(Int(itemRow))
        let others = (0..<model.items.count).filter {
            $0 != Int(itemRow) && !history.contains(Int32($0)) && replay.isKnown($0)
        }
        return ReplayedEvent.Standing(
            higher: others.count { score($0) > wanted + 1e-6 },
            equal: others.count { abs(score($0) - wanted) <= 1e-6 })
    }
}

extension Replay {
    fileprivate var models: [ModelState] { state.models }
    fileprivate var shard: UserShard { state.shards[0] }
    fileprivate func row(user: EntityID) -> Int32? { state.users.read { $0.row(of: user) } }
    fileprivate func row(item: EntityID) -> Int32? { state.items.read { $0.row(of: item) } }
    fileprivate func isKnown(_ item: Int) -> Bool { observer.isKnown[item] == 1 }
}
