// LookUps: questions and their answers.
//
// Here live the queries, what is published of a state for them (`PublishedState`), the scans and their filters, fold-in
// for sessions and strangers, explanations, records of items and users, and the errors they end in. A view of the state
// and a query come in, an answer goes out. What never comes in: logs, batches, sockets, and anything that changes the
// state.

internal import Checkpoints
internal import Counting
internal import Events
internal import Factors
internal import Histories
internal import Identities
internal import Locking
internal import Retrieval
package import State

/// Answers look-ups from a state that is being learned, and from what has been published of it. Safe from any thread;
/// knows nothing of logs or batches.
package struct LookupAnswerer: Sendable {
    let view: StateView
    let published: PublishedState
    let options: LookupOptions
    /// How look-ups were answered.
    package let scans = ScanCounts()
    /// How fresh the published state is.
    let freshness: @Sendable () -> Freshness

    package init(
        view: StateView, published: PublishedState, options: LookupOptions,
        freshness: @escaping @Sendable () -> Freshness
    ) {
        self.view = view
        self.published = published
        self.options = options
        self.freshness = freshness
    }
}

extension LookupError {
    /// Of a user who has left memory.
    init(cannotRead error: StateError) {
        self.init(.unavailable, "a user who is not in memory cannot be read: \(error.message)")
    }
}

/// What a model knows of a user, copied; or folded in from items.
struct Taste: Sendable {
    var vector: [Float]
    var bias: Float
    /// Of a model that counts.
    var trail: UserTrail?
    /// Of a blend.
    var blended: BlendedTaste?

    init(vector: [Float], bias: Float) {
        self.vector = vector
        self.bias = bias
    }

    init(_ user: borrowing UserView, model: Int) {
        let row = user.row(ofModel: model)
        self.init(vector: row.vector, bias: row.bias)
        trail = user.trail(ofModel: model)
    }
}

// What look-ups have in common.
extension LookupAnswerer {
    func taste(of id: EntityID, model: Int) throws(LookupError) -> Taste? {
        let copy = try readUser(id) { user in (taste: taste(user, model: model), history: user.history) }
        guard case (var taste, let history)? = copy else { return nil }
        complete(&taste, history, again: options.seen != .exclude)
        return taste
    }

    /// `StateView.readUser` in the words of a look-up.
    func readUser<Result>(
        _ id: EntityID, _ body: (borrowing UserView) -> Result
    ) throws(LookupError) -> Result? {
        do throws(StateError) { return try view.readUser(id, body) } catch {
            throw LookupError(cannotRead: error)
        }
    }

    /// The user's taste, and `selection` without what the user hid and, unless told otherwise, has seen; `nil` for an
    /// unknown user.
    func wish(
        of id: EntityID, model: Int, selection: Selection, seen: SeenRule
    ) throws(LookupError) -> Wish? {
        // The history is handed out without copying it: the sets are filled while learning goes on.
        let copy = try readUser(id) { user in
            (taste: taste(user, model: model), history: user.history, hidden: user.hidden)
        }
        guard var copy else { return nil }
        complete(&copy.taste, copy.history, again: seen != .exclude)
        var selection = selection
        selection.leaveOut(copy.hidden.rows, because: .hidden)
        selection.leaveOut(keptOut(copy.history, seen), because: .seen)
        return Wish(taste: copy.taste, selection: selection)
    }

    /// Items of a history that the rule keeps out, ascending.
    func keptOut(_ history: History, _ seen: SeenRule) -> [Int32] {
        let now = published.snapshotTime
        switch seen {
        case .allow: return []
        case .exclude: return history.items
        case .after:
            return history.entries.filter { seen.keepsOut(taken: $0.lastTime, now: now ?? $0.lastTime) }.map(
                \.item)
        }
    }

    /// Which model answers, and whom it stands in for.
    func asked(_ name: String?) throws(LookupError) -> StandardModel {
        guard let name else { return published.standard }
        return StandardModel(named: try modelNumber(name))
    }

    package func modelNumber(_ name: String?) throws(LookupError) -> Int {
        guard let name else { return published.defaultModel }
        guard let number = published.models.firstIndex(where: { $0.traits.name == name }) else {
            let known = published.models.map(\.traits.name).joined(separator: ", ")
            throw LookupError(.noModel, "no model '\(name)'; there are \(known)")
        }
        return number
    }

    /// What may be answered to anybody.
    func selection(tags: [String], exclude: [EntityID], keepsReasons: Bool) -> Selection {
        let (unavailable, tagged) = view.readCatalogue { catalogue in
            (catalogue.unavailable, tags.map { catalogue.items(tagged: $0) })
        }
        var selection = Selection(unavailable: unavailable, tagged: tagged, keepsReasons: keepsReasons)
        guard !exclude.isEmpty else { return selection }
        let rows = view.readItemIDs { table in exclude.compactMap { table.row(of: $0) } }
        selection.leaveOut(rows.sorted(), because: .excluded)
        return selection
    }

    func rows(of items: [EntityID]) throws(LookupError) -> [Int] {
        let rows = view.readItemIDs { table in items.map { table.row(of: $0) } }
        if let missing = rows.firstIndex(of: nil) {
            throw LookupError(.noItem, "no item '\(items[missing])'")
        }
        return rows.compactMap { $0.map(Int.init) }
    }

    func scored(_ candidates: [Candidate]) -> [ScoredItem] {
        view.readItemIDs { table in
            candidates.compactMap { candidate in
                table.id(of: candidate.row).map { ScoredItem(id: $0, score: candidate.score) }
            }
        }
    }

    func unknown(_ user: EntityID) -> LookupError {
        LookupError(.noUser, "no user '\(user)'")
    }

    static var noneHealthy: LookupError {
        LookupError(
            .unavailable,
            "the default model is unhealthy, and there is no other of its kind; FALLBACK popular, or MODEL, answers; see STATUS"
        )
    }

    /// Somebody who is known, but not to this model.
    func withoutTaste(_ user: EntityID, _ model: PublishedModel) -> LookupError {
        LookupError(.noUser, "user '\(user)' took nothing that model '\(model.traits.name)' learns from")
    }

    /// False for the row of somebody who took nothing, where rows are solved: it is zero, all items score 0, and their
    /// order says nothing. False too for a row that holds what is no number: nothing can be said by it.
    func hasTaste(_ taste: Taste, _ model: PublishedModel) -> Bool {
        guard taste.vector.allSatisfy(\.isFinite), taste.bias.isFinite else { return false }
        return !model.traits.isAlternating || taste.vector.contains { $0 != 0 }
    }

    /// An item that came a moment ago.
    func withoutFactors(_ item: EntityID) -> LookupError {
        LookupError(.noItem, "item '\(item)' has no factors yet; ask again in a few milliseconds")
    }
}
