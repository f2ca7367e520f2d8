internal import Engine
internal import Events
internal import LookUps
internal import State

/// What has to hold of the engine wherever it stands.
extension Simulation {
    /// After each poll: where it stands, what it counts, and one user.
    func checkQuickly() throws(Violation) {
        let stand = try look()
        try check(counters: stand.counters)
        let user = dice.below(Self.idsMax)
        guard !stand.isBehind else { return }
        try checkWaits(stand.positions)
        try check(user: user)
    }

    /// All users, all items, the engine's own invariants, and the run without faults.
    func checkAll() throws(Violation) {
        countCheck()
        let stand = try look()
        try check(counters: stand.counters)
        try checkLetters()
        // What waits may be learned at any moment, and the state be another one than that which was looked at.
        guard !stand.isBehind else { return }
        try checkWaits(stand.positions)
        let broken = try life.engine.whileLearningWaits { $0.violations() }
        if let first = broken.first { throw violation("the state breaks its invariants: \(first)") }
        for number in 0..<Self.idsMax {
            try check(user: number)
            try check(item: number)
        }
        try checkDefault()
        guard let undisturbed = undisturbedDigest(at: stand.positions) else { return }
        let digest = try life.engine.whileLearningWaits { $0.digest() }
        guard digest == undisturbed else {
            throw violation(
                "at \(stand.positions) the digest is \(digest), and \(undisturbed) after a run without faults"
            )
        }
    }

    private func checkLetters() throws(Violation) {
        let missing = plain.letters.subtracting(broker.letters)
        let durable = missing.filter { $0.offset < broker.committed[$0.partition] ?? 0 }
        if let letter = durable.min(by: { $0.offset < $1.offset }) {
            throw violation("\(letter) is no event and durable, and its dead letter is nowhere")
        }
    }

    private struct Stand {
        var positions: [Int32: Int64]
        var counters: [String: Int]
        /// Batches wait that the engine cannot learn yet.
        var isBehind: Bool
    }

    private func look() throws(Violation) -> Stand {
        let engine = try life.engine
        // Behind what was polled. Asked before where it stands: what waits now may be learned while that is looked at.
        engine.whileLearningWaits { _ in }
        let isBehind = engine.eventsWaiting > 0
        let (positions, counters) = engine.whileLearningWaits { state in
            (
                state.positions,
                LearnedState.Counters.all.map { ($0.name, Int(state.counters[keyPath: $0.path])) }
            )
        }
        follow(to: positions)
        return Stand(
            positions: positions, counters: Dictionary(counters) { $1 }, isBehind: isBehind)
    }

    private func check(counters: [String: Int]) throws(Violation) {
        for (name, count) in counters.sorted(by: { $0.key < $1.key }) where name != "log-changes" {
            let expected = plain.counts[name] ?? 0
            guard count == expected else {
                throw violation("events.\(name) is \(count), and the log says \(expected)")
            }
        }
    }

    private func checkDefault() throws(Violation) {
        let engine = try life.engine
        let expected = plain.promoted ?? setting.learners[0].rawValue
        let found = engine.models().first(where: \.isDefault)?.name ?? "none"
        guard found == expected else {
            throw violation("the default model is \(found), and should be \(expected)")
        }
    }

    // MARK: - Users

    private func check(user number: Int) throws(Violation) {
        let name = Entry.userID(number)
        guard let id = try? EntityID(name) else { return }
        let engine = try life.engine
        let record: UserRecord?
        do throws(LookupError) { record = try engine.user(id, listMax: 1_000) } catch {
            guard error.code == .noUser else { throw violation("\(name) cannot be looked up: \(error)") }
            record = nil
        }
        guard let expected = plain.users[name] else {
            if record != nil { throw violation("\(name) is known, and by the log is not") }
            return try checkStranger(id)
        }
        guard let record else { throw violation("\(name) is not known, and by the log is") }
        try check(record, expected)
        try checkRecommendations(id, expected)
    }

    private func check(_ record: UserRecord, _ expected: PlainModel.User) throws(Violation) {
        guard record.tags == expected.tags.list else {
            throw violation("\(record.id) has tags \(record.tags), and by the log \(expected.tags.list)")
        }
        guard Set(record.hiddenItems.map(\.string)) == expected.hidden, record.hidden == expected.hidden.count
        else {
            throw violation(
                "\(record.id) hides \(record.hiddenItems.map(\.string).sorted()), and by the log "
                    + "\(expected.hidden.sorted())")
        }
        guard record.history.count == expected.pairs.count, record.seen == expected.pairs.count else {
            throw violation(
                "\(record.id) has a history of \(record.history.count), and by the log of \(expected.pairs.count)"
            )
        }
        for entry in record.history {
            guard let pair = expected.pairs[entry.item.string] else {
                throw violation("\(record.id) has \(entry.item) in the history, and by the log has not")
            }
            let signals = entry.signals?.count ?? 0
            guard entry.isRating == pair.isRating, entry.value == pair.value, entry.time == pair.lastTime,
                signals == pair.signals, abs((entry.signals?.weight ?? 0) - pair.weight) < 1e-3
            else { throw violation("\(record.id) has \(entry) in the history, and by the log \(pair)") }
        }
    }

    /// Nobody by this name: no list of their own.
    private func checkStranger(_ id: EntityID) throws(Violation) {
        let engine = try life.engine
        do throws(LookupError) {
            let answer = try engine.answer(RecommendQuery(user: id, fallback: .none))
            throw LookupError(.invalid, "\(answer.items.count) items")
        } catch {
            guard error.code == .noUser else {
                throw violation("\(id) is not known, and was recommended items: \(error.message)")
            }
        }
    }

    /// Nothing that was seen, hidden or withdrawn; nothing twice; only numbers; best first.
    private func checkRecommendations(_ id: EntityID, _ expected: PlainModel.User) throws(Violation) {
        let model = dice.pick(setting.learners).rawValue
        let engine = try life.engine
        let items: [ScoredItem]
        do throws(LookupError) {
            items = try engine.answer(RecommendQuery(user: id, count: 50, model: model)).items
        } catch {
            throw violation("\(id) gets no recommendations of \(model): \(error)")
        }
        var given: Set<String> = []
        for item in items {
            let name = item.id.string
            guard item.score.isFinite else {
                throw violation("\(id) is shown \(name) with the score \(item.score)")
            }
            guard given.insert(name).inserted else {
                throw violation("\(id) is shown \(name) twice by \(model)")
            }
            guard expected.pairs[name] == nil else {
                throw violation("\(id) is shown \(name) by \(model), and has seen it")
            }
            guard !expected.hidden.contains(name) else {
                throw violation("\(id) is shown \(name) by \(model), and has hidden it")
            }
            guard plain.items[name]?.available ?? false else {
                throw violation("\(id) is shown \(name) by \(model), which is withdrawn")
            }
        }
        for (better, worse) in zip(items, items.dropFirst()) where better.score < worse.score {
            throw violation(
                "\(id) is shown \(worse.id) after \(better.id) by \(model), which has the lower score")
        }
    }

    // MARK: - Items

    private func check(item number: Int) throws(Violation) {
        let name = Entry.itemID(number)
        guard let id = try? EntityID(name) else { return }
        let engine = try life.engine
        let record: ItemRecord?
        do throws(LookupError) { record = try engine.item(id) } catch {
            guard error.code == .noItem else { throw violation("\(name) cannot be looked up: \(error)") }
            record = nil
        }
        guard let expected = plain.items[name] else {
            if record != nil { throw violation("\(name) is known, and by the log is not") }
            return
        }
        guard let record else { throw violation("\(name) is not known, and by the log is") }
        guard record.title == expected.title, record.tags == expected.tags.list,
            record.available == expected.available
        else { throw violation("\(name) is described as \(record), and by the log as \(expected)") }
        let pairs = plain.users.values.compactMap { $0.pairs[name] }
        let ratings = pairs.filter(\.isRating).map { Double($0.value) }
        guard record.users == pairs.count, record.ratings == ratings.count else {
            throw violation(
                "\(name) counts \(record.users) users and \(record.ratings) ratings, and by the log \(pairs.count) and "
                    + "\(ratings.count)")
        }
        let mean = ratings.isEmpty ? 0 : ratings.reduce(0, +) / Double(ratings.count)
        guard abs(Double(record.meanRating ?? 0) - mean) < 1e-3, record.lastEvent == expected.lastEvent else {
            throw violation(
                "\(name) has the mean \(record.meanRating ?? 0) and its last event at \(record.lastEvent ?? 0), and by the log "
                    + "\(mean) and \(expected.lastEvent ?? 0)")
        }
        for model in record.models {
            let numbers = [model.bias, model.norm, model.popular, model.trending].compactMap(\.self)
            guard numbers.allSatisfy(\.isFinite) else { throw violation("\(name) has \(model)") }
        }
    }
}
