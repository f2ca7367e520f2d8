internal import Dispatch
internal import Events
internal import Factors
internal import Locking
internal import Retrieval

/// What look-ups have in common.
extension Engine {
    /// What a model knows of a user, copied; or folded in from items.
    struct Taste: Sendable {
        var vector: [Float]
        var bias: Float
    }

    func taste(of id: EntityID, model: Int) -> Taste? {
        onShard(of: id) { shard, local, _ in Taste(shard.tables[model].row(local)) }
    }

    /// The user's taste, and `selection` without what the user hid and, unless told otherwise, has seen; `nil` for an
    /// unknown user.
    func wish(of id: EntityID, model: Int, selection: Selection, includeSeen: Bool) -> Wish? {
        // The history is handed out without copying it: the sets are filled while learning goes on.
        let copy = onShard(of: id) { shard, local, user in
            (taste: Taste(shard.tables[model].row(local)), history: user.history, hidden: user.hidden)
        }
        guard let copy else { return nil }
        var selection = selection
        selection.leaveOut(copy.hidden.rows, because: .hidden)
        if !includeSeen {
            selection.leaveOut(copy.history.entries.lazy.map(\.item), because: .seen)
        }
        return Wish(taste: copy.taste, selection: selection)
    }

    /// Reads a user where nobody changes it meanwhile; `nil` for an unknown one.
    func onShard<Copy>(of id: EntityID, _ copy: (UserShard, Int, UserState) -> Copy) -> Copy? {
        guard let row = state.users.read({ $0.row(of: id) }) else { return nil }
        let shard = state.shard(of: row)
        let local = shard.local(row)
        // Meanwhile the user may have been forgotten, and the row given to another.
        return shard.lookUp(local) { $0.id == id ? copy(shard, local, $0) : nil }
    }

    /// What turns the published counts of a model into those of now.
    func clock(of model: ModelState) -> PopularityClock {
        model.decay.clock(at: snapshot.withLock { $0.counters.applied })
    }

    func modelNumber(_ name: String?) throws(LookupError) -> Int {
        let wanted = name ?? options.defaultModel
        guard let number = options.models.firstIndex(where: { $0.name == wanted }) else {
            let known = options.models.map(\.name).joined(separator: ", ")
            throw LookupError(.noModel, "no model '\(wanted)'; there are \(known)")
        }
        return number
    }

    /// What may be answered to anybody.
    func selection(tags: [String], exclude: [EntityID], keepsReasons: Bool) -> Selection {
        let (unavailable, tagged) = state.catalogue.read { catalogue in
            (catalogue.unavailable, tags.map { catalogue.items(tagged: $0) })
        }
        var selection = Selection(unavailable: unavailable, tagged: tagged, keepsReasons: keepsReasons)
        guard !exclude.isEmpty else { return selection }
        let rows = state.items.read { table in exclude.compactMap { table.row(of: $0) } }
        selection.leaveOut(rows.sorted(), because: .excluded)
        return selection
    }

    func rows(of items: [EntityID]) throws(LookupError) -> [Int] {
        let rows = state.items.read { table in items.map { table.row(of: $0) } }
        if let missing = rows.firstIndex(of: nil) {
            throw LookupError(.noItem, "no item '\(items[missing])'")
        }
        return rows.compactMap { $0.map(Int.init) }
    }

    func scored(_ candidates: [Candidate]) -> [ScoredItem] {
        state.items.read { table in
            candidates.compactMap { candidate in
                table.id(of: candidate.row).map { ScoredItem(id: $0, score: candidate.score) }
            }
        }
    }

    func unknown(_ user: EntityID) -> LookupError {
        LookupError(.noUser, "no user '\(user)'")
    }

    /// Somebody who is known, but not to this model.
    func withoutTaste(_ user: EntityID, _ model: ModelState) -> LookupError {
        LookupError(.noUser, "user '\(user)' took nothing that model '\(model.options.name)' learns from")
    }

    /// False for the row of somebody who took nothing, where rows are solved: it is zero, all items score 0, and their
    /// order says nothing.
    func hasTaste(_ taste: Taste, _ model: ModelState) -> Bool {
        model.alternating == nil || taste.vector.contains { $0 != 0 }
    }

    /// An item that came a moment ago.
    func withoutFactors(_ item: EntityID) -> LookupError {
        LookupError(.noItem, "item '\(item)' has no factors yet; ask again in a few milliseconds")
    }
}

extension Engine.Taste {
    init(_ row: Row) { self.init(vector: row.vector, bias: row.bias) }
}
