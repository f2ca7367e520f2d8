// Events: what may be said in a log, and how it is written.
//
// Here live the kinds of events, ids and tokens, the decoder and encoder of records, the readers of files (JSON,
// separated values, MovieLens, plain or gzip), how times are read, and how a record and an event are known again. Bytes
// and text come in, events or an error with a reason go out. What never comes in: logs, state, the clock. It imports no
// other room.

/// One record of the log, decoded.
public struct Event: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
        /// An explicit rating, on the operator's scale.
        case rating(user: EntityID, item: EntityID, value: Float)
        /// A named act, say `click`; the configuration maps names to weights.
        case signal(user: EntityID, item: EntityID, name: String)
        /// Takes back whatever the user said of the item.
        case retract(user: EntityID, item: EntityID)
        /// The user never wants to see the item again. No judgement of it: nothing is learned from it.
        case hide(user: EntityID, item: EntityID)
        /// Takes a `hide` back.
        case unhide(user: EntityID, item: EntityID)
        /// Erases the user: rows, history, hidden items, id.
        case forget(user: EntityID)
        /// Describes an item; `nil` leaves what is known as it is.
        case item(ItemDescription)
        /// Describes a user.
        case user(UserDescription)
        /// From here on this model is asked where a look-up names none.
        case promote(model: String)
    }

    public var kind: Kind
    /// Milliseconds since 1970, as the producer says; the log's own time stands in where it is absent.
    public var time: Int64?
    /// The producer's own name for this one event, by which a second delivery can be known; 1 to 256 bytes of UTF-8.
    public var id: String?

    /// - Parameters:
    ///   - time: milliseconds since 1970.
    ///   - id: the event's own id, not the user's or the item's.
    public init(_ kind: Kind, time: Int64? = nil, id: String? = nil) {
        self.kind = kind
        self.time = time
        self.id = id
    }

    /// The key under which the event is appended: the user's id, so that one user's events stay in order in one
    /// partition; the item's id for an item's description, `promote` for a promotion.
    public var key: EntityID {
        switch kind {
        case .rating(let user, _, _), .signal(let user, _, _), .retract(let user, _), .hide(let user, _),
            .unhide(let user, _), .forget(let user):
            user
        case .item(let description): description.item
        case .user(let description): description.user
        case .promote: Self.promotionKey
        }
    }

    /// One for all, so that of two promotions the later one holds, whatever partitions a topic has.
    package static let promotionKey = EntityID(literal: "promote")
}

extension Event {
    /// The item it speaks of.
    public var item: EntityID? {
        switch kind {
        case .rating(_, let item, _), .signal(_, let item, _), .retract(_, let item), .hide(_, let item),
            .unhide(_, let item):
            item
        case .item(let description): description.item
        case .forget, .user, .promote: nil
        }
    }
}
