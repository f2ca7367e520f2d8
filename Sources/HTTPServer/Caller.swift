import Access
import Foundation
import HTTPTypes

/// Who asks, and whether they may.
struct Caller: Sendable {
    /// `nil` where anybody may ask.
    private let identity: Identity?
    private let peer: Peer
    private let limit: PeerLimit?
    private let route: String
    private let access: AccessControl

    /// - Throws: what is missing: a name, a role, or patience.
    init(
        _ headers: HTTPFields, _ peer: Peer, _ route: Route, _ environment: HTTPEnvironment
    ) async throws {
        access = environment.options.access
        self.peer = peer
        self.route = route.name
        guard case .whoever(let role) = route.access else { (identity, limit) = (nil, nil); return }
        guard let identity = try await Self.identity(headers, peer, route.name, environment) else {
            access.refused("HTTP \(route.name)", nil, peer, .noName)
            throw Self.unauthorized(
                environment.options.token == nil
                    ? "send Authorization: Bearer and name:password"
                    : "http.token is set: send Authorization: Bearer and the token")
        }
        guard identity.role >= role else {
            access.refused("HTTP \(route.name)", identity, peer, .role(wanted: role))
            throw Problem(
                .forbidden, "NOPERM",
                "this needs the role \(role.rawValue), and '\(identity.name)' has \(identity.role.rawValue)")
        }
        self.identity = identity
        limit = access.limit(of: identity, peer)
        try admit { limit throws(LimitRefusal) in try access.admit(commands: 1, by: limit) }
    }

    /// Another daemon, which has let in whoever asks it.
    init(of route: Route, _ environment: HTTPEnvironment) {
        (identity, limit, peer, self.route) = (nil, nil, .unknown, route.name)
        access = environment.options.access
    }

    func admit(events: Int) throws(Problem) {
        try admit { limit throws(LimitRefusal) in try access.admit(events: events, by: limit) }
    }

    private func admit(_ body: (PeerLimit) throws(LimitRefusal) -> Void) throws(Problem) {
        guard let limit else { return }
        do throws(LimitRefusal) {
            try body(limit)
        } catch {
            access.refused("HTTP \(route)", identity, peer, .limit(error.limit))
            var problem = Problem(.tooManyRequests, "OVERLOADED", "\(error)")
            problem.headers[.retryAfter] = String(max(1, (error.milliseconds + 999) / 1000))
            throw problem
        }
    }

    // MARK: - Names

    private static func identity(
        _ headers: HTTPFields, _ peer: Peer, _ route: String, _ environment: HTTPEnvironment
    ) async throws(Problem) -> Identity? {
        let (access, token) = (environment.options.access, environment.options.token)
        let rules = access.rules
        let given = headers[.authorization] ?? ""
        // Where nobody has a name it does not matter what is given for one.
        guard !given.isEmpty, token != nil || !rules.users.isEmpty else {
            return environment.arrival(peer)
        }
        if let token, let bearer = value(given, of: "bearer "), SecretText.isEqual(bearer, token) {
            return Identity(name: "token", role: .admin)
        }
        // That the user default needs no password elsewhere is no reason to let it in here.
        guard let credentials = credentials(given),
            rules.hasPassword(credentials.name) || !rules.users.isEmpty,
            credentials.name != Identity.standardName || rules.hasPassword(Identity.standardName)
        else { throw refuse(access, peer, route) }
        switch await access.verdict(credentials, peer) {
        case .identity(let identity): return identity
        case .wrong: throw refuse(access, peer, route)
        case .busy:
            throw Problem(
                .serviceUnavailable, "OVERLOADED", "too many passwords are being checked; try again")
        }
    }

    private static func refuse(_ access: AccessControl, _ peer: Peer, _ route: String) -> Problem {
        access.refused("HTTP \(route)", nil, peer, .wrongPassword)
        return unauthorized("the token, or the name and its password, is wrong")
    }

    private static func unauthorized(_ detail: String) -> Problem {
        var problem = Problem(.unauthorized, "NOAUTH", detail)
        problem.headers[.wwwAuthenticate] = "Bearer realm=\"freshet\""
        return problem
    }

    private static func value(_ header: String, of scheme: String) -> String? {
        header.lowercased().hasPrefix(scheme) ? String(header.dropFirst(scheme.count)) : nil
    }

    /// `Bearer name:password`, or the same as Basic has it.
    private static func credentials(_ header: String) -> AccessControl.Credentials? {
        let text =
            value(header, of: "bearer ")
            ?? value(header, of: "basic ").flatMap { Data(base64Encoded: $0) }
            .map { String(decoding: $0, as: UTF8.self) }
        guard let text, let colon = text.firstIndex(of: ":") else { return nil }
        return AccessControl.Credentials(
            name: String(text[..<colon]), password: String(text[text.index(after: colon)...]))
    }
}

extension AccessControl {
    fileprivate func verdict(_ credentials: Credentials, _ peer: Peer) async -> Verdict {
        if let verdict = checkAtOnce(credentials, peer) { return verdict }
        return await withCheckedContinuation { continuation in
            check(credentials, peer) { continuation.resume(returning: $0) }
        }
    }
}

extension HTTPEnvironment {
    /// Who somebody is that gives no name. An address says nothing of who is there; that it may be reached is up to
    /// `http.listen`.
    func arrival(_ peer: Peer) -> Identity? {
        guard options.token == nil else { return nil }
        switch peer {
        case .address, .unknown: return options.access.rules.arrival(.unknown, asksPassword: false)
        case .process: return options.access.rules.arrival(peer, asksPassword: false)
        }
    }

    /// Whether anybody is let in that gives no name.
    var letsInWithoutName: Bool { options.token == nil && options.access.rules.standardRole != nil }
}
