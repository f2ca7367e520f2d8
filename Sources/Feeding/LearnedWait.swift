public import Events
import RESP
import Reporting

/// Waits until look-ups of the daemon know certain events.
///
/// A daemon that restarts meanwhile is waited for. One that is there and learns none of them for a minute is given up.
public struct LearnedWait {
    /// Of one question to the daemon.
    private static let patience: Duration = .seconds(1)
    /// Without any progress.
    private static let standstillMax: Duration = .seconds(60)

    private let connect: () throws -> any RPCConnection
    private let isCancelled: () -> Bool
    private let say: (String) -> Void
    private let now: () -> ContinuousClock.Instant
    private var backoff: Backoff

    /// - Parameters:
    ///   - connect: opens a connection to the daemon; asked again where it is lost.
    ///   - backoff: how to wait while the daemon is gone.
    ///   - isCancelled: asked each second.
    ///   - say: hears each second how far the daemon is.
    public init(
        connect: @escaping () throws -> any RPCConnection, backoff: Backoff,
        isCancelled: @escaping () -> Bool, say: @escaping (String) -> Void
    ) {
        self.init(
            connect: connect, backoff: backoff, isCancelled: isCancelled, say: say, now: { .now })
    }

    init(
        connect: @escaping () throws -> any RPCConnection, backoff: Backoff,
        isCancelled: @escaping () -> Bool, say: @escaping (String) -> Void,
        now: @escaping () -> ContinuousClock.Instant
    ) {
        (self.connect, self.backoff, self.isCancelled) = (connect, backoff, isCancelled)
        (self.say, self.now) = (say, now)
    }

    /// - Parameter tokens: of the newest event of each partition.
    /// - Returns: false when cancelled before.
    /// - Throws: `CommandError` where the daemon refuses, stands still or stays away.
    public mutating func run(_ tokens: [Token]) throws -> Bool {
        var connection: (any RPCConnection)?
        var (behind, since) = (Int.max, now())
        for token in tokens {
            while true {
                guard !isCancelled() else { return false }
                do {
                    let asked = try connection ?? connect()
                    connection = asked
                    backoff.reset()
                    if try Self.isLearned(token, asked) { break }
                    let left = try Self.behind(asked)
                    if left < behind { (behind, since) = (left, now()) }
                    say("\(NumberText.grouped(left)) events are still to be learned")
                } catch let error as RPCClientError {
                    connection = nil
                    guard backoff.wait() else { throw CommandError("\(error)", code: .unavailable) }
                }
                guard since.duration(to: now()) < Self.standstillMax else {
                    throw CommandError(
                        "the daemon has not come nearer to event \(token) for a minute; freshet status and freshet doctor say "
                            + "why", code: .unavailable)
                }
            }
            // Another partition has its own way to go.
            behind = .max
        }
        return true
    }

    /// Any look-up would do, were there anybody or anything to look up.
    private static func isLearned(_ token: Token, _ connection: any RPCConnection) throws -> Bool {
        let milliseconds = Int(patience / .milliseconds(1))
        switch try connection.call(
            ["TOP", "1", "BY", "popular", "AFTER", token.description, "TIMEOUT", "\(milliseconds)"])
        {
        case .error(let text) where text.hasPrefix("STALE") || RPCSink.isPassing(text): return false
        case .error(let text): throw CommandError("the daemon refuses to say what is learned: \(text)")
        default: return true
        }
    }

    private static func behind(_ connection: any RPCConnection) throws -> Int {
        guard case .integer(let lag)? = try connection.call(["STATUS"])["lag.total"] else { return .max }
        return Int(lag)
    }
}

extension RPCConnection {
    func call(_ arguments: [String]) throws(RPCClientError) -> RESPValue {
        try send(arguments)
        return try receive()
    }
}
