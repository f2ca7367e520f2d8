internal import Dispatch
internal import Events
internal import Factors
internal import Histories
internal import Identities
internal import Learners
internal import Locking

/// What holds of a state between batches, in one place. Debug builds check it at every checkpoint, tests after batches.
extension LearnedState {
    /// What does not hold, a sentence each; empty for a sound state. Costs a pass over all of it. On the engine's queue,
    /// between rounds.
    package func violations() -> [String] {
        let found = InvariantCheck(state: self)
        found.checkItems()
        found.checkUsers()
        found.checkCounts()
        return found.violations
    }
}

/// One pass over a state.
private final class InvariantCheck {
    let state: LearnedState
    private(set) var violations: [String] = []
    /// What histories say, to hold the counts against.
    private var users: [Int32]
    private var ratings: [Int32]
    private var ratingSums: [Double]
    private var positives: [[Int32]]

    init(state: LearnedState) {
        self.state = state
        let items = state.stats.count
        users = Array(repeating: 0, count: items)
        ratings = Array(repeating: 0, count: items)
        ratingSums = Array(repeating: 0, count: items)
        positives = Array(repeating: Array(repeating: 0, count: items), count: state.models.count)
    }

    private func expect(_ holds: Bool, _ words: @autoclosure () -> String) {
        if !holds { violations.append(words()) }
    }

    /// Every item has an id, a description and rows of finite numbers.
    func checkItems() {
        let items = state.stats.count
        let ids = state.items.read { table in (0..<Int32(items)).map { table.id(of: $0) } }
        expect(state.items.read { $0.rowCount } == items, "there are other ids of items than counts")
        expect(ids.allSatisfy { $0 != nil }, "an item has no id")
        expect(state.catalogue.read { $0.entries.count } == items, "there are other descriptions than items")
        for model in state.models {
            expect(
                model.items.count == items, "model \(model.traits.name) has other rows than there are items")
            expect(
                model.network?.network.isFinite ?? true, "the network of \(model.traits.name) is not finite")
            for row in 0..<model.items.count {
                expect(model.items.row(row).isFinite, "item row \(row) of \(model.traits.name) is not finite")
            }
        }
    }

    func checkUsers() {
        state.forEachUser { row, whole in check(row, whole) }
    }

    private func check(_ row: Int32, _ whole: WholeUser?) {
        let id = state.users.read { $0.id(of: row) }
        guard let whole, let own = whole.user.id else {
            return expect(id == nil, "user row \(row) has an id and no shard has it")
        }
        expect(
            own == id, "user row \(row) is '\(own)' to its shard and '\(id?.string ?? "nobody")' to the ids")
        let user = whole.user
        let entries = user.history.entries
        expect(
            zip(entries, entries.dropFirst()).allSatisfy { $0.item < $1.item },
            "the history of '\(own)' does not ascend")
        expect(
            zip(user.hidden.rows, user.hidden.rows.dropFirst()).allSatisfy { $0 < $1 },
            "the hidden items of '\(own)' do not ascend")
        let ratings = entries.count { $0.kind == .rating }
        expect(
            user.ratings == ratings, "'\(own)' has \(ratings) ratings, and \(user.ratings) are counted")
        for entry in entries { take(entry, of: own) }
        for (number, table) in whole.tables.enumerated() {
            expect(
                table.row(whole.local).isFinite
                    && whole.longTerm[number]?.row(whole.userNumber).isFinite ?? true,
                "the row of '\(own)' in \(state.models[number].traits.name) is not finite")
        }
    }

    private func take(_ entry: HistoryEntry, of user: EntityID) {
        let item = Int(entry.item)
        guard item >= 0, item < users.count else {
            return expect(false, "the history of '\(user)' has item row \(item), which there is not")
        }
        expect(
            entry.value.isFinite && entry.signalWeight.isFinite,
            "the history of '\(user)' has a value or weight that is not finite")
        users[item] += 1
        if entry.kind == .rating {
            ratings[item] += 1
            ratingSums[item] += Double(entry.value)
        }
        for (number, model) in state.models.enumerated()
        where model.rule.weight(of: entry) > 0 {
            positives[number][item] += 1
        }
    }

    /// The counts of items are those of the histories.
    func checkCounts() {
        for item in users.indices {
            let stats = state.stats[item]
            // Of several machines each counts the users of all, and has its own.
            let isWhole = state.counters.peers == 0 && state.priorMoved == nil
            expect(
                !isWhole
                    || stats.users == users[item] && stats.ratings == ratings[item]
                        && abs(stats.ratingSum - ratingSums[item]) <= 1e-6 * max(1, abs(ratingSums[item])),
                "item row \(item) counts \(stats.users) users and \(stats.ratings) ratings of sum \(stats.ratingSum); "
                    + "the histories have \(users[item]), \(ratings[item]) and \(ratingSums[item])")
            for (number, model) in state.models.enumerated() {
                expect(
                    !isWhole || model.positives[item] == positives[number][item],
                    "item row \(item) is positive for \(model.positives[item]) users of \(model.traits.name); the "
                        + "histories have \(positives[number][item])")
                let counts = model.counts[item]
                expect(
                    counts.popular.isFinite && counts.popular >= 0 && counts.trend.isFinite
                        && counts.trend >= 0,
                    "the popularity of item row \(item) in \(model.traits.name) is no count")
            }
        }
    }
}
