/// How often an item was taken, as logarithms of up to four counts that fade with half-lives of their own. Kept as they
/// stood when it was last taken, so that an item that nobody takes costs nothing, and read without a power.
public struct FadingLogs: BitwiseCopyable, Sendable, Equatable {
    /// Natural logarithms of the counts.
    public var logs: SIMD4<Float>
    /// Ordinal, and time in milliseconds, of the taking that counted last.
    public var ordinal: Int64
    public var time: Int64

    public static let untaken = FadingLogs(logs: SIMD4(repeating: -.infinity), ordinal: 0, time: 0)

    public init(logs: SIMD4<Float>, ordinal: Int64, time: Int64) {
        (self.logs, self.ordinal, self.time) = (logs, ordinal, time)
    }

    public var isTaken: Bool { logs[0] > -.infinity }
}

/// How fast they fade.
public struct FadingRates: Sendable, Equatable {
    public static let countsMax = 4
    /// Counts below this tell nothing.
    public static let least: Float = 0.05

    /// How many counts there are.
    public let count: Int
    /// What a logarithm loses an event, and a millisecond.
    @usableFromInline let perEvent: SIMD4<Float>
    @usableFromInline let perMillisecond: SIMD4<Float>
    @usableFromInline static let floor = Logarithm.of(least)

    /// - Parameter halfLives: in events or in milliseconds; 0 never fades.
    public init(_ halfLives: [(events: Double, milliseconds: Double)]) {
        precondition((1...Self.countsMax).contains(halfLives.count))
        count = halfLives.count
        var (perEvent, perMillisecond) = (SIMD4<Float>.zero, SIMD4<Float>.zero)
        for (number, halfLife) in halfLives.enumerated() {
            if halfLife.events > 0 { perEvent[number] = Float(0.693_147_18 / halfLife.events) }
            if halfLife.milliseconds > 0 {
                perMillisecond[number] = Float(0.693_147_18 / halfLife.milliseconds)
            }
        }
        (self.perEvent, self.perMillisecond) = (perEvent, perMillisecond)
    }

    /// Logarithms as they stand at an ordinal and a time. What comes out of order counts as much less.
    @inlinable
    @inline(__always)
    func faded(_ item: FadingLogs, ordinal: Int64, time: Int64) -> SIMD4<Float> {
        let events = Float((ordinal &- item.ordinal).magnitude)
        let elapsed = Float((time &- item.time).magnitude)
        return item.logs - perEvent * events - perMillisecond * elapsed
    }

    /// Above the least that tells anything; 0 for what was not taken.
    @inlinable
    @inline(__always)
    public func values(_ item: FadingLogs, ordinal: Int64, time: Int64) -> SIMD4<Float> {
        let values = faded(item, ordinal: ordinal, time: time) - SIMD4(repeating: Self.floor)
        return values.replacing(with: 0 as Float, where: values .<= (0 as Float))
    }

    /// Of one count, what orders items the same at any time: as if it had grown backwards (forward decay).
    public func standing(_ item: FadingLogs, _ number: Int) -> Double {
        Double(item.logs[number]) + Double(perEvent[number]) * Double(item.ordinal)
            + Double(perMillisecond[number]) * Double(item.time)
    }

    /// Counts a taking.
    public func take(weight: Float, ordinal: Int64, time: Int64, _ item: inout FadingLogs) {
        let logs = faded(item, ordinal: ordinal, time: time)
        for number in 0..<count {
            item.logs[number] = Logarithm.of(Logarithm.power(logs[number]) + weight)
        }
        item.ordinal = max(ordinal, item.ordinal)
        item.time = max(time, item.time)
    }

    /// What was counted since the counts were `earlier`, as it stands at the counts' own ordinal and time.
    public func gain(of item: FadingLogs, since earlier: FadingLogs) -> SIMD4<Float> {
        let before = faded(earlier, ordinal: item.ordinal, time: item.time)
        var gain = SIMD4<Float>.zero
        for number in 0..<count {
            gain[number] = Logarithm.power(item.logs[number]) - Logarithm.power(before[number])
        }
        return gain
    }

    /// Adds what others have counted, as it stood at an ordinal and a time.
    public func add(_ gain: SIMD4<Float>, ordinal: Int64, time: Int64, to item: inout FadingLogs) {
        let (now, last) = (max(ordinal, item.ordinal), max(time, item.time))
        let logs = item.isTaken ? faded(item, ordinal: now, time: last) : item.logs
        let fading = perEvent * Float(now - ordinal) + perMillisecond * Float(last - time)
        for number in 0..<count {
            let sum = Logarithm.power(logs[number]) + gain[number] * Logarithm.power(-fading[number])
            item.logs[number] = sum > 0 ? Logarithm.of(sum) : -.infinity
        }
        (item.ordinal, item.time) = (now, last)
    }

    /// Leaves a part of the counts: something was taken back.
    public static func scale(_ item: inout FadingLogs, by part: Float) {
        item.logs = part > 0 ? item.logs + Logarithm.of(part) : SIMD4(repeating: -.infinity)
    }
}
