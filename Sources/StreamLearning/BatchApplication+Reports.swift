internal import Counting
internal import Factors
internal import Learners
internal import State

/// What the shards have done in a segment becomes part of the state.
extension BatchApplication {
    func take(reportOf shard: UserShard) {
        let report = shard.report
        shard.report = ShardReport(models: state.models.count)
        state.counters.duplicates += Int64(report.duplicates)
        state.counters.dropped += Int64(report.dropped)
        state.counters.late += Int64(report.late)
        state.counters.droppedTags += Int64(report.droppedTags)
        takeCounts(of: report)
        outcome.changedStats += report.changedStats
        takeHealth(of: report)
        for (number, model) in state.models.enumerated() {
            model.updates += report.updates[number]
            if let sums = shard.networks[number]?.sums { model.network?.sums.take(from: sums) }
            for taking in report.takings[number] { model.alternating?.record(taking) }
            outcome.changedItems[number] += report.changedItems[number]
            outcome.drawnItems[number] += report.drawnItems[number]
        }
    }

    /// What models that count could not write while the segment was learned.
    private func takeCounts(of report: ShardReport) {
        for (number, model) in state.models.enumerated() {
            if let blend = model.blend {
                for step in report.blendSteps[number] { blend.take(step) }
            }
            guard let counter = model.counter else { continue }
            if let counted = report.retakes[number] { counter.retakes.add(counted) }
            if !report.shared[number].isEmpty { counter.unshared? += report.shared[number] }
            for transition in report.transitions[number] {
                counter.take(transition)
                if model.items.markChanged(Int(transition.from)) {
                    outcome.changedItems[number].append(transition.from)
                }
            }
        }
    }
}
