internal import Dispatch
internal import Generations
internal import LiveScores
internal import Locking
internal import State
internal import StreamLearning

/// What of the options may change while the engine runs. Confined to the engine's queue.
struct ChangeableOptions {
    var learning: LearningOptions
    var publishInterval: Duration
    var checkpoints: CheckpointOptions

    init(_ options: EngineOptions) {
        learning = options.learning
        publishInterval = options.publishInterval
        checkpoints = options.checkpoints
    }
}

extension Engine {
    /// Takes over what may change while the engine runs: the bounds on histories, users and items, how batches are cut and
    /// how many events wait, when items are published, when the state is made durable and copied, the score's window, how many events are
    /// known again, and what a gap in the log means. The rest of `options` is passed over.
    ///
    /// Holds from the next batch on. A bound below what is there takes effect as events come in: a user's history with the
    /// user's next event, the number of users with the next new one. A score's window of another length starts empty.
    public func change(to options: EngineOptions) {
        queue.sync {
            settle()
            confined.changeable.learning.historyMax = options.learning.historyMax
            confined.changeable.learning.usersMax = options.learning.usersMax
            confined.changeable.learning.itemsMax = options.learning.itemsMax
            confined.changeable.publishInterval = options.publishInterval
            let interval = confined.changeable.checkpoints.interval
            confined.changeable.checkpoints = options.checkpoints
            if interval != options.checkpoints.interval { scheduleCheckpoints() }
            for model in state.models { model.score.resize(windowEvents: options.state.scoreWindowEvents) }
            state.recent.resize(to: options.state.duplicatesWindow)
            state.comparison.resize(windowEvents: options.state.scoreWindowEvents)
            refreshSnapshot()
        }
        changeIngest(to: options.ingest)
        generations.change(to: options.generations)
    }

    /// From now on; also where a longer interval is under way.
    func scheduleCheckpoints() {
        let interval = confined.changeable.checkpoints.interval.dispatchInterval
        confined.timer?.schedule(deadline: .now() + interval, repeating: interval)
    }
}
