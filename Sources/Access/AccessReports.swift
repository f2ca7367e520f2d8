internal import Locking
internal import Logging
internal import Synchronization

/// Why somebody was refused.
public enum AccessRefusal: Sendable, Equatable {
    /// Nothing said who it is.
    case noName
    /// A name with a password that is not its own.
    case wrongPassword
    case role(wanted: Role)
    case limit(AccessLimit)
    /// The client's side of TLS did not come about; why.
    case handshake(String)

    /// For the log.
    var words: String {
        switch self {
        case .noName: "not authenticated"
        case .wrongPassword: "wrong name or password"
        case .role(let wanted): "needs the role \(wanted.rawValue)"
        case .limit(let limit): "past \(limit.rawValue)"
        case .handshake(let why): "TLS: \(why)"
        }
    }
}

/// Refusals since the start. Relaxed: each is read alone, to be shown to people.
public final class AccessCounters: Sendable {
    private let noName = Atomic<Int64>(0)
    private let wrongPasswords = Atomic<Int64>(0)
    private let roles = Atomic<Int64>(0)
    private let commands = Atomic<Int64>(0)
    private let events = Atomic<Int64>(0)
    private let handshakes = Atomic<Int64>(0)

    func count(_ refusal: AccessRefusal) {
        switch refusal {
        case .noName: noName.add(1, ordering: .relaxed)
        case .wrongPassword: wrongPasswords.add(1, ordering: .relaxed)
        case .role: roles.add(1, ordering: .relaxed)
        case .limit(.commands): commands.add(1, ordering: .relaxed)
        case .limit(.events): events.add(1, ordering: .relaxed)
        case .handshake: handshakes.add(1, ordering: .relaxed)
        }
    }

    /// As STATUS names them.
    public var all: [(name: String, count: Int64)] {
        [
            ("access.refused.unauthenticated", noName.load(ordering: .relaxed)),
            ("access.refused.wrong-password", wrongPasswords.load(ordering: .relaxed)),
            ("access.refused.role", roles.load(ordering: .relaxed)),
            ("access.refused.commands-limit", commands.load(ordering: .relaxed)),
            ("access.refused.events-limit", events.load(ordering: .relaxed)),
            ("access.refused.handshake", handshakes.load(ordering: .relaxed)),
        ]
    }
}

/// Lines of the log about who was refused, and who did what only administrators may. Whoever is refused without end does not
/// fill the log: so many lines a second, and the number of those left out.
final class AccessReports: Sendable {
    private struct Pace {
        var beganAt = ContinuousClock.now
        var told = 0
        var leftOut = 0
    }

    private static let linesPerSecond = 10

    private let logger: Logger
    private let pace = Lock(Pace())

    init(_ logger: Logger) { self.logger = logger }

    func refused(_ what: String, _ identity: Identity?, _ peer: Peer, _ why: AccessRefusal) {
        guard let leftOut = takePlace() else { return }
        var metadata: Logger.Metadata = [
            "what": "\(what)", "why": "\(why.words)", "user": "\(identity?.name ?? "none")",
            "peer": "\(peer)",
        ]
        if leftOut > 0 { metadata["refusals-not-told"] = "\(leftOut)" }
        logger.warning("refused", metadata: metadata)
    }

    func administers(_ what: String, _ identity: Identity?, _ peer: Peer) {
        logger.notice(
            "administrative command",
            metadata: [
                "what": "\(what)", "user": "\(identity?.name ?? "none")", "peer": "\(peer)",
            ])
    }

    /// - Returns: how many were left out since the last line; `nil` where this one is too.
    private func takePlace() -> Int? {
        pace.withLock { pace in
            let now = ContinuousClock.now
            if now - pace.beganAt >= .seconds(1) { (pace.beganAt, pace.told) = (now, 0) }
            guard pace.told < Self.linesPerSecond else {
                pace.leftOut += 1
                return nil
            }
            pace.told += 1
            defer { pace.leftOut = 0 }
            return pace.leftOut
        }
    }
}
