internal import Events
internal import Factors
internal import Identities
internal import Locking
internal import Quarantine
internal import State

/// What the guard has dropped, and what it says of the models.
extension BatchApplication {
    /// Solves what an alternating model owes at the end of a block of events; nothing of any other model.
    func solveBlock(of number: Int) {
        guard var alternation = Alternation(state, number: number) else { return }
        let model = state.models[number]
        let before = model.updates
        alternation.endBlock(at: preparation.ordinal, blockEvents: options.blockEvents)
        outcome.changedItems[number] += alternation.changedItems
        model.rejected += alternation.rejected
        model.health.count(updates: model.updates - before, step: ModelHealth.step(of: preparation.ordinal))
        guard alternation.rejected > 0 else { return }
        let isFinite = model.alternating?.itemGramian.isFinite ?? true
        reject(alternation.rejected, of: number, because: isFinite ? .noSolution : .notFinite)
    }

    func takeHealth(of report: ShardReport) {
        for taken in report.steps {
            for (number, updates) in taken.updates.enumerated() {
                state.models[number].health.count(updates: updates, step: taken.step)
            }
        }
        for rejection in report.rejections { state.models[rejection.model].rejected += rejection.steps }
        take(report.rejections)
    }

    /// Updates that the guard dropped, each counted already.
    private func take(_ rejections: [Rejection]) {
        guard !rejections.isEmpty else { return }
        for rejection in rejections { state.models[rejection.model].health.count(rejection) }
        outcome.rejections += rejections
        state.quarantine.add(
            rejections, user: { row in state.users.read { $0.id(of: row) } },
            item: { row in state.items.read { $0.id(of: row) } })
    }

    func judgeHealth(before ordinal: Int64) {
        for (number, model) in state.models.enumerated() where model.health.close(before: ordinal) {
            outcome.healthChanges.append(number)
        }
    }

    /// Updates of many rows at once, behind the last event prepared.
    func reject(_ steps: Int, of number: Int, because reason: Rejection.Reason) {
        let token = preparation.lastToken
        take([
            Rejection(
                model: number, partition: token.partition, offset: token.offset, ordinal: preparation.ordinal,
                time: state.newestTime ?? 0, reason: reason, steps: steps)
        ])
    }
}
