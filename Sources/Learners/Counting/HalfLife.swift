#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// After how long what was counted counts half.
public enum HalfLife: Sendable, Equatable {
    case never
    /// Events of the stream, of whatever kind.
    case events(Double)
    /// By the times of events, in milliseconds.
    case milliseconds(Double)

    /// Whether it goes by the times of events.
    @inline(__always)
    public var isTimed: Bool {
        if case .milliseconds = self { true } else { false }
    }

    /// In its own unit; 0 for none.
    public var length: Double {
        switch self {
        case .never: 0
        case .events(let length), .milliseconds(let length): length
        }
    }

    /// What is left after `elapsed` of its unit; what comes late counts as much less.
    @inline(__always)
    public func factor(elapsed: Int64) -> Double {
        length > 0 ? exp2(-Double(abs(elapsed)) / length) : 1
    }
}

/// A model that counts rather than learns rows.
public struct CounterOptions: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable {
        /// What is taken most, over all users.
        case popular
        /// The same of late: popularity that fades fast.
        case trending
        /// What the user takes again, by how often and how long ago.
        case `repeat`
        /// What follows the user's last items.
        case next
    }

    public var kind: Kind
    /// Of what is counted: takings of an item, a user's own takings, transitions. Events are those of the stream, of
    /// `next` the transitions from the same item.
    public var halfLife: HalfLife
    /// Successors kept of an item.
    public var successors = 128
    /// A user's last items that what follows is counted from.
    public var trail = 5
    /// How much each of them counts less than the one after it.
    public var trailDecay: Float = 0.7
    /// Transitions from an item that are needed before they count half.
    public var shrinkage: Float = 50
    /// The same of those that came at once.
    public var nearShrinkage: Float = 15

    /// Items that a user's own counts are kept of.
    public static let ownItemsMax = 512

    public init(_ kind: Kind) {
        self.kind = kind
        halfLife =
            switch kind {
            case .popular: .events(20_000)
            case .trending: .events(1_000)
            case .repeat: .never
            case .next: .events(500)
            }
    }
}
