/// What somebody may do. Each may do all that those before it may.
public enum Role: String, Sendable, Codable, CaseIterable, Comparable {
    /// Look-ups, and how the daemon is.
    case read
    /// What appends to the log. Everything that the log takes is an event, an erasure and a promotion too, so that whoever
    /// may feed may do both.
    case feed
    /// What concerns the daemon or other clients.
    case admin

    private var rank: Int {
        switch self {
        case .read: 0
        case .feed: 1
        case .admin: 2
        }
    }

    public static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }

    /// The roles that it includes, itself among them.
    public var included: [Role] { Self.allCases.filter { $0 <= self } }
}

/// Who somebody is, as far as they have shown.
public struct Identity: Sendable, Codable, Equatable {
    /// Of whoever gave no name: `default`, or `uid:1000` or `gid:1000` where that is why the role is what it is.
    public var name: String
    public var role: Role

    public static let standardName = "default"

    public init(name: String, role: Role) { (self.name, self.role) = (name, role) }
}
