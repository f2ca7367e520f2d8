internal import Factors
internal import LiveScores
internal import State

/// A model while a cell is learned: its learner, and what it learns in.
struct LearnerDesk: ~Copyable {
    var context: LearningContext
    private let holder: Holder

    /// Asked in place: to ask the learner itself is to copy it first.
    private final class Holder {
        let learner: any StreamLearner
        init(_ learner: any StreamLearner) { self.learner = learner }

        func take(
            _ example: Example, by measure: CommonMeasure, _ context: borrowing LearningContext,
            lease: borrowing RowLease
        ) -> ScoreSample {
            learner.take(example, by: measure, context, lease: lease)
        }
    }

    init(_ context: consuming LearningContext, _ learner: any StreamLearner) {
        self.context = context
        holder = Holder(learner)
    }

    var learner: any StreamLearner { holder.learner }

    /// What the learner thinks of the event, which it then learns.
    func take(_ example: Example, by measure: CommonMeasure, lease: borrowing RowLease) -> ScoreSample {
        holder.take(example, by: measure, context, lease: lease)
    }

    /// What the learner thinks of an event that it does not learn from, by the measure that all are compared by.
    func judge(_ example: Example, by measure: CommonMeasure, lease: borrowing RowLease) -> ScoreSample {
        var sample = ScoreSample.notLearned
        sample.worth = learner.worth(of: sample, by: measure, example, context, lease: lease)
        return sample
    }
}

/// One desk a model, in the order of the models, for the length of a cell. At addresses of their own, so that each is lent
/// as it stands: out of an array it would be copied, and each copy counts references, a dozen an event.
///
/// Owns what it points to, and is lent to one queue, the cell's.
struct LearnerDesks: ~Copyable {
    private let desks: UnsafeMutablePointer<LearnerDesk>
    let count: Int

    init(models: [ModelState], learners: [any StreamLearner], shard: UserShard, seen: SeenRule) {
        count = models.count
        desks = .allocate(capacity: count)
        let memo = CellMemo()
        for (index, model) in models.enumerated() {
            let context = LearningContext(
                modelIndex: index, model: model, shard: shard, seen: seen, memo: memo)
            (desks + index).initialize(to: LearnerDesk(context, learners[index]))
        }
    }

    deinit {
        desks.deinitialize(count: count)
        desks.deallocate()
    }

    subscript(index: Int) -> LearnerDesk {
        @inline(__always) unsafeAddress {
            assert(index >= 0 && index < count)
            return UnsafePointer(desks + index)
        }
        @inline(__always) nonmutating unsafeMutableAddress {
            assert(index >= 0 && index < count)
            return desks + index
        }
    }
}
