import Checkpoints
import EngineSupport
import EventLog
import Events
import Factors
import Foundation
import GRDB
import Histories
import Identities
import Learners
import Locking
import Retrieval
import TestSupport
import Testing

@testable import Engine
@testable import LookUps
@testable import State
@testable import StreamLearning

@Suite("Alternating least squares on the stream")
struct AlternationTests {
    private func solved(_ state: LearnedState) -> (model: ModelState, alternating: AlternatingState) {
        let model = state.models[3]
        return (model, model.alternating!)
    }

    /// What the lists and the sums have to say, worked out from the histories and the rows.
    private func check(_ state: LearnedState, _ comment: Comment? = nil) {
        let (model, alternating) = solved(state)
        var wanted = Array(repeating: [Taker](), count: model.items.count)
        let users = state.users.read { $0.rowCount }
        var userGramian = Gramian(factors: model.items.factors)
        for user in 0..<Int32(users) {
            let shard = state.shard(of: user)
            for entry in shard.users[shard.local(user)].history.entries
            where model.rule.weight(of: entry) != 0 {
                wanted[Int(entry.item)].append(Taker(user: user, weight: model.rule.weight(of: entry)))
            }
        }
        for shard in state.shards { userGramian.add(all: shard.longTerm[3]!) }
        for item in 0..<model.items.count {
            alternating.takers.settle(item)
            #expect(alternating.takers.takers(of: item) == wanted[item], comment)
            #expect(Int(model.positives[item]) == wanted[item].count { $0.weight > 0 }, comment)
        }
        let items = Gramian(of: model.items)
        #expect(alternating.itemGramian.distance(to: items) < 1e-4, comment)
        #expect(alternating.userGramian.distance(to: userGramian) < 1e-4, comment)
        #expect(alternating.itemGramian.rows == items.rows, comment)
        #expect(alternating.userGramian.rows == userGramian.rows, comment)
    }

    @Test(
        "retractions, erasures, changed ratings and full histories keep lists and sums in step",
        arguments: [1, 3])
    func inStep(shards: Int) {
        var options = fourLearners(shards: shards)
        options.learning.historyMax = 12
        options.learning.usersMax = 50
        let state = LearnedState(options: options.state)
        for batch in batches(events(3_000, seed: 3), sizes: [170]) {
            let application = BatchApplication(state: state, options: options.learning)
            application.apply(batch)
            check(state)
        }
        #expect(state.counters.dropped > 0 && state.counters.forgets > 0 && state.counters.evicted > 0)
    }

    @Test("a long-term row solves the normal equations of its history, an item those of its takers")
    func closedForm() {
        // The last block ends with the last event, and the one row that is then looked at was solved in it.
        let all = events(640, seed: 21)
        let state = learned(batches(all, sizes: [640]), fourLearners())
        let (model, alternating) = solved(state)
        guard case .als(let options, _) = model.options.learner else { return }
        let item = (0..<model.items.count).max { model.positives[$0] < model.positives[$1] }!
        let row = model.items.row(item).vector
        var residual = (0..<16).map { factor in
            (0..<16).reduce(0.0) { $0 + alternating.userGramian[factor, $1] * Double(row[$1]) }
        }
        var confidence = 0.0
        for taker in alternating.takers.takers(of: item) {
            let user = state.shards[0].longTerm[3]!.row(Int(taker.user)).vector
            let product = zip(user, row).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            let weight = Double(options.alpha * taker.weight)
            confidence += weight
            for factor in 0..<16 {
                residual[factor] += (weight * product - (1 + weight)) * Double(user[factor])
            }
        }
        let evidence = Double(alternating.userGramian.rows) + confidence
        let decay = Double(options.regularization) * pow(evidence, Double(options.regularizationPower))
        for factor in 0..<16 { residual[factor] += decay * Double(row[factor]) }
        let scale = row.map { abs(Double($0)) }.max()! * decay
        #expect(model.positives[item] > 5 && scale > 0)
        #expect(residual.allSatisfy { abs($0) < 0.02 * scale }, "\(residual) of \(scale)")
    }

    @Test("the row served follows the newest events; the long-term row hears of them at the block's end")
    func twoRows() {
        var options = fourLearners()
        options.learning.blockEvents = 1_000_000
        let state = learned(batches(events(500), sizes: [100]), options)
        let (served, longTerm) = (state.shards[0].tables[3], state.shards[0].longTerm[3]!)
        let active = (0..<served.count).filter { !served.row($0).isZero }
        #expect(active.count > 30)
        #expect((0..<longTerm.count).allSatisfy { longTerm.row($0).isZero })
        #expect(state.models[3].alternating!.pendingUsers.count >= active.count)
    }

    @Test("an item that nobody takes any more is as it was born, and learns again")
    func untaken() {
        var options = fourLearners()
        options.learning.blockEvents = 1
        let rating = Event(.rating(user: id("u"), item: id("i"), value: 5))
        let retract = Event(.retract(user: id("u"), item: id("i")))
        let born = LearnedState(options: options.state)
        let application = BatchApplication(
            state: born, options: options.learning)
        application.apply(batches([Event(.item(ItemDescription(item: id("i"))))], sizes: [1])[0])
        let state = learned(batches([rating, retract], sizes: [1]), options)
        #expect(state.models[3].items.row(0).vector == born.models[3].items.row(0).vector)
        #expect(state.shards[0].tables[3].row(0).isZero && state.shards[0].longTerm[3]!.row(0).isZero)
        // Held beyond the look at its row, which is a view.
        let again = learned(batches([rating, retract, rating], sizes: [1]), options)
        #expect(!again.shards[0].tables[3].row(0).isZero)
        check(again)
        check(state)
    }

    @Test("a state without the sums, as one learned in sweeps is, makes them on start")
    func sumsAreMade() throws {
        let folder = Folder()
        let state = learned(batches(events(1_024), sizes: [256]), fourLearners())
        try StateFile(path: folder.state, identity: fourIdentity).write(state.collectChanges())
        try DatabaseQueue(path: folder.state).write {
            try $0.execute(
                sql: """
                    DELETE FROM model_scalars WHERE name LIKE 'als.%'; UPDATE user_factors SET long_term = NULL;
                    \(beforeChecksums)
                    """)
        }
        let file = try StateFile(path: folder.state, identity: fourIdentity)
        let back = LearnedState(options: fourLearners().state)
        try file.read(into: StateLoader(state: back, path: folder.state))
        check(back)
        #expect(
            back.models[3].alternating!.itemGramian.distance(to: state.models[3].alternating!.itemGramian)
                < 1e-4)
    }

    @Test("a long-term row that is not finite, or of another length, is refused and found by verify")
    func damagedLongTerm() throws {
        for blob in [Data([0, 0, 0xC0, 0x7F]), Data(repeating: 0xFF, count: 64)] {
            let folder = Folder()
            let state = learned(batches(events(300), sizes: [100]), fourLearners())
            let file = try StateFile(path: folder.state, identity: fourIdentity)
            try file.write(state.collectChanges())
            try DatabaseQueue(path: folder.state).write {
                try $0.execute(
                    sql: "UPDATE user_factors SET long_term = ? WHERE row = 3 AND model = 'solved'",
                    arguments: [blob])
            }
            #expect(
                try StateFile.verify(path: folder.state).problems.filter { !$0.contains("written") }.count
                    == 1)
            let back = LearnedState(options: fourLearners().state)
            let error = #expect(throws: StateError.self) {
                try file.read(into: StateLoader(state: back, path: folder.state))
            }
            #expect(error?.code == .damaged)
        }
    }

    @Test("where several shards learn, a user's history keeps the order of the log")
    func order() {
        let ratings = (0..<300).map {
            Event(.rating(user: id("u\($0 % 3)"), item: id("i\($0 * 7 % 300)"), value: 5), time: Int64($0))
        }
        let state = learned(batches(ratings, sizes: [90]), fourLearners(shards: 4))
        for shard in state.shards {
            for user in shard.users {
                let times = user.history.entries.sorted { $0.order < $1.order }.map(\.time)
                #expect(times == times.sorted())
                #expect(Set(user.history.entries.map(\.order)).count == times.count)
            }
        }
    }

    @Test("in idle time all that waits is solved, look-ups see it, and then the daemon rests")
    func idle() async throws {
        var options = fourLearners(shards: 2)
        options.learning.blockEvents = 1_000_000
        let live = try LiveEngine(options, identity: fourIdentity)
        try await live.feed(events(1_500))
        func isIdle() -> Bool {
            live.engine.onQueue { state in
                Alternation(state, number: 3).map { !$0.hasIdleWork } ?? false
            }
        }
        for _ in 0..<3_000 where !isIdle() { try await Task.sleep(for: .milliseconds(10)) }
        #expect(isIdle())
        let updates = live.engine.onQueue { $0.models[3].updates }
        try await Task.sleep(for: .milliseconds(50))
        live.engine.onQueue { state in
            check(state)
            let model = state.models[3]
            #expect(model.updates == updates, "nothing is solved once all is fresh")
            #expect((0..<60).contains { !state.shards[0].longTerm[3]!.row($0 % 30).isZero })
            let stale = live.engine.published.models[3].index.read { index in
                (0..<model.items.count).filter { index.vector($0) != model.items.row($0).vector }
            }
            #expect(stale.isEmpty)
            #expect(live.engine.published.models[3].solving!.gramian == model.alternating!.itemGramian)
        }
        try live.stop()
    }

    @Test("a deterministic daemon solves nothing in idle time")
    func noIdleWhenDeterministic() async throws {
        var options = fourLearners()
        options.state.deterministic = true
        let all = events(700)
        let live = try LiveEngine(options, identity: fourIdentity)
        // One after the other: tasks side by side would come into the log in an order of their own.
        for event in all.dropLast() { live.engine.append(event) { _ in } }
        try await live.wait(for: live.append(all[all.count - 1]))
        try await Task.sleep(for: .milliseconds(20))
        #expect(try live.engine.digest().digest == learned(batches(all, sizes: [700]), options).digest())
        try live.stop()
    }
}
