package import Checkpoints
internal import ContentVectors
internal import Counting
internal import Dispatch
internal import Events
internal import Factors
internal import Foundation
internal import Histories
internal import Identities
internal import Learners
internal import LiveScores
internal import Locking
internal import Quarantine

/// Fills a new state from a file. Runs before anything else touches the state.
package final class StateLoader: StateReader {
    private let state: LearnedState
    private let path: String
    private let modelNumbers: [String: Int]
    /// The state's numbers of the models as the file counts them.
    private let numbersByName: [Int]
    private let alternating: [(ModelState, AlternatingState)]
    /// Handed over at the end: a lock a million times is a tenth of the whole.
    private var users = IDTable()
    private var items = IDTable()
    /// Per model and user row: whether a row of factors was read.
    private var loaded: [[Bool]]
    private var nextItem = 0
    /// Room for users there is.
    private var userRows = 0
    /// Of the recent events, until all are there.
    private var recent: [String: Scalar] = [:]
    /// Of vectors of tags, until items are there.
    private var content: [String: Data] = [:]
    /// Of models that count, until users and items are there.
    private var counters: [Int: [String: Data]] = [:]
    private var (comparison, defaultModel): (Data?, Data?)
    /// Of what features say.
    private var priors = LearnedState.StoredPriors()
    /// Of a count that is none, what it is of.
    private var absurd: String?
    private var (ratingSum, ratingCount) = (0.0, Int64(0))
    /// `nil` in a file of before ratings were standardised.
    private var ratingSquares: Double?

    package init(state: LearnedState, path: String) {
        self.state = state
        self.path = path
        modelNumbers = Dictionary(
            state.models.enumerated().map { ($1.options.name, $0) }, uniquingKeysWith: { first, _ in first })
        numbersByName = state.models.indices.sorted {
            state.models[$0].options.name.utf8.lexicographicallyPrecedes(state.models[$1].options.name.utf8)
        }
        alternating = state.models.compactMap { model in model.alternating.map { (model, $0) } }
        loaded = Array(repeating: [], count: state.models.count)
    }

    /// All tables get their size at once, before two threads fill them.
    package func expect(userRows: Int, itemRows: Int) {
        let shards = state.shards
        DispatchQueue.concurrentPerform(iterations: shards.count) { number in
            let (whole, rest) = userRows.quotientAndRemainder(dividingBy: shards.count)
            shards[number].queue.sync { shards[number].expect(users: whole + (number < rest ? 1 : 0)) }
        }
        state.stats.grow(to: itemRows, with: ItemStats())
        for model in state.models { model.growEmpty(to: itemRows) }
        state.catalogue.withLock { $0.grow(to: itemRows) }
        self.userRows = userRows
        for model in loaded.indices { loaded[model] = Array(repeating: false, count: userRows) }
    }

    package func read(position: Int64, partition: Int32) { state.positions[partition] = position }

    package func read(scalar: Scalar, name: String) {
        switch (name, scalar) {
        case ("mean.sum", .double(let value)): ratingSum = number(value, name)
        case ("mean.count", .integer(let value)): ratingCount = count(value, name)
        case ("mean.squares", .double(let value)): ratingSquares = number(value, name)
        case (let name, _) where name.hasPrefix(RecentEvents.scalarPrefix): recent[name] = scalar
        case (let name, .blob(let value)) where name.hasPrefix(ContentVectors.prefix): content[name] = value
        case ("comparison", .blob(let value)): comparison = value
        case ("cluster", .blob(let value)): state.membership = value
        case ("default-model", .blob(let value)): defaultModel = value
        case (LearnedState.featureNames, .blob(let value)): priors.names = value
        case (LearnedState.featureCounts, .blob(let value)): priors.counts = value
        case (LearnedState.nextSchedule, .blob(let value)): priors.nextSchedule = value
        case (LearnedState.nextNames, .blob(let value)): priors.nextNames = value
        case (LearnedState.nextCounts, .blob(let value)): priors.nextCounts = value
        case ("log.memory", .blob(let value)):
            // What cannot be read is as good as what an older program did not write: the log is trusted.
            if let memory = try? JSONDecoder().decode(LogMemory.self, from: value) {
                state.logMemory = memory
            }
        case (let name, .integer(let value)):
            for field in LearnedState.Counters.all where name == "events.\(field.name)" {
                state.counters[keyPath: field.path] = count(value, name)
            }
        default: break
        }
    }

    package func read(scalar: Scalar, name: String, model: String) {
        guard let number = modelNumbers[model] else { return }
        switch (name, scalar) {
        case ("updates", .integer(let value)): state.models[number].updates = Int(count(value, name))
        case ("rejected", .integer(let value)): state.models[number].rejected = Int(count(value, name))
        case ("health", .blob(let value)): state.models[number].health.restore(json: value)
        case ("score", .blob(let value)):
            let model = state.models[number]
            model.score.restore(value, firstLayout: model.rule.predictsRatings)
        case (LearnedState.featureMap, .blob(let value)): priors.maps[number] = value
        case (LearnedState.nextMap, .blob(let value)): priors.nextMaps[number] = value
        case (let name, .blob(let value))
        where name.hasPrefix(CounterState.prefix) || name.hasPrefix(BlendState.prefix)
            || name.hasPrefix(NetworkState.prefix):
            counters[number, default: [:]][name] = value
        default: state.models[number].alternating?.restore(scalar, name: name)
        }
    }

    /// What is added to it would else pass what a number holds, years or one event later.
    private func count(_ value: Int64, _ name: String) -> Int64 {
        guard StoredCount.isOne(value) else {
            absurd = absurd ?? name
            return 0
        }
        return value
    }

    private func number(_ value: Double, _ name: String) -> Double {
        // Of more ratings than anybody has.
        guard abs(value) < 0x1p100 else {
            absurd = absurd ?? name
            return 0
        }
        return value
    }

    package func read(item stored: StoredItem) throws(StateError) {
        let id = try id(stored.id, "items", stored.row)
        let row = Int(stored.row)
        guard row == nextItem, row < state.stats.count else {
            throw damaged("items row \(nextItem) is missing")
        }
        nextItem += 1
        guard let users = Int32(exactly: stored.users), let ratings = Int32(exactly: stored.ratings),
            StoredNumber.isOne(stored.ratingSum),
            [stored.lastEvent, stored.titleAt, stored.tagsAt, stored.availableAt].allSatisfy({
                $0.map(StoredNumber.isMoment) ?? true
            })
        else {
            throw damaged("the counts of items row \(row) are absurd")
        }
        items.restore(id, at: stored.row)
        var stats = ItemStats()
        (stats.users, stats.ratings, stats.ratingSum) = (users, ratings, stored.ratingSum)
        (stats.lastEvent, stats.unsaved) = (stored.lastEvent, false)
        if let time = stored.lastEvent { state.newestTime = max(time, state.newestTime ?? time) }
        state.stats[row] = stats
        state.catalogue.withLock {
            $0.describe(
                row, title: stored.title.map { String(decoding: $0, as: UTF8.self) }, tags: stored.tags,
                available: stored.available)
            var times = Catalogue.Times()
            (times.title, times.tags, times.available) = (stored.titleAt, stored.tagsAt, stored.availableAt)
            $0.restore(times, of: row)
        }
    }

    package func read(user stored: ReadUser) throws(StateError) {
        // Each row is as it was written; where pages have changed places, the last one need not be the highest.
        guard stored.row >= 0, stored.row < userRows else {
            throw damaged("users row \(stored.row) is out of order")
        }
        let id = try id(stored.id, "users", stored.row)
        let user = try said { () throws(StateError) in
            try UserState(stored, itemCount: state.stats.count)
        }
        users.restore(id, at: stored.row)
        for (model, alternating) in alternating {
            for entry in user.history.entries {
                let weight = model.rule.weight(of: entry)
                guard weight != 0 else { continue }
                alternating.takers.append(Taker(user: stored.row, weight: weight), to: Int(entry.item))
            }
        }
        let shard = state.shard(of: stored.row)
        if let residence = shard.residence {
            // Who is heard of comes back by then.
            residence.note(shard.userNumber(ofRow: stored.row), ticket: 0, lastEvent: user.lastEvent)
            state.away.insert(stored.row)
            return
        }
        // Nothing runs on the shard's queue yet, and waiting for it a million times takes seconds.
        shard.users[shard.local(stored.row)] = user
    }

    /// What `body` finds wrong, as a sentence about this file.
    private func said<Result>(_ body: () throws(StateError) -> Result) throws(StateError) -> Result {
        do throws(StateError) { return try body() } catch { throw damaged(error.message) }
    }

    package func read(userRow stored: ReadRow) throws(StateError) {
        let (number, row) = (numbersByName[stored.model], stored.row)
        guard row >= 0, row < loaded[number].count else { throw ownerless(row) }
        let shard = state.shard(of: row)
        loaded[number][Int(row)] = true
        // A state that was learned in sweeps over a file has one row for both.
        shard.longTerm[number]?.row(shard.userNumber(ofRow: row)).load(
            littleEndian: stored.longTerm ?? stored.vector, bias: 0)
        guard shard.residence == nil else { return }
        let local = shard.local(row)
        if let trails = shard.trails[number] {
            trails[local] = try said { () throws(StateError) in
                try UserTrail(stored, itemCount: state.stats.count)
            }
        } else if shard.learnsRows[number] {
            shard.tables[number].row(local).load(
                littleEndian: stored.vector, bias: stored.bias, step: stored.step)
        }
    }

    private func ownerless(_ row: Int32) -> StateError {
        damaged("user_factors row \(row) belongs to nobody in users")
    }

    private func checkOwners() throws(StateError) {
        for row in 0..<(loaded.first?.count ?? 0) where users.id(of: Int32(row)) == nil {
            if loaded.contains(where: { $0[row] }) { throw ownerless(Int32(row)) }
        }
    }

    /// A state of before ratings were standardised, or counts stood in users' rows, has to be changed as a whole.
    private func checkVersion() throws(StateError) {
        let blocks = counters.values.contains {
            $0.keys.contains { $0.hasPrefix("\(CounterState.prefix)users.") }
        }
        guard state.options.usersMayLeave, blocks || ratingSquares == nil && ratingCount > 0 else { return }
        throw StateError(
            .mismatch,
            "'\(path)' was written by an earlier freshet; start this one without memory.limit once, and stop it: then the "
                + "file is as it has to be")
    }

    package func finish() throws(StateError) {
        if let absurd { throw damaged("'\(absurd)' is no count") }
        try checkOwners()
        try checkVersion()
        state.spill?.itemCount = state.stats.count
        loaded = []
        state.users.withLock { $0 = users }
        state.items.withLock { $0 = items }
        (users, items) = (IDTable(), IDTable())
        for (number, scalars) in counters {
            let malformed = state.restoreCounters(scalars, of: number).sorted()
            if let first = malformed.first {
                throw damaged("'\(first)' of model '\(state.models[number].traits.name)' is malformed")
            }
        }
        counters = [:]
        guard state.restoreContent(content) else { throw damaged("'content' is malformed") }
        content = [:]
        guard state.comparison.restore(comparison, json: defaultModel) else {
            throw damaged("'comparison' is malformed")
        }
        guard state.restorePriors(priors) else {
            throw damaged("what is learned of items' features is malformed")
        }
        priors = LearnedState.StoredPriors()
        state.recent.restore(recent)
        recent = [:]
        state.ratings = RatingMoments(count: ratingCount, sum: ratingSum, squares: ratingSquares ?? 0)
        if ratingSquares == nil { state.standardiseRatings() }
        // A file of before this was kept: whatever it has not seen came later, so that nothing is lost.
        if !state.positions.isEmpty, state.logMemory.origins == nil { state.logMemory.origins = [:] }
        for number in state.models.indices { state.settleAlternation(of: number) }
    }

    package func read(itemRow stored: ReadRow, popularity: StoredPopularity) throws(StateError) {
        let row = stored.row
        guard row >= 0, row < state.stats.count else {
            throw damaged("item_factors row \(row) belongs to no item")
        }
        let model = state.models[numbersByName[stored.model]]
        if model.options.learnsRows {
            model.items.row(Int(row)).load(
                littleEndian: stored.vector, bias: stored.bias, step: stored.step)
        } else {
            let item = model.items.row(Int(row))
            (item.bias, item.step) = (stored.bias, stored.step)
        }
        model.items.clear(.unsaved, at: Int(row))
        model.restore(popularity, of: Int(row))
    }

    private func id(_ bytes: some Collection<UInt8>, _ table: String, _ row: Int32) throws(StateError)
        -> EntityID
    {
        guard let text = String(validating: bytes, as: UTF8.self), let id = try? EntityID(text) else {
            throw damaged("the id of \(table) row \(row) is not 1 to 256 bytes of UTF-8")
        }
        return id
    }

    private func damaged(_ what: String) -> StateError {
        StateError(
            .damaged,
            "'\(path)' is damaged: \(what). Put back a copy of it, or move it away with its -wal and -shm files and start "
                + "again: the state is then learned anew from the log")
    }
}
