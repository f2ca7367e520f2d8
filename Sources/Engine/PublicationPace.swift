/// When look-ups are shown what has changed, and how much of it.
///
/// An event's own rows are shown as soon as it is learned. Rows that were drawn beside it as negatives are many more, and
/// change by little each: some of them are shown along. While the engine is behind, nothing that it shows lasts, and all
/// is shown together, so seldom that it takes little of the time.
struct PublicationPace {
    enum Extent {
        /// What events are of, and so many drawn rows of each model.
        case some(drawn: Int)
        /// All, and all of it now, in as many portions as the index takes.
        case allAtOnce
    }

    /// Drawn rows that are shown along: half a millisecond of rows that are in no cache.
    static let drawnAlong = 512
    /// Drawn rows that are shown at a time when nothing else waits to be.
    static let drawnAlone = 4_096
    /// A publication takes one part in so many of the time at most, and half of that while the engine is behind.
    private static let part = 16
    /// A backlog waits no longer than this.
    private static let longest: Duration = .seconds(1)

    private var last = ContinuousClock().now
    /// By the last publication of each kind.
    private var taken = Duration.zero
    private var takenByAll = Duration.zero

    /// What is to be shown now, or `nil`.
    ///
    /// - Parameters:
    ///   - interval: at least between two publications while events wait.
    ///   - left: events that wait to be learned.
    ///   - behind: with more than so many the engine is behind.
    func extent(at now: ContinuousClock.Instant, interval: Duration, left: Int, behind: Int) -> Extent? {
        let since = last.duration(to: now)
        if left > behind {
            return since >= max(interval, min(takenByAll * 2 * Self.part, Self.longest)) ? .allAtOnce : nil
        }
        guard left == 0 || since >= max(interval, taken * Self.part) else { return nil }
        return .some(drawn: Self.drawnAlong)
    }

    mutating func took(_ time: Duration, for extent: Extent) {
        switch extent {
        case .some: taken = time
        case .allAtOnce: takenByAll = time
        }
    }

    mutating func finished(at now: ContinuousClock.Instant) { last = now }
}
