import Foundation

/// Spreads events evenly over time.
struct Pace {
    private let perSecond: Double
    private let start = ContinuousClock.now
    private var count = 0.0

    /// - Parameter perSecond: 0 sets no pace.
    init(perSecond: Double) { self.perSecond = perSecond }

    /// How long to wait for the next event's turn; nothing when it is due.
    var remaining: Duration {
        guard perSecond > 0 else { return .zero }
        return max(.zero, .seconds(count / perSecond) - start.duration(to: .now))
    }

    /// The next event has had its turn.
    mutating func advance() { count += 1 }

    /// Sleeps until it is the next event's turn, then takes it.
    mutating func wait() {
        sleep(for: remaining)
        advance()
    }
}

/// Blocks the thread.
func sleep(for duration: Duration) {
    guard duration > .zero else { return }
    Thread.sleep(forTimeInterval: duration / .seconds(1))
}
