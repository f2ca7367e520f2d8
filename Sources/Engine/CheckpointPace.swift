/// How soon a checkpoint may follow the last one by itself.
///
/// While a large log is caught up with, nearly every row changes between two checkpoints, and one takes longer than the
/// interval says. Written one after the other they would take half of the machine; so each is followed by twice its own
/// time without one. What a client asks for, and the last one of a daemon, do not wait.
struct CheckpointPace {
    /// Of the last one's time.
    static let restFactor = 2

    private var notBefore: ContinuousClock.Instant?
    private var isPostponed = false

    /// How long from `now` until a checkpoint may begin; zero or less where it may.
    func wait(at now: ContinuousClock.Instant) -> Duration {
        notBefore.map { now.duration(to: $0) } ?? .zero
    }

    mutating func finish(after duration: Duration, at now: ContinuousClock.Instant) {
        notBefore = now + duration * Self.restFactor
        isPostponed = false
    }

    /// A checkpoint is due and has to wait; true the first time since the last one.
    mutating func postpone() -> Bool {
        defer { isPostponed = true }
        return !isPostponed
    }
}
