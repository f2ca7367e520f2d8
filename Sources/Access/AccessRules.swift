/// Who may come in, and how much they may ask: what an operator has said of it.
public struct AccessRules: Sendable, Equatable {
    /// Of whoever gives no name on a Unix socket or, where no token is set, over HTTP; `nil` has everybody give one.
    public var standardRole: Role?
    /// Of the user `default`, who may do all; where there is one nobody has a role without a name but those named below.
    public var password: String?
    /// By name.
    public var users: [String: NamedUser]
    /// By the id of the user that connected to a Unix socket; before groups.
    public var rolesOfUserIDs: [UInt32: Role]
    /// By the ids of that user's groups; the highest holds.
    public var rolesOfGroupIDs: [UInt32: Role]
    /// Of one peer; 0 for no limit, here and below.
    public var commandsPerSecond: Int
    public var eventsPerSecond: Int
    /// That one peer may have open.
    public var connectionsPerPeer: Int

    public init(
        standardRole: Role? = .admin, password: String? = nil, users: [String: NamedUser] = [:],
        rolesOfUserIDs: [UInt32: Role] = [:], rolesOfGroupIDs: [UInt32: Role] = [:],
        commandsPerSecond: Int = 0, eventsPerSecond: Int = 0, connectionsPerPeer: Int = 0
    ) {
        self.standardRole = standardRole
        self.password = password
        self.users = users
        self.rolesOfUserIDs = rolesOfUserIDs
        self.rolesOfGroupIDs = rolesOfGroupIDs
        self.commandsPerSecond = commandsPerSecond
        self.eventsPerSecond = eventsPerSecond
        self.connectionsPerPeer = connectionsPerPeer
    }

    /// Who somebody is before giving a name; `nil` where a name has to be given.
    ///
    /// - Parameter asksPassword: whether `password` matters here; it does not over HTTP.
    public func arrival(_ peer: Peer, asksPassword: Bool = true) -> Identity? {
        switch peer {
        case .process(_, let user, let groups):
            if let role = rolesOfUserIDs[user] { return Identity(name: "uid:\(user)", role: role) }
            let named = groups.compactMap { group in rolesOfGroupIDs[group].map { (group, $0) } }
            if let (group, role) = named.max(by: { $0.1 < $1.1 }) {
                return Identity(name: "gid:\(group)", role: role)
            }
        // Whatever may reach an address is no reason to be let in.
        case .address: return nil
        case .unknown: break
        }
        guard !asksPassword || password == nil else { return nil }
        return standardRole.map { Identity(name: Identity.standardName, role: $0) }
    }

    /// Whether somebody may come in by this name and a password.
    public func hasPassword(_ name: String) -> Bool {
        users[name] != nil || (name == Identity.standardName && password != nil)
    }

    /// Whether somebody who came in under other rules would be the same under these. A password of `default` that has
    /// changed is for connections to come.
    func holds(_ identity: Identity, _ peer: Peer) -> Bool {
        if let user = users[identity.name] { return user.role == identity.role }
        if identity.name == Identity.standardName {
            return peer.isLocal ? identity.role == .admin || identity == arrival(peer) : password != nil
        }
        return identity == arrival(peer)
    }
}

extension Peer {
    fileprivate var isLocal: Bool {
        if case .address = self { false } else { true }
    }
}
