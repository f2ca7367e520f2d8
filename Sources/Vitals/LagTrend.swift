/// Where the lag is going, as several seconds tell it: that a burst came in one of them is no trend.
package struct LagTrend: Sendable, Equatable {
    package enum Direction: Sendable, Equatable {
        /// Events come in bursts, or it is not long enough ago that the lag began.
        case unclear
        /// By so many events a second.
        case catchingUp(perSecond: Double), fallingBehind(perSecond: Double)
        /// Neither.
        case standing
    }

    /// The lag at a moment.
    package struct Moment: Sendable, Equatable {
        /// From any beginning.
        package var seconds: Double
        /// Events.
        package var lag: Double

        package init(seconds: Double, lag: Double) { (self.seconds, self.lag) = (seconds, lag) }
    }

    /// What it looks back.
    private static let window = 10.0
    /// Where moments are far apart it looks back further, to as many.
    private static let momentsMin = 5
    /// A lag that is not as old as this tells nothing of where it goes, unless it shrinks.
    private static let secondsMin = 4.5

    package let direction: Direction

    /// - Parameter moments: oldest first; those of the last ten seconds count.
    package init(_ moments: [Moment]) {
        guard let last = moments.last else {
            direction = .unclear
            return
        }
        let fresh = moments.filter { last.seconds - $0.seconds <= Self.window }
        let recent = fresh.count < Self.momentsMin ? Array(moments.suffix(Self.momentsMin)) : fresh
        direction = Self.shrinking(recent, last) ?? Self.lasting(recent, last)
    }

    /// Since the lag was greatest it has become less, at two looks in a row.
    private static func shrinking(_ moments: [Moment], _ last: Moment) -> Direction? {
        guard let top = moments.indices.max(by: { moments[$0].lag < moments[$1].lag }) else { return nil }
        let since = moments[top...].suffix(3)
        let falls = zip(since, since.dropFirst()).allSatisfy { $1.lag < $0.lag }
        let seconds = last.seconds - moments[top].seconds
        guard since.count == 3, falls, seconds > 0 else { return nil }
        return .catchingUp(perSecond: (moments[top].lag - last.lag) / seconds)
    }

    /// There has been a lag worth telling all the while, for some seconds: whether it grows in most of them.
    private static func lasting(_ moments: [Moment], _ last: Moment) -> Direction {
        let behind = moments.reversed().prefix { $0.lag > Health.lagWorthTelling }.reversed()
        guard let first = behind.first, last.seconds - first.seconds >= secondsMin else { return .unclear }
        let changes = zip(behind, behind.dropFirst()).map { $1.lag - $0.lag }.sorted()
        let (half, growth) = (changes[changes.count / 2], last.lag - first.lag)
        if half > 0, growth > 0 { return .fallingBehind(perSecond: growth / (last.seconds - first.seconds)) }
        // Half of the changes or more are none, or go down again.
        return changes.allSatisfy { abs($0) <= last.lag / 100 } ? .standing : .unclear
    }
}
