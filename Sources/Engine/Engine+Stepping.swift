package import State

// For who runs the engine step by step: simulations and tests of what happens when.
extension Engine {
    /// Runs on the queue that learns, behind the batches that wait there, with the state as it stands. What is handed over
    /// meanwhile waits.
    package func whileLearningWaits<Result>(_ body: (LearnedState) -> Result) -> Result { onQueue(body) }

    /// Returns once nothing is being written, and the files were looked after.
    package func waitForFiles() { checkpointer.waitForWrites() }

    /// Handed over by the log and not yet learned.
    package var eventsWaiting: Int { backlog.events }
}
