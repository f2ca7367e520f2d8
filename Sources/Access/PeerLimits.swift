internal import Locking
internal import Synchronization

/// What a limit was found passed for.
public enum AccessLimit: String, Sendable {
    case commands = "access.commands-per-second"
    case events = "access.events-per-second"
}

/// A request that comes too soon.
public struct LimitRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    public var limit: AccessLimit
    public var perSecond: Int
    /// Who has used it up.
    public var peer: String
    /// Until one more is taken, rounded up.
    public var milliseconds: Int

    public var description: String {
        "\(limit.rawValue) is \(perSecond), and \(peer) has used it up; try again in \(milliseconds) ms"
    }
}

/// A bucket that fills at a rate and holds one second of it. More may be taken than there is, once there is any: a batch
/// larger than the bucket is taken whole, and what follows waits for it. So over time the rate holds.
struct RateBucket: Sendable {
    private var level: Double
    private var filledAt: ContinuousClock.Instant

    init(perSecond: Int, at now: ContinuousClock.Instant) { (level, filledAt) = (Double(perSecond), now) }

    /// - Returns: how long to wait, where nothing is taken.
    mutating func take(_ count: Int, perSecond: Int, at now: ContinuousClock.Instant) -> Duration? {
        let rate = Double(perSecond)
        let (seconds, attoseconds) = (now - filledAt).components
        level = min(rate, level + (Double(seconds) + Double(attoseconds) / 1e18) * rate)
        filledAt = now
        guard level < 1 else {
            level -= Double(count)
            return nil
        }
        return .seconds((1 - level) / rate)
    }

    /// Whether it is as if it had never been used.
    func isFull(perSecond: Int, at now: ContinuousClock.Instant) -> Bool {
        var copy = self
        _ = copy.take(0, perSecond: perSecond, at: now)
        return copy.level >= Double(perSecond)
    }
}

/// How much one peer has asked for lately; all its connections share it.
public final class PeerLimit: Sendable {
    struct Buckets: Sendable {
        var commands: RateBucket
        var events: RateBucket
    }

    public let name: String
    private let buckets: Lock<Buckets>

    init(_ name: String, _ rules: AccessRules, at now: ContinuousClock.Instant) {
        self.name = name
        buckets = Lock(
            Buckets(
                commands: RateBucket(perSecond: rules.commandsPerSecond, at: now),
                events: RateBucket(perSecond: rules.eventsPerSecond, at: now)))
    }

    /// - Parameter perSecond: above zero.
    func take(
        _ count: Int, of limit: AccessLimit, perSecond: Int, at now: ContinuousClock.Instant
    ) throws(LimitRefusal) {
        let wait = buckets.withLock { buckets in
            switch limit {
            case .commands: buckets.commands.take(count, perSecond: perSecond, at: now)
            case .events: buckets.events.take(count, perSecond: perSecond, at: now)
            }
        }
        guard let wait else { return }
        let (seconds, attoseconds) = wait.components
        let milliseconds = Double(seconds) * 1e3 + Double(attoseconds) / 1e15
        throw LimitRefusal(
            limit: limit, perSecond: perSecond, peer: name, milliseconds: Int(milliseconds.rounded(.up)))
    }

    fileprivate func isFull(_ rules: AccessRules, at now: ContinuousClock.Instant) -> Bool {
        buckets.withLock { buckets in
            buckets.commands.isFull(perSecond: rules.commandsPerSecond, at: now)
                && buckets.events.isFull(perSecond: rules.eventsPerSecond, at: now)
        }
    }
}

/// The limits of all peers heard of lately.
final class PeerLimits: Sendable {
    /// Past it those that have used nothing of late are forgotten, which changes nothing for them.
    private static let peersMax = 4096

    private let peers = Lock<[String: PeerLimit]>([:])

    func of(_ name: String, _ rules: AccessRules, at now: ContinuousClock.Instant) -> PeerLimit {
        peers.withLock { peers in
            if let known = peers[name] { return known }
            if peers.count >= Self.peersMax { peers = peers.filter { !$0.value.isFull(rules, at: now) } }
            let limit = PeerLimit(name, rules, at: now)
            // Where all are busy, who comes now is bounded by the number of connections alone.
            if peers.count < Self.peersMax { peers[name] = limit }
            return limit
        }
    }
}
