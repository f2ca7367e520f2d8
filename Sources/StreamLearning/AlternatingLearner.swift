internal import Factors
internal import Histories
internal import Learners
internal import LiveScores
internal import State

/// Learns what users like, and dislike, by alternating least squares.
///
/// A user has two rows. The one that is served is folded in from the user's newest events at each of them
/// (`ALS.Options.halfLifeEvents`). The long-term one is solved from the whole history and is what items are solved
/// against: taste of the moment makes good recommendations, and poor items. `Alternation` solves the latter two.
///
/// Folding in reads items beyond the lease. That is no race: nobody writes an ALS model's items during the rounds.
struct AlternatingLearner: StreamLearner {
    let als: ALS
    let positive: PositiveRule

    func score(
        _ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease
    ) -> ScoreSample {
        let user = context.user
        return SampledRecall.sample(example, context, lease: lease) { als.score(user: user, item: $0) }
    }

    /// Nothing yet: the history does not hold the event. See `historyChanged`.
    func learn(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease) {}

    func historyChanged(_ example: Example, _ context: borrowing LearningContext) {
        let result = serve(
            context.shard, local: context.local, model: context.model, number: context.modelIndex)
        context.count(result == .applied, example: example)
    }

    /// Folds the user in from the newest events. On the queue of the shard.
    func serve(_ shard: UserShard, local: Int, model: ModelState, number: Int) -> UpdateResult {
        guard let alternating = model.alternating else { return .rejected }
        let (table, workspace) = (shard.tables[number], shard.workspace)
        table.markChanged(local)
        workspace.clear()
        for (age, entry) in als.newest(of: shard.users[local].history, positive).enumerated() {
            let weight = positive.weight(of: entry) * als.options.recencyWeight(eventsAgo: age)
            als.append(model.items.row(Int(entry.item)), weight: weight, to: workspace)
        }
        return als.solve(
            gramian: alternating.itemGramian, into: table.row(local), workspace: workspace)
    }

    /// Solves the user's long-term row from the whole history. On the queue of the shard.
    func solveLongTerm(_ shard: UserShard, local: Int, model: ModelState, number: Int) -> SolvedRow? {
        guard let alternating = model.alternating, let table = shard.longTerm[number] else { return nil }
        let workspace = shard.workspace
        // Both rows of a user are saved together.
        shard.change(local) { shard.tables[number].mark(.unsaved, at: local) }
        workspace.clear()
        for entry in shard.users[local].history.entries {
            let weight = positive.weight(of: entry)
            if weight == 0 { continue }
            als.append(model.items.row(Int(entry.item)), weight: weight, to: workspace)
        }
        let row = table.row(shard.userNumber(local))
        var solved = SolvedRow(row: shard.row(local), before: row.vector)
        solved.result = als.solve(
            gramian: alternating.itemGramian, into: row, workspace: workspace)
        return solved
    }

    /// Solves the item from the long-term rows of all who like or dislike it. Nobody writes those meanwhile, nor this item.
    func solveItem(
        _ item: Int32, model: ModelState, number: Int, shards: [UserShard], workspace: ALSWorkspace
    ) -> SolvedRow? {
        guard let alternating = model.alternating else { return nil }
        workspace.clear()
        for taker in alternating.takers.takers(of: Int(item)) {
            let shard = shards[Int(taker.user) % shards.count]
            guard let table = shard.longTerm[number] else { return nil }
            als.append(
                table.row(shard.userNumber(ofRow: taker.user)), weight: taker.weight, to: workspace)
        }
        let row = model.items.row(Int(item))
        var solved = SolvedRow(row: item, before: row.vector)
        solved.result = als.solve(gramian: alternating.userGramian, into: row, workspace: workspace)
        return solved
    }
}

/// A row that was solved, as it was before.
struct SolvedRow: Sendable {
    var row: Int32
    var before: [Float]
    var result = UpdateResult.applied
}
