/// What one epoch, or sweep, did.
public struct EpochReport: Sendable {
    /// From 1.
    public let epoch: Int
    /// Updates applied: steps, or rows solved.
    public let updates: Int
    /// Updates that the guard refused.
    public let rejected: Int
    /// The training loss, as `lossName` says; of each example before it was learned, so of a moving model.
    public let loss: Double
    public let lossName: String
    public let duration: Duration

    init(epoch: Int, tally: EpochTally, loss: Double, lossName: String, duration: Duration) {
        (self.epoch, self.loss, self.lossName, self.duration) = (epoch, loss, lossName, duration)
        (updates, rejected) = (tally.updates, tally.rejected)
    }

    public var updatesPerSecond: Double {
        let (seconds, attoseconds) = duration.components
        return Double(updates) / max(1e-9, Double(seconds) + Double(attoseconds) * 1e-18)
    }
}

/// Sums over an epoch, or over the part of it that one shard learned.
struct EpochTally: Sendable {
    var updates = 0
    var rejected = 0
    var lossSum = 0.0
    var lossCount = 0

    mutating func add(_ other: EpochTally) {
        updates += other.updates
        rejected += other.rejected
        lossSum += other.lossSum
        lossCount += other.lossCount
    }
}
