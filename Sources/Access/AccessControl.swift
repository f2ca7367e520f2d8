// Access: who may come in, what they may do, and how much of it.
//
// Here live roles, who is at the other end of a connection, the file of users and its hashes, limits of each peer, and what
// is told of those who were refused. A peer, a name with a password or a count comes in; an identity, a refusal or a wait
// goes out. What never comes in: sockets beyond one call that asks who connected, commands and routes, and the configuration
// file.

internal import Dispatch
internal import Locking
public import Logging
internal import Synchronization

/// Lets in, and refuses; one for all servers of a daemon.
public final class AccessControl: Sendable {
    /// A name and what shall prove it.
    public struct Credentials: Sendable {
        public var name: String
        public var password: String

        public init(name: String, password: String) { (self.name, self.password) = (name, password) }
    }

    public enum Verdict: Sendable, Equatable {
        case identity(Identity)
        case wrong
        /// Too many wait for their passwords to be checked.
        case busy
    }

    /// Passwords waiting to be checked, at some 20 ms each.
    private static let checksMax = 256

    private let current: Lock<AccessRules>
    private let limits = PeerLimits()
    private let proven = ProvenPasswords()
    public let counters = AccessCounters()
    let reports: AccessReports
    /// One at a time: guesses shall not take all processors.
    private let checks = DispatchQueue(label: "freshet.access", qos: .utility)
    private let waitingChecks = Atomic<Int>(0)
    /// Beside the rules, so that whoever has no limits waits for no lock. Relaxed: a change may hold a moment later.
    private let commandsPerSecond = Atomic<Int>(0)
    private let eventsPerSecond = Atomic<Int>(0)

    public init(
        _ rules: AccessRules = AccessRules(),
        logger: Logger = Logger(label: "freshet", factory: { _ in SwiftLogNoOpLogHandler() })
    ) {
        current = Lock(rules)
        reports = AccessReports(logger)
        keepRates(rules)
    }

    public var rules: AccessRules { current.withLock { $0 } }

    public func change(to rules: AccessRules) {
        current.withLock { $0 = rules }
        keepRates(rules)
    }

    private func keepRates(_ rules: AccessRules) {
        commandsPerSecond.store(rules.commandsPerSecond, ordering: .relaxed)
        eventsPerSecond.store(rules.eventsPerSecond, ordering: .relaxed)
    }

    // MARK: - Who

    /// Who somebody is before giving a name.
    public func arrival(_ peer: Peer) -> Identity? { rules.arrival(peer) }

    /// Whether somebody who came in earlier still may be who they were.
    public func holds(_ identity: Identity, _ peer: Peer) -> Bool { rules.holds(identity, peer) }

    /// What can be said at once; `nil` where a hash has to be worked out, by `check`.
    public func checkAtOnce(_ credentials: Credentials, _ peer: Peer) -> Verdict? {
        let rules = rules
        if credentials.name == Identity.standardName, rules.users[Identity.standardName] == nil {
            guard let password = rules.password else {
                // Where no password is set any will do, as in Redis: it makes nobody more than they are.
                guard let identity = rules.arrival(peer), identity.name == Identity.standardName else {
                    return .wrong
                }
                return .identity(identity)
            }
            guard SecretText.isEqual(credentials.password, password) else { return .wrong }
            return .identity(Identity(name: Identity.standardName, role: .admin))
        }
        guard !rules.users.isEmpty else { return .wrong }
        guard let user = rules.users[credentials.name], proven.contains(credentials, of: user) else {
            return nil
        }
        return .identity(Identity(name: credentials.name, role: user.role))
    }

    /// Answers from another thread.
    public func check(
        _ credentials: Credentials, _ peer: Peer, completion: @escaping @Sendable (Verdict) -> Void
    ) {
        guard waitingChecks.add(1, ordering: .relaxed).newValue <= Self.checksMax else {
            waitingChecks.subtract(1, ordering: .relaxed)
            return completion(.busy)
        }
        checks.async { [self] in
            // Whoever guesses without end keeps this busy without end.
            ThreadPriority.yieldToLookUps()
            defer { waitingChecks.subtract(1, ordering: .relaxed) }
            completion(verify(credentials, peer))
        }
    }

    private func verify(_ credentials: Credentials, _ peer: Peer) -> Verdict {
        // Somebody may have proved it while this one waited.
        if let verdict = checkAtOnce(credentials, peer) { return verdict }
        guard let user = rules.users[credentials.name] else {
            // As long as for a name that there is.
            _ = PasswordHash.matches(credentials.password, Self.nobodysHash)
            return .wrong
        }
        guard let hash = user.hashes.first(where: { PasswordHash.matches(credentials.password, $0) }) else {
            return .wrong
        }
        proven.insert(credentials, hash)
        return .identity(Identity(name: credentials.name, role: user.role))
    }

    private static let nobodysHash = PasswordHash.make(of: "nobody") ?? ""

    // MARK: - How much

    /// Of somebody with a name, all that come under it; of anybody else, all of one user id or address.
    public func limit(of identity: Identity?, _ peer: Peer) -> PeerLimit {
        let hasName = identity.map { rules.users[$0.name] != nil } ?? false
        let name = hasName ? identity?.name ?? "" : peer.limitName
        return limits.of(name, rules, at: .now)
    }

    public func admit(commands: Int, by limit: PeerLimit) throws(LimitRefusal) {
        try take(commands, of: .commands, commandsPerSecond, by: limit)
    }

    public func admit(events: Int, by limit: PeerLimit) throws(LimitRefusal) {
        try take(events, of: .events, eventsPerSecond, by: limit)
    }

    private func take(
        _ count: Int, of kind: AccessLimit, _ perSecond: borrowing Atomic<Int>, by limit: PeerLimit
    ) throws(LimitRefusal) {
        let perSecond = perSecond.load(ordering: .relaxed)
        guard perSecond > 0, count > 0 else { return }
        try limit.take(count, of: kind, perSecond: perSecond, at: .now)
    }

    // MARK: - What is told of it

    /// A command or route was refused.
    public func refused(_ what: String, _ identity: Identity?, _ peer: Peer, _ why: AccessRefusal) {
        counters.count(why)
        reports.refused(what, identity, peer, why)
    }

    /// A command for administrators is begun.
    public func administers(_ what: String, _ identity: Identity?, _ peer: Peer) {
        reports.administers(what, identity, peer)
    }
}
