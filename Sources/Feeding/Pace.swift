import Foundation

/// Spreads events evenly over time, from the moment it is made.
///
/// ```swift
/// var pace = Pace(perSecond: 50)
/// for event in events {
///     pace.wait()
///     try sink.send(event)
/// }
/// ```
public struct Pace {
    private let perSecond: Double
    private let start = ContinuousClock.now
    private var count = 0.0

    /// - Parameter perSecond: events a second; 0 sets no pace.
    public init(perSecond: Double) { self.perSecond = perSecond }

    /// How long to wait for the next event's turn; nothing when it is due.
    public var remaining: Duration {
        guard perSecond > 0 else { return .zero }
        return max(.zero, .seconds(count / perSecond) - start.duration(to: .now))
    }

    /// The next event has had its turn.
    public mutating func advance() { count += 1 }

    /// Blocks the thread until it is the next event's turn, then takes it.
    public mutating func wait() {
        sleep(for: remaining)
        advance()
    }
}

/// Blocks the thread.
func sleep(for duration: Duration) {
    guard duration > .zero else { return }
    Thread.sleep(forTimeInterval: duration / .seconds(1))
}

/// Blocks the thread in slices, so that whoever interrupts is heard.
func sleep(for duration: Duration, unless isCancelled: () -> Bool) {
    let end = ContinuousClock.now + duration
    while !isCancelled() {
        let left = ContinuousClock.now.duration(to: end)
        guard left > .zero else { return }
        sleep(for: min(left, .milliseconds(100)))
    }
}
