internal import Factors

/// What a learner may touch while it learns one example: the user's row and history, and the items lent.
struct LearningContext: ~Copyable {
    let modelIndex: Int
    let model: ModelState
    let shard: UserShard
    /// μ + b_i + b_u of the means baseline, where the example is a rating.
    let meansPrediction: Float
    let local: Int

    var user: Row { shard.tables[modelIndex].row(local) }

    func hasSeen(_ item: Int32) -> Bool { shard.users[local].history.contains(item) }

    /// Marks an item row as changed, and remembers it for the next publication.
    func touch(_ item: Int) {
        if model.items.markChanged(item) { shard.report.changedItems[modelIndex].append(Int32(item)) }
    }

    func touchUser() { shard.tables[modelIndex].markChanged(local) }
}

/// A learner on the stream: predicts an event, then learns it. Rows outside the lease are never read.
protocol StreamLearner: FoldIn, Sendable {
    /// A rating on the user's scale (`PREDICT` answers μ + biases + product), rather than a rank score.
    var predictsRatings: Bool { get }

    /// Whether this model learns from an event of this kind and value.
    func accepts(_ kind: HistoryEntry.Kind, value: Float) -> Bool

    /// What the model thinks of the event before it learns it.
    func score(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease)
        -> ScoreSample

    /// Learns the event.
    func learn(_ example: Example, _ context: borrowing LearningContext, lease: borrowing RowLease)
}

extension LearningContext {
    func count(_ result: Bool, example: Example) {
        if result {
            shard.report.updates[modelIndex] += 1
        } else {
            shard.report.rejections.append(
                Rejection(model: modelIndex, partition: example.partition, offset: example.offset))
        }
    }
}
