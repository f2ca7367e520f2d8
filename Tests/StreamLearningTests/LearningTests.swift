import Dispatch
import Engine
import EngineSupport
import EventLog
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

@Suite("Learning on shards")
struct LearningTests {
    @Test(
        "each example stands in one cell, and a part goes from a shard to the one before it, never to two at once",
        arguments: [1, 2, 3, 7])
    func gridIsExact(shards: Int) {
        var random = KeyedRandom(seed: 3)
        let examples = (0..<500).map { offset in
            Example(
                kind: .rating, user: Int32(random.next(below: 90)), item: Int32(random.next(below: 400)),
                value: 1,
                time: 0, mean: 0, meanIsKnown: true, scaleBefore: RatingScale(mean: 0, deviation: 1),
                scale: RatingScale(mean: 0, deviation: 1), itemBound: 400, partition: 0, offset: Int64(offset)
            )
        }
        let assignment = ShardAssignment(shards: shards, key: 77)
        let grid = Grid(examples, assignment: assignment)
        var seen = Set<Int32>()
        for shard in 0..<shards {
            #expect(Set((0..<shards).map { grid.part(step: $0, userShard: shard) }).count == shards)
            for step in 0..<shards {
                let part = grid.part(step: step, userShard: shard)
                let cell = grid.cell(userShard: shard, part: part)
                #expect(Array(cell) == cell.sorted())
                for index in cell {
                    #expect(seen.insert(index).inserted)
                    #expect(Int(examples[Int(index)].user) % shards == shard)
                    #expect(assignment.shard(of: Int(examples[Int(index)].item)) == part)
                }
                // Who had the part before is who is waited for, and knows it.
                guard step > 0 else { continue }
                let before = grid.predecessor(step: step, userShard: shard)
                #expect(before.map { grid.part(step: step - 1, userShard: $0) } == part)
                #expect(before.flatMap { grid.successor(step: step - 1, userShard: $0) } == shard)
            }
        }
        for step in 0..<shards {
            #expect(Set((0..<shards).map { grid.part(step: step, userShard: $0) }).count == shards)
        }
        #expect(seen.count == examples.count)
    }

    @Test("the same batches give the same digest, whatever the timing of the shards", arguments: [2, 4])
    func timingDoesNotMatter(shards: Int) {
        let batches = batches(events(3_000), sizes: [250])
        let quiet = learned(batches, smallOptions(shards: shards))
        var random = KeyedRandom(seed: 8)
        let disturbed = learned(batches, smallOptions(shards: shards)) { state in
            // Some queues are held up before each batch, as look-ups hold them up.
            for shard in state.shards where random.next(below: 2) == 0 {
                shard.queue.async { usleep(500) }
            }
        }
        #expect(quiet.digest() == disturbed.digest())
        #expect(quiet.counters.applied == 3_000)
    }

    @Test("on one shard the state is a function of the log, however batches are cut")
    func cutsDoNotMatter() {
        let events = events(2_000)
        let whole = learned(batches(events, sizes: [2_000]), smallOptions())
        for sizes in [[1], [7, 64, 3], [500, 1]] {
            #expect(learned(batches(events, sizes: sizes), smallOptions()).digest() == whole.digest())
        }
    }

    @Test("another seed gives another state")
    func seedMatters() {
        let batches = batches(events(300), sizes: [100])
        var other = smallOptions()
        other.state.seed = 2
        #expect(learned(batches, smallOptions()).digest() != learned(batches, other).digest())
    }

    @Test("events before the state's position are not learned again")
    func replayIsIgnored() {
        let batches = batches(events(400), sizes: [100])
        let once = learned(batches, smallOptions())
        let replayed = learned(
            [batches[0], batches[1], batches[0], batches[1], batches[2], batches[2], batches[3]],
            smallOptions())
        #expect(once.digest() == replayed.digest())
    }

    @Test("both models learn the planted tastes, better than their baselines")
    func learnsTastes() {
        let state = learned(
            batches(events(20_000, users: 200, items: 400), sizes: [512]), smallOptions(shards: 2))
        let (stars, likes) = (state.models[0].score.total, state.models[1].score.total)
        #expect(stars.count > 10_000 && likes.count > 500)
        #expect(stars.model < stars.baseline)
        #expect(likes.model > 1.2 * likes.baseline)
    }

    @Test("a user who has taken all ratings back is a stranger to the means baseline")
    func emptyMeans() {
        let user = id("back-and-forth")
        var all = events(200, seed: 8)
        all.append(Event(.rating(user: user, item: id("i0"), value: 5)))
        all += events(200, seed: 9)
        all.append(Event(.retract(user: user, item: id("i0"))))
        let state = learned(batches(all, sizes: [64]), smallOptions())
        let row = state.users.read { $0.row(of: user) }!
        let kept = state.shard(of: row).users[state.shard(of: row).local(row)]
        #expect(kept.ratings == 0)
        #expect(kept.residualSum == 0)
    }

    @Test("tags follow each description, and one that nobody carries any more is let go")
    func tags() {
        var catalogue = Catalogue()
        var random = KeyedRandom(seed: 5)
        var tags: [Int: [String]] = [:]
        for _ in 0..<2_000 {
            let row = random.next(below: 50)
            tags[row] = (0..<random.next(below: 4)).map { _ in "t\(random.next(below: 9))" }
            catalogue.describe(row, title: nil, tags: tags[row], available: nil)
        }
        for number in 0..<9 {
            let carriers = (0..<50).filter { tags[$0]?.contains("t\(number)") == true }
            #expect(catalogue.items(tagged: "t\(number)") == carriers.map(Int32.init))
        }
        for row in 0..<50 { catalogue.describe(row, title: nil, tags: ["only-\(row % 2)"], available: nil) }
        #expect(catalogue.tagCount == 2)
    }

    @Test("the same event delivered twice is learned once")
    func duplicates() {
        let rating = Event(.rating(user: id("u"), item: id("i"), value: 4), time: 5)
        let state = learned(batches([rating, rating, rating], sizes: [2]), smallOptions())
        #expect(state.counters.applied == 3)
        #expect(state.counters.duplicates == 2)
        #expect(state.models[0].updates == 1)
        #expect(state.stats[0].ratings == 1)
    }

    @Test("a changed rating counts once, with its new value")
    func changedRating() {
        let ratings = [2, 5].map { Event(.rating(user: id("u"), item: id("i"), value: $0), time: Int64($0)) }
        let state = learned(batches(ratings, sizes: [1]), smallOptions())
        #expect(state.stats[0].users == 1 && state.stats[0].ratings == 1 && state.stats[0].ratingSum == 5)
        #expect(state.models[1].positives[0] == 1)
    }

    @Test("a click after a rating leaves the rating standing, and is learned from where that is liked")
    func signalAfterRating() {
        func state(rating: Float, events count: Int) -> LearnedState {
            let events = [
                Event(.rating(user: id("u"), item: id("i"), value: rating), time: 1),
                Event(.signal(user: id("u"), item: id("i"), name: "click"), time: 2),
                Event(.rating(user: id("v"), item: id("j"), value: 1), time: 3),
                Event(.signal(user: id("u"), item: id("i"), name: "click"), time: 4),
            ]
            return learned(batches(Array(events.prefix(count)), sizes: [1]), smallOptions())
        }
        let (low, high) = (state(rating: 2, events: 4), state(rating: 5, events: 4))
        for (state, rating) in [(low, 2), (high, 5)] as [(LearnedState, Double)] {
            #expect(state.stats[0].ratings == 1 && state.stats[0].ratingSum == rating)
            #expect(state.shards[0].users[0].history[0]?.kind == .rating)
            #expect(state.counters.signals == 2)
        }
        #expect(low.models[1].updates == 0, "what was rated low is not liked for a click")
        #expect(state(rating: 5, events: 3).models[1].updates == 0 && high.models[1].updates > 0)
    }

    @Test("a retraction takes the rating out of history, counts and popularity")
    func retraction() {
        let events = [
            Event(.rating(user: id("u"), item: id("i"), value: 5)),
            Event(.rating(user: id("v"), item: id("i"), value: 4)),
            Event(.retract(user: id("u"), item: id("i"))),
            Event(.retract(user: id("u"), item: id("unknown"))),
        ]
        let state = learned(batches(events, sizes: [4]), smallOptions())
        #expect(state.stats[0].users == 1 && state.stats[0].ratingSum == 4)
        #expect(state.models[1].positives[0] == 1)
        #expect(state.shards[0].users[0].history.entries.isEmpty)
        #expect(state.counters.retractions == 2)
    }

    @Test(
        "a forgotten user is gone from ids, rows and counts, and comes back as a stranger", arguments: [1, 3])
    func forgetting(shards: Int) {
        let ratings = (0..<40).map {
            Event(.rating(user: id("u\($0 % 4)"), item: id("i\($0 % 10)"), value: 5), time: Int64($0))
        }
        let forget = Event(.forget(user: id("u1")))
        let back = Event(.rating(user: id("u1"), item: id("i9"), value: 5))
        let state = learned(batches(ratings + [forget], sizes: [41]), smallOptions(shards: shards))
        #expect(state.users.read { $0.row(of: id("u1")) } == nil)
        #expect(state.users.read { $0.count } == 3)
        let shard = state.shard(of: 1)
        #expect(shard.users[shard.local(1)].id == nil && shard.users[shard.local(1)].history.entries.isEmpty)
        for table in shard.tables { #expect(table.row(shard.local(1)).vector.allSatisfy { $0 == 0 }) }
        let standing = ["u0", "u2", "u3"].map { state.historyCount($0) }.reduce(0, +)
        let counted = (0..<10).map { Int(state.stats[$0].users) }.reduce(0, +)
        #expect(counted == standing)

        let again = learned(batches(ratings + [forget, back], sizes: [42]), smallOptions(shards: shards))
        #expect(again.historyCount("u1") == 1)
        #expect(again.users.read { $0.row(of: id("u1")) } == 1, "the lowest free row is given out again")
    }

    @Test("a history past its bound drops its oldest item, and the counts agree", arguments: [1, 2])
    func historyBound(shards: Int) {
        var options = smallOptions(shards: shards)
        options.learning.historyMax = 5
        let ratings = (0..<200).map {
            Event(.rating(user: id("u"), item: id("i\($0)"), value: 5), time: Int64($0))
        }
        let state = learned(batches(ratings, sizes: [100]), options)
        #expect(state.historyCount("u") == 5)
        let (users, positives) = (state.stats, state.models[1].positives)
        #expect((0..<200).map { Int(users[$0].users) }.reduce(0, +) == 5)
        #expect((0..<200).map { Int(positives[$0]) }.reduce(0, +) == 5)
        #expect(state.counters.dropped == 195)
    }

    @Test("past the bound of users those heard of least recently are erased, however batches are cut")
    func usersBound() {
        var options = smallOptions()
        options.learning.usersMax = 20
        let ratings = (0..<500).map {
            // u0 comes again and again; the others once each.
            let user = $0 % 3 == 0 ? "u0" : "u\($0)"
            return Event(.rating(user: id(user), item: id("i\($0 % 30)"), value: 5), time: Int64($0))
        }
        let state = learned(batches(ratings, sizes: [500]), options)
        #expect(state.users.read { $0.count } == 20)
        #expect(state.users.read { $0.rowCount } == 20, "rows are given out again")
        #expect(state.historyCount("u0") > 0 && state.historyCount("u499") > 0)
        #expect(state.historyCount("u1") == 0)
        let standing = state.shards[0].users.map { $0.history.entries.count }.reduce(0, +)
        #expect((0..<30).map { Int(state.stats[$0].users) }.reduce(0, +) == standing)
        #expect(state.counters.evicted == 334 - 20)
        #expect(learned(batches(ratings, sizes: [1, 7]), options).digest() == state.digest())
    }

    @Test("past the bound of items events on new items are counted and left out")
    func itemsBound() {
        var options = smallOptions()
        options.learning.itemsMax = 10
        let ratings = (0..<100).map {
            Event(.rating(user: id("u\($0)"), item: id("i\($0 % 20)"), value: 5), time: Int64($0))
        }
        let state = learned(batches(ratings, sizes: [30]), options)
        #expect(state.items.read { $0.count } == 10)
        #expect(state.counters.applied == 100 && state.counters.refused == 50)
        #expect(state.users.read { $0.count } == 50, "nor are their users taken in")
        #expect(state.ratings.count == 50)
    }

    @Test("updates past the norm bound are dropped and counted, and every number stays finite")
    func guardHolds() {
        var options = smallOptions()
        options.state.normMax = 0.2
        let state = learned(batches(events(500), sizes: [100]), options)
        #expect(state.models.allSatisfy { $0.rejected > 0 })
        for model in state.models {
            for row in 0..<model.items.count {
                #expect(model.items.row(row).vector.allSatisfy { $0.isFinite })
                #expect(model.items.row(row).dot(model.items.row(row)).squareRoot() <= 0.2001)
            }
        }
    }

    @Test("a user who has seen everything, and a catalogue of one item, are no trouble")
    func tinyWorlds() {
        let all = (0..<30).map {
            Event(.rating(user: id("u"), item: id("i\($0 % 3)"), value: 5), time: Int64($0))
        }
        #expect(learned(batches(all, sizes: [30]), smallOptions()).counters.applied == 30)
        let one = [Event(.rating(user: id("u"), item: id("i"), value: 5))]
        #expect(learned(batches(one, sizes: [1]), smallOptions(shards: 4)).counters.applied == 1)
    }
}

extension LearnedState {
    /// Items in the user's history; 0 for an unknown one.
    func historyCount(_ user: String) -> Int {
        guard let row = users.read({ $0.row(of: id(user)) }) else { return 0 }
        let shard = shard(of: row)
        return shard.queue.sync { shard.users[shard.local(row)].history.entries.count }
    }
}
