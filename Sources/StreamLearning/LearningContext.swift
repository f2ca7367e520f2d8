internal import Factors
internal import Histories
internal import Quarantine
internal import State

/// What a learner may touch while it learns one example: the user's row and history, and the items lent. Made once for all
/// examples of a cell, of which it stands at one after the other: references are counted once then.
struct LearningContext: ~Copyable {
    let modelIndex: Int
    let model: ModelState
    let shard: UserShard
    // Of these two what is asked for many times an event: out of them it would be counted each time.
    let items: FactorTable
    private let users: FactorTable
    let scratch: Scratch
    /// μ + b_i + b_u of the means baseline, where the example is a rating.
    private(set) var meansPrediction: Float
    private(set) var local: Int
    /// As it was before the example. Kept here because it is asked a hundred times.
    private(set) var history: LentHistory
    let seen: SeenRule
    /// Shared by all models of a cell.
    let memo: CellMemo
    /// Items among which every model is asked where the event's own stands; empty where the event is not scored so.
    private(set) var sampled: [Int] = []
    /// How much the model counts what the user did with the example's item, the example included (`UpdateRule.weight`).
    private(set) var weight: Float = 1

    /// Stands at no example yet.
    init(
        modelIndex: Int, model: ModelState, shard: UserShard, seen: SeenRule, memo: CellMemo = CellMemo()
    ) {
        (self.modelIndex, self.model, self.shard, self.seen) = (modelIndex, model, shard, seen)
        self.memo = memo
        (items, users, scratch) = (model.items, shard.tables[modelIndex], shard.scratch)
        (meansPrediction, local, history) = (0, 0, History().lent)
    }

    /// Stands at an example of the user at `local`, whose history has to stay as it is meanwhile.
    mutating func stand(
        at local: Int, history: LentHistory, meansPrediction: Float = 0, sampled: [Int] = [],
        weight: Float = 1
    ) {
        (self.local, self.history, self.meansPrediction) = (local, history, meansPrediction)
        (self.sampled, self.weight) = (sampled, weight)
    }

    var user: Row { users.row(local) }

    func hasSeen(_ item: Int32) -> Bool { history.contains(item) }

    /// Marks an item row as changed, and remembers it for the next publication.
    func touch(_ item: Int) {
        if items.markChanged(item) { shard.report.changedItems[modelIndex].append(Int32(item)) }
    }

    /// The same of an item that the event is not of, of which look-ups may be told later.
    func touchDrawn(_ item: Int) {
        if items.markDrawn(item) { shard.report.drawnItems[modelIndex].append(Int32(item)) }
    }

    /// The decayed count of an item of the lease as it stands when the example comes.
    func popularity(of item: Int, _ example: Example) -> Double {
        model.decay.popular(model.counts[item], at: example.instant(of: model))
    }

    /// False for an item whose popularity is below `count` for sure: as it was last counted, and it only fades since.
    /// Of most items, and much cheaper than to work out by how much.
    @inline(__always)
    func mayReach(_ count: Double, _ item: Int, _ example: Example) -> Bool {
        let counts = model.counts[item]
        return counts.popular >= count || counts.at > example.instant(of: model)
    }

    func touchUser() { users.markChanged(local) }
}

extension LearningContext {
    /// Counts updates that were applied.
    func count(_ applied: Int) { shard.report.updates[modelIndex] += applied }

    /// - Parameter other: a row beside the user's and the item's that the update was to change.
    func count(_ result: Bool, example: Example, against other: Row? = nil) {
        if result { shard.report.updates[modelIndex] += 1 } else { reject(example, against: other) }
    }

    /// Takes note of an update that the guard dropped.
    @inline(never)
    private func reject(_ example: Example, against other: Row?) {
        shard.report.rejections.note(
            Rejection(
                model: modelIndex, partition: example.partition, offset: example.offset,
                ordinal: example.ordinal, time: example.time, user: example.user, item: example.item,
                reason: reason(example, against: other)))
    }

    /// Rows are bounded, so that from rows of numbers nothing comes that is none.
    private func reason(_ example: Example, against other: Row?) -> Rejection.Reason {
        let rows = [user, items.row(Int(example.item))] + (other.map { [$0] } ?? [])
        guard rows.allSatisfy(\.isFinite), model.alternating?.itemGramian.isFinite != false else {
            return .notFinite
        }
        return model.alternating == nil ? .pastNorm : .noSolution
    }
}
