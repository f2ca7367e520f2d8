internal import Dispatch
internal import Locking
internal import State
internal import StreamLearning

/// Work for the time when no events wait. All on the engine's queue.
extension Engine {
    /// Longest that a new batch waits for idle work.
    private static let idleSlice: Duration = .milliseconds(1)

    /// Alternating least squares goes on solving rows while no events wait. Never where the state has to be a function
    /// of the log alone.
    func earnIdleWork(events: Int) {
        guard !options.state.deterministic else { return }
        for number in state.models.indices { Alternation(state, number: number)?.earn(events: events) }
        scheduleIdleWork()
    }

    func scheduleIdleWork() {
        let isWaiting = state.models.indices.contains { Alternation(state, number: $0)?.hasIdleWork ?? false }
        guard !options.state.deterministic, isWaiting, !confined.idleScheduled else { return }
        confined.idleScheduled = true
        queue.async { [self] in
            confined.idleScheduled = false
            workIdly()
        }
    }

    /// One slice; the next one waits behind whatever has come meanwhile. With the last of them nothing is scheduled any
    /// more, so a daemon without events rests.
    private func workIdly() {
        guard backlog.events == 0, !isStopped else { return }
        let clock = ContinuousClock()
        let end = clock.now + Self.idleSlice
        for number in state.models.indices {
            guard var alternation = Alternation(state, number: number) else { continue }
            while alternation.hasIdleWork, clock.now < end { alternation.workIdly() }
            confined.unpublished.add(alternation.changedItems, of: number)
            state.models[number].rejected += alternation.rejected
        }
        confined.changed = true
        publishIfDue(eventsLeft: 1)
        scheduleIdleWork()
        if !confined.idleScheduled {
            publish()
            refreshSnapshot()
        }
    }
}
