package import Access
package import RESP

/// What a connection has said of itself, and asked for.
package struct Session: Sendable {
    /// Which commands are answered: `CLIENT REPLY`.
    package enum Replies: String, Sendable, Codable {
        case on, off
        /// The next command is not.
        case skipNext

        /// Whether the command that starts now is skipped; the one after it is not.
        package mutating func takeSkip() -> Bool {
            guard self == .skipNext else { return false }
            self = .on
            return true
        }
    }

    package let id: UInt64
    /// Who is at the other end, as the system tells.
    package let peer: Peer
    let connectedAt = ContinuousClock.now
    package var version = RESPVersion.two
    /// Who the client is; `nil` until it has shown.
    package private(set) var identity: Identity?
    /// Shared with all connections of the same user or peer.
    private(set) var limit: PeerLimit
    var name = ""
    var libraryName = ""
    var libraryVersion = ""
    package var replies = Replies.on
    /// Begun by `MULTI`.
    package var transaction: Transaction?
    /// Another daemon of the group, which has been asked for what this one has: it is not sent round.
    var isMember = false
    /// Asked for by `CLIENT TRACKING`.
    var tracking: Tracking?

    package init(id: UInt64, peer: Peer, _ access: AccessControl) {
        self.id = id
        self.peer = peer
        identity = access.arrival(peer)
        limit = access.limit(of: identity, peer)
    }

    mutating func become(_ identity: Identity?, _ access: AccessControl) {
        self.identity = identity
        limit = access.limit(of: identity, peer)
    }

    /// The state `RESET` goes back to.
    mutating func reset(_ access: AccessControl) {
        version = .two
        become(access.arrival(peer), access)
        name = ""
        replies = .on
        transaction = nil
        tracking = nil
        isMember = false
    }

    /// For the log: who this is, as far as the client has said.
    package var logName: String {
        let library = [libraryName, libraryVersion].filter { !$0.isEmpty }.joined(separator: " ")
        let user = identity.map { $0.name == Identity.standardName ? "" : ", user '\($0.name)'" } ?? ""
        return "connection \(id)" + user + (name.isEmpty ? "" : ", name '\(name)'")
            + (library.isEmpty ? "" : ", library '\(library)'")
    }

    /// One line of `CLIENT LIST`, in Redis's form. Clients split it at spaces and `=`, so that no value may hold one.
    func description(socketPath: String, heldBytes: Int) -> String {
        let age = connectedAt.duration(to: .now).components.seconds
        let path = String(socketPath.map { $0.isWhitespace || $0 == "=" ? "_" : $0 })
        let user = identity?.name ?? "(none)"
        let remote = if case .address(let address) = peer { address } else { path }
        return
            "id=\(id) addr=\(remote):0 laddr=\(path):0 name=\(name) age=\(age) idle=0 flags=N db=0 sub=0 psub=0 "
            + "ssub=0 multi=-1 omem=\(heldBytes) tot-mem=\(heldBytes) events=r cmd=NULL user=\(user) "
            + "redir=-1 resp=\(version.rawValue) lib-name=\(libraryName) lib-ver=\(libraryVersion)"
    }
}

/// What `CLIENT TRACKING` was told. No key is ever changed here, so that nothing comes of it but the right answers.
struct Tracking: Sendable, Equatable, Codable {
    enum Choice: String, Sendable, Codable {
        case all, optin, optout
    }

    var choice = Choice.all
    var isBroadcast = false
    var isNoLoop = false
    /// Zero for the connection itself.
    var redirect: UInt64 = 0
    var prefixes: [String] = []
}
