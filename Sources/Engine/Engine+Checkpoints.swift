package import Checkpoints
internal import Dispatch
internal import EventLog
internal import Generations
internal import KillPoints
internal import Locking
internal import Logging
internal import State
internal import StreamLearning

/// When the state is made durable, and who is told. All on the engine's queue but for the writing (`Checkpointer`).
extension Engine {
    /// Each of five seconds, where the state's file stays locked.
    private static let lastCheckpointTries = 6
    private static let waitWorthTelling: Duration = .seconds(1)

    func checkpointIfChanged() {
        guard confined.changed, !confined.checkpointRunning else { return }
        let wait = confined.checkpointPace.wait(at: .now)
        if wait <= .zero { startCheckpoint([]) } else { postponeCheckpoint(wait) }
    }

    /// Checkpoints that take long come less often, so that learning and the disk have most of the time to themselves.
    private func postponeCheckpoint(_ wait: Duration) {
        guard confined.checkpointPace.postpone() else { return }
        if wait > Self.waitWorthTelling {
            logger.notice(
                "the next checkpoint waits: the last one took long",
                metadata: [
                    "last-ms": "\(Int(checkpointer.report.lastDuration.milliseconds))",
                    "wait-ms": "\(Int(wait.milliseconds))",
                ])
        }
        queue.asyncAfter(deadline: .now() + wait.dispatchInterval) { [weak self] in
            guard let self, !isStopped else { return }
            checkpointIfChanged()
        }
    }

    /// Behind the batch that is being prepared.
    func checkpointLater() {
        guard !confined.checkpointScheduled else { return }
        confined.checkpointScheduled = true
        queue.async { [self] in
            confined.checkpointScheduled = false
            checkpointIfChanged()
        }
    }

    func requestCheckpoint(_ completion: @escaping CheckpointCompletion) {
        queue.async { [self] in
            if confined.checkpointRunning {
                confined.waitingForCheckpoint.append(completion)
            } else {
                startCheckpoint([completion])
            }
        }
    }

    /// With each checkpoint rather than each event: a bound once reached stays reached.
    private func tellRefusals() {
        let refused = state.counters.refused
        guard refused > confined.refusedTold else { return }
        logger.warning(
            "events on new items are left out: engine.items-max is reached",
            metadata: [
                "items-max": "\(confined.changeable.learning.itemsMax)", "events.refused": "\(refused)",
            ])
        confined.refusedTold = refused
    }

    /// Returns once what was learned before is durable.
    package func checkpointNow() throws(StateError) { _ = try checkpointAndWait().get() }

    func checkpointAndWait() -> Result<[Int32: Int64], StateError> {
        let done = DispatchSemaphore(value: 0)
        let result = Lock<Result<[Int32: Int64], StateError>?>(nil)
        requestCheckpoint { outcome in
            result.withLock { $0 = outcome }
            done.signal()
        }
        done.wait()
        return result.withLock { $0 } ?? .success([:])
    }

    /// Somebody else's lock on the state's file ends, as a rule; each try waits for it as long as SQLite's time-out says.
    func lastCheckpoint() -> Result<[Int32: Int64], StateError> {
        var outcome = checkpointAndWait()
        for _ in 1..<Self.lastCheckpointTries {
            guard case .failure(let error) = outcome, error.code == .locked else { break }
            outcome = checkpointAndWait()
        }
        return outcome
    }

    func startCheckpoint(_ completions: [CheckpointCompletion]) {
        settle()
        guard confined.changed else {
            let positions = state.positions
            for completion in completions { completion(.success(positions)) }
            return
        }
        tellRefusals()
        confined.checkpointRunning = true
        guard let numbers = state.copyRoomNumbers else {
            return writeCheckpoint(completions, into: CopyRoom())
        }
        checkpointer.makeRoom(numbers) { [self] room in
            queue.async { [self] in
                settle()
                writeCheckpoint(completions, into: room)
            }
        }
    }

    private func writeCheckpoint(_ completions: [CheckpointCompletion], into room: CopyRoom) {
        confined.changed = false
        confined.eventsSinceCheckpoint = 0
        assert(state.violations().isEmpty, state.violations().prefix(5).joined(separator: "; "))
        let clock = ContinuousClock()
        let start = clock.now
        let commit = prepareClusterCommit()
        let frozen = freeze(into: room)
        let pause = start.duration(to: clock.now)
        let positions = frozen.head.positions
        // Before the file, so that the file is never ahead of what others may go on from.
        var before: (@Sendable (StateDelta, [StateDelta]) throws(StateError) -> Void)?
        if let commit {
            before = { [self] (head, pages) throws(StateError) in try commitToCluster(commit, head, pages) }
        }
        checkpointer.write(
            frozen, pause: pause, isLast: isStopped, before: before
        ) { [self] outcome in
            if case .success = outcome {
                KillPoint.checkpointCommitted.reach()
                // Of several the group's offsets are part of the commit.
                if cluster == nil { life.withLock { $0.ingest }?.commit(positions) }
                generations.checkpointed(erases: !frozen.head.erasures.isEmpty)
            }
            queue.async { [self] in
                settle()
                if case .failure = outcome, let commit { restore(commit) }
                endCheckpoint(frozen, outcome)
                for completion in completions { completion(outcome.map { _ in positions }) }
                let waiting = confined.waitingForCheckpoint
                confined.waitingForCheckpoint = []
                if !waiting.isEmpty { startCheckpoint(waiting) }
            }
        }
    }

    /// Everybody waits for this: on a thread that gives way to nobody, as the queue's own would.
    private func freeze(into room: CopyRoom) -> FrozenState {
        let frozen = Lock<FrozenState?>(nil)
        freezer.sync { [self] in
            let copy = stages.measure(.collect) { state.freeze(into: room) }
            frozen.withLock { $0 = copy }
        }
        return frozen.withLock { $0 } ?? state.freeze()
    }

    private func endCheckpoint(_ frozen: FrozenState, _ outcome: Result<Duration, StateError>) {
        switch outcome {
        case .success(let duration):
            checkpointer.release(state.thaw(frozen, isSaved: true))
            confined.checkpointPace.finish(after: duration, at: .now)
        case .failure:
            checkpointer.release(state.thaw(frozen, isSaved: false))
            confined.changed = true
        }
        confined.checkpointRunning = false
        letLeave()
        if case .failure = outcome { releaseHeld(after: .seconds(1)) } else { releaseHeld() }
    }
}
