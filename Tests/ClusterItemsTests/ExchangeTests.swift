import ClusterItems
import Counting
import EngineSupport
import Events
import Factors
import FeatureMaps
import Identities
import Learners
import Locking
import State
import Testing

@Suite("What machines tell each other of items")
struct ExchangeTests {
    @Test("counts add up to what one machine counts, on each of three", arguments: [1, 7, 50])
    func sums(rounds: Int) throws {
        let events = plainEvents(1_500)
        let whole = Machines(1, smallState())
        whole.learn(events)
        let parts = Machines(3, smallState())
        for round in 0..<rounds {
            let range = events.count * round / rounds..<events.count * (round + 1) / rounds
            parts.learn(events[range])
            try parts.exchange()
        }
        let one = whole.states[0]
        for (number, state) in parts.states.enumerated() {
            #expect(state.ratings.count == one.ratings.count && state.ratings.sum == one.ratings.sum)
            #expect(abs(state.ratings.squares - one.ratings.squares) < 1e-9 * one.ratings.squares)
            #expect(state.counters.clock == one.counters.applied)
            for item in 0..<50 {
                guard let row = parts.row("i\(item)", on: number), let own = whole.row("i\(item)", on: 0)
                else {
                    Issue.record("item \(item) is missing")
                    continue
                }
                let (counts, known) = (state.stats[row], one.stats[own])
                #expect(counts.users == known.users && counts.ratings == known.ratings)
                #expect(counts.ratingSum == known.ratingSum && counts.lastEvent == known.lastEvent)
                for (model, other) in zip(state.models, one.models) {
                    #expect(model.positives[row] == other.positives[own])
                }
            }
        }
    }

    @Test("what follows what is counted as on one machine")
    func successors() throws {
        let options = smallState { $0.models = $0.models.filter { $0.name == "next" } }
        let (whole, parts) = (Machines(1, options), Machines(2, options))
        let events = plainEvents(600)
        whole.learn(events)
        parts.learn(events)
        try parts.exchange()
        for item in 0..<50 {
            let known = whole.states[0].models[0].counter?.successors[
                try #require(whole.row("i\(item)", on: 0))]
            let mine = parts.states[1].models[0].counter?.successors[
                try #require(parts.row("i\(item)", on: 1))]
            // They fade by each transition from the item, in whatever order those come.
            #expect(
                abs((mine?.sum ?? 0) / (mine?.unit ?? 1) - (known?.total ?? 0)) <= 0.05 * (known?.total ?? 1))
            #expect(mine?.count == known?.count)
        }
    }

    @Test("nobody tells again what was told, and nothing comes back")
    func silence() throws {
        let parts = Machines(3, smallState())
        parts.learn(plainEvents(400))
        let told = try parts.exchange()
        #expect(told.allSatisfy { !$0.items.isEmpty && $0.events > 0 })
        #expect(told.contains { $0.models.contains { !$0.steps.isEmpty } })
        for changes in try parts.exchange() + parts.exchange() {
            #expect(changes.events == 0 && changes.models.isEmpty)
            // Rounding leaves a part of a 127th behind, of which some are large enough to be told.
            #expect(changes.items.allSatisfy { $0.stats == nil && $0.name == nil && $0.description == nil })
        }
    }

    // They were taken for told, and users who had them came to others without them.
    @Test("items that come here while others tell of theirs are told by name all the same")
    func namesOfItemsBetween() throws {
        let parts = Machines(2, smallState())
        parts.learn([Event(.rating(user: id("a"), item: id("theirs"), value: 4), time: 1)], on: 1)
        let told = parts.ledgers[1].takeChanges()
        parts.learn([Event(.rating(user: id("b"), item: id("ours"), value: 5), time: 2)], on: 0)
        _ = parts.ledgers[0].merge(told)
        #expect(parts.row("theirs", on: 0) != nil)
        let names = Set(parts.ledgers[0].takeChanges().items.compactMap(\.name))
        #expect(names == ["ours"])
        #expect(parts.ledgers[0].row(ofHash: ItemHash.of("ours".utf8)) != nil)
    }

    @Test("rows agree on all machines once all is told, but for rounding")
    func rows() throws {
        let parts = Machines(3, smallState { $0.models = Array($0.models.prefix(2)) })
        for round in 0..<6 {
            parts.learn(plainEvents(200, seed: UInt64(round)))
            try parts.exchange()
        }
        for _ in 0..<4 { try parts.exchange() }
        for item in 0..<50 {
            for number in 0..<2 {
                let rows = try (0..<3).map {
                    parts.states[$0].models[number].items.row(try #require(parts.row("i\(item)", on: $0)))
                }
                for other in rows.dropFirst() {
                    for (left, right) in zip(rows[0].vector, other.vector) {
                        #expect(abs(left - right) < 5e-3)
                    }
                    #expect(abs(rows[0].bias - other.bias) < 5e-3)
                }
            }
        }
    }

    @Test("rows that both have moved: steps are added, averaged, or drawn together")
    func rules() throws {
        for (rule, expected) in [
            (MergeRule.added, Float(2)), (.damped(1e9), 2), (.averaged, 1), (.elastic(0.5), 1.5),
        ] {
            var exchange = ExchangeOptions()
            exchange.rule = rule
            let parts = Machines(2, smallState { $0.models = Array($0.models.prefix(1)) }, exchange: exchange)
            parts.learn([Event(.rating(user: id("u"), item: id("i"), value: 3), time: 1)], on: 0)
            try parts.exchange()
            try parts.exchange()
            let rows = try (0..<2).map {
                parts.states[$0].models[0].items.row(try #require(parts.row("i", on: $0)))
            }
            let before = rows.map(\.vector)
            for (number, row) in rows.enumerated() {
                row.set(vector: before[number].map { $0 + 1 }, bias: row.bias)
                parts.states[number].models[0].items.markChanged(try #require(parts.row("i", on: number)))
            }
            let told = parts.ledgers[0].takeChanges()
            _ = parts.ledgers[1].merge(told)
            // The second one has heard of the first's step by now, and weighs its own by that.
            _ = parts.ledgers[0].merge(parts.ledgers[1].takeChanges())
            let moved = rows[0].vector[0] - before[0][0]
            switch rule {
            // The second one knows of more steps since it told last than its own, which count as their part of all.
            case .averaged: #expect(moved > 1.1 && moved < 1.6)
            default: #expect(abs(moved - expected) < 0.01)
            }
        }
    }

    @Test("a change is about as long as it may be, and what waits comes later")
    func bounds() throws {
        var exchange = ExchangeOptions()
        exchange.bytesMax = 1_000
        let options = smallState { $0.models = Array($0.models.prefix(2)) }
        let parts = Machines(2, options, exchange: exchange)
        parts.learn(plainEvents(400))
        _ = try parts.exchange()
        var held = [parts.ledgers[0].held]
        for _ in 0..<40 {
            let told = try parts.exchange()
            held.append(parts.ledgers[0].held)
            for changes in told { #expect(changes.encoded.count <= exchange.bytesMax) }
        }
        #expect(held[0] > 0 && held.last == 0)
    }

    @Test("descriptions reach everyone, the newest stands, and what features say is told by nobody")
    func descriptions() throws {
        let parts = Machines(2, smallState())
        parts.learn(
            [Event(.item(ItemDescription(item: id("i1"), title: "Old", tags: ["a", "b"])), time: 5)], on: 0)
        parts.learn([Event(.item(ItemDescription(item: id("i1"), title: "New", tags: nil)), time: 9)], on: 1)
        try parts.exchange()
        for number in 0..<2 {
            let row = try #require(parts.row("i1", on: number))
            let entry = parts.states[number].catalogue.read { $0.entries[row] }
            #expect(entry.title == "New" && entry.tags == ["a", "b"])
        }
        let described = (0..<50).map {
            Event(
                .item(ItemDescription(item: id("i\($0)"), title: nil, tags: ["t\($0 % 3)", "all"])), time: 10)
        }
        parts.learn(described, on: 0)
        parts.learn(plainEvents(1_200))
        for _ in 0..<3 { try parts.exchange() }
        // The first solution marks all rows as moved: what rounding has left of what was learned is told with that.
        for state in parts.states { _ = state.solvePriors() }
        for _ in 0..<2 { try parts.exchange() }
        for state in parts.states { _ = state.solvePriors() }
        let told = try parts.exchange()
        #expect(parts.states[0].priors.hasMaps)
        #expect(
            told.allSatisfy { changes in changes.items.allSatisfy { $0.parts.allSatisfy { $0.row == nil } } })
    }

    @Test("a machine that starts anew has nothing to tell, and takes its own words for what they are")
    func restart() throws {
        let parts = Machines(2, smallState())
        parts.learn(plainEvents(300))
        try parts.exchange()
        let again = ItemLedger(
            parts.states[0], origin: 1, life: 8, sequence: parts.ledgers[0].sequence)
        let silent = again.takeChanges()
        #expect(silent.items.isEmpty && silent.events == 0 && silent.ratings.count == 0)
        #expect(silent.sequence == parts.ledgers[0].sequence + 1)
    }

    @Test("a state that learned alone brings in all that it knows")
    func joining() throws {
        let alone = Machines(1, smallState())
        alone.learn(plainEvents(300))
        let joined = Machines(1, smallState())
        _ = joined.ledgers[0].merge(
            ItemLedger(alone.states[0], origin: 9, life: 1, sequence: nil).takeChanges())
        let (mine, theirs) = (joined.states[0], alone.states[0])
        #expect(mine.stats.count == theirs.stats.count && mine.ratings.count == theirs.ratings.count)
        for item in 0..<50 {
            guard let own = joined.row("i\(item)", on: 0), let row = alone.row("i\(item)", on: 0) else {
                continue
            }
            #expect(mine.stats[own].ratingSum == theirs.stats[row].ratingSum)
        }
    }

    @Test("changes of other models, and rows that leave their bound, are refused")
    func refusals() throws {
        let parts = Machines(2, smallState())
        parts.learn(plainEvents(100))
        let others = Machines(1, smallState { $0.factors = 24 })
        others.learn(plainEvents(100))
        #expect(parts.ledgers[0].merge(others.ledgers[0].takeChanges()) == nil)
        var changes = parts.ledgers[1].takeChanges()
        let place = try #require(changes.items.firstIndex { $0.parts.contains { $0.row != nil } })
        for part in changes.items[place].parts.indices { changes.items[place].parts[part].row?.scale = 1e30 }
        let outcome = try #require(parts.ledgers[0].merge(changes))
        #expect(outcome.rejected > 0)
        for model in parts.states[0].models {
            for row in 0..<model.items.count {
                #expect(model.items.row(row).vector.allSatisfy { abs($0) < 100 })
            }
        }
    }
}
