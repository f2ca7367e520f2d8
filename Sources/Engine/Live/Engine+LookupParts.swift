internal import Dispatch
internal import Events
internal import Factors
internal import Locking
internal import Retrieval

/// What look-ups have in common.
extension Engine {
    /// What a model knows of a user, copied on the queue that owns the user.
    struct Taste: Sendable {
        var vector: [Float]
        var bias: Float
        var seen: [Int32]
    }

    func taste(of id: EntityID, model: Int) -> Taste? {
        onShard(of: id) { shard, local in
            let factors = shard.tables[model].row(local)
            return Taste(
                vector: factors.vector, bias: factors.bias,
                seen: shard.users[local].history.entries.map(\.item))
        }
    }

    /// Runs on the queue that owns the user, with the user's row there; `nil` for an unknown user.
    func onShard<Copy>(of id: EntityID, _ copy: (UserShard, Int) -> Copy) -> Copy? {
        guard let row = state.users.withLock({ $0.row(of: id) }) else { return nil }
        let shard = state.shard(of: row)
        return shard.queue.sync {
            let local = shard.local(row)
            // Meanwhile the user may have been forgotten, and the row given to another.
            guard local < shard.users.count, shard.users[local].id == id else { return nil }
            return copy(shard, local)
        }
    }

    func modelNumber(_ name: String?) throws(LookupError) -> Int {
        let wanted = name ?? options.defaultModel
        guard let number = options.models.firstIndex(where: { $0.name == wanted }) else {
            let known = options.models.map(\.name).joined(separator: ", ")
            throw LookupError(.noModel, "no model '\(wanted)'; there are \(known)")
        }
        return number
    }

    func filter(tags: [String], exclude: [EntityID]) -> ItemFilter {
        let (unavailable, tagged) = state.catalogue.withLock { catalogue in
            (catalogue.unavailable, tags.map { catalogue.items(tagged: $0) })
        }
        var filter = ItemFilter(excluded: unavailable, requiredRows: tagged)
        guard !exclude.isEmpty else { return filter }
        let rows = state.items.withLock { table in exclude.compactMap { table.row(of: $0) } }
        for row in rows { filter.excluded.insert(Int(row)) }
        return filter
    }

    func rows(of items: [EntityID]) throws(LookupError) -> [Int] {
        let rows = state.items.withLock { table in items.map { table.row(of: $0) } }
        if let missing = rows.firstIndex(of: nil) {
            throw LookupError(.noItem, "no item '\(items[missing])'")
        }
        return rows.compactMap { $0.map(Int.init) }
    }

    func scored(_ candidates: [Candidate]) -> [ScoredItem] {
        state.items.withLock { table in
            candidates.compactMap { candidate in
                table.id(of: candidate.row).map { ScoredItem(id: $0, score: candidate.score) }
            }
        }
    }

    func unknown(_ user: EntityID) -> LookupError {
        LookupError(.noUser, "no user '\(user)'")
    }

    /// An item that came a moment ago.
    func withoutFactors(_ item: EntityID) -> LookupError {
        LookupError(.noItem, "item '\(item)' has no factors yet; ask again in a few milliseconds")
    }
}
