/// Events decoded together, without an object for any of them: what has a fixed size stands in one array, and the bytes of
/// all their ids in another. What few events have (titles, tags) stands beside.
///
/// One array of entries rather than one a column: whoever learns an event needs all of it.
package struct DecodedEvents: Sendable, Equatable {
    package enum Kind: UInt8, Sendable {
        case rating = 1
        case signal, retract, hide, unhide, forget, item, promote, user
    }

    package struct Entry: Sendable, Equatable {
        package var token: Token
        /// Milliseconds since 1970: the event's own time, or else the log's.
        package var time: Int64
        /// By what a second delivery is known, where `isKnownAgain`.
        package var fingerprint: UInt64 = 0
        fileprivate(set) package var user = TextRange()
        fileprivate(set) package var item = TextRange()
        /// A rating.
        package var value: Float = 0
        /// Of a signal the place of its name in `signals`; of an item's description its place in `descriptions`, of a
        /// user's in `userDescriptions`; of a promotion that of its model in `models`.
        package var reference: Int32 = 0
        package var kind: Kind
        package var isTimed = false
        package var isKnownAgain = false

        /// How far the clock of who made an event may be ahead of the log's, in milliseconds: a day, for those who take their local
        /// time for UTC too.
        private static let aheadMax: Int64 = 86_400_000
        /// The year 2000: no log tells an earlier time that has a clock.
        private static let logTimeMin: Int64 = 946_684_800_000

        /// Takes the event's own time in place of the log's, which it has as yet. One that is further ahead than clocks differ is
        /// wrong: by it what others do today would be ages ago, so the log's stands. A log that tells no times believes all.
        mutating func take(ownTime: Int64) {
            guard time < Self.logTimeMin || ownTime - time <= Self.aheadMax else {
                isAhead = true
                return
            }
            (time, isTimed) = (ownTime, true)
        }

        /// Whether the event's own time lay in the future, and the log's stands.
        package private(set) var isAhead = false
    }

    /// Where an id stands in `ids`; empty where the event has none.
    package struct TextRange: Sendable, Equatable {
        fileprivate var start: UInt32 = 0
        fileprivate var length: UInt32 = 0

        package var range: Range<Int> { Int(start)..<Int(start) + Int(length) }
    }

    package private(set) var entries: [Entry] = []
    /// UTF-8, one id after another.
    package private(set) var ids: [UInt8] = []
    /// Names of signals, each once.
    package private(set) var signals: [String] = []
    package private(set) var descriptions: [ItemDescription] = []
    package private(set) var userDescriptions: [UserDescription] = []
    /// Names of models that are promoted, one a promotion.
    package private(set) var models: [String] = []

    package init() {}

    package var count: Int { entries.count }

    /// Bytes held, descriptions' texts aside.
    package var bytes: Int {
        entries.capacity * MemoryLayout<Entry>.stride + ids.capacity
            + descriptions.capacity * MemoryLayout<ItemDescription>.stride
            + userDescriptions.capacity * MemoryLayout<UserDescription>.stride
    }

    package mutating func reserve(events more: Int) {
        entries.reserveCapacity(entries.count + more)
        ids.reserveCapacity(ids.count + more * 16)
    }

    /// Names of signals stay.
    package mutating func removeAll(keepingCapacity: Bool = false) {
        entries.removeAll(keepingCapacity: keepingCapacity)
        ids.removeAll(keepingCapacity: keepingCapacity)
        descriptions.removeAll(keepingCapacity: keepingCapacity)
        userDescriptions.removeAll(keepingCapacity: keepingCapacity)
        models.removeAll()
    }

    /// Takes an event that somebody else has decoded.
    package mutating func append(_ event: Event, token: Token, logTime: Int64) {
        var entry = Entry(token: token, time: logTime, kind: event.kindCode)
        if let time = event.time { entry.take(ownTime: time) }
        if let fingerprint = event.fingerprint {
            (entry.fingerprint, entry.isKnownAgain) = (fingerprint, true)
        }
        if let user = event.user { entry.user = append(user.string) }
        if let item = event.item { entry.item = append(item.string) }
        switch event.kind {
        case .rating(_, _, let value): entry.value = value
        case .signal(_, _, let name): entry.reference = reference(ofSignal: name)
        case .item(let description):
            entry.reference = Int32(descriptions.count)
            descriptions.append(description)
        case .user(let description):
            entry.reference = Int32(userDescriptions.count)
            userDescriptions.append(description)
        case .promote(let model):
            entry.reference = Int32(models.count)
            models.append(model)
        case .retract, .hide, .unhide, .forget: break
        }
        entries.append(entry)
    }

    /// Takes what was decoded after it.
    package mutating func append(_ later: DecodedEvents) {
        let (idsBefore, describedBefore) = (UInt32(ids.count), Int32(descriptions.count))
        let (promotedBefore, usersBefore) = (Int32(models.count), Int32(userDescriptions.count))
        let names = later.signals.map { reference(ofSignal: $0) }
        ids += later.ids
        descriptions += later.descriptions
        userDescriptions += later.userDescriptions
        models += later.models
        entries.reserveCapacity(entries.count + later.entries.count)
        for var entry in later.entries {
            entry.user.start += idsBefore
            entry.item.start += idsBefore
            switch entry.kind {
            case .signal: entry.reference = names[Int(entry.reference)]
            case .item: entry.reference += describedBefore
            case .promote: entry.reference += promotedBefore
            case .user: entry.reference += usersBefore
            default: break
            }
            entries.append(entry)
        }
    }
}

// For the decoder.
extension DecodedEvents {
    mutating func append(_ entry: Entry, user: TextRange, item: TextRange) {
        var entry = entry
        (entry.user, entry.item) = (user, item)
        entries.append(entry)
    }

    mutating func append(_ text: String) -> TextRange {
        var text = text
        return text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
    }

    mutating func append(_ text: UnsafeRawBufferPointer) -> TextRange {
        let start = ids.count
        ids.append(contentsOf: text)
        return TextRange(start: UInt32(start), length: UInt32(text.count))
    }

    /// What was taken of an event that turned out to be none.
    mutating func forgetIDs(from count: Int) { ids.removeLast(ids.count - count) }

    /// Of a name that is there already; `nil` else.
    func reference(ofSignal name: UnsafeRawBufferPointer) -> Int32? {
        signals.firstIndex { $0.utf8.elementsEqual(name) }.map { Int32($0) }
    }

    mutating func reference(ofSignal name: String) -> Int32 {
        // By bytes: `String` would merge names that the configuration keeps apart.
        if let index = signals.firstIndex(where: { $0.utf8.elementsEqual(name.utf8) }) { return Int32(index) }
        signals.append(name)
        return Int32(signals.count - 1)
    }
}

extension Event {
    package var user: EntityID? {
        switch kind {
        case .rating(let user, _, _), .signal(let user, _, _), .retract(let user, _), .hide(let user, _),
            .unhide(let user, _), .forget(let user):
            user
        case .user(let description): description.user
        case .item, .promote: nil
        }
    }

    var kindCode: DecodedEvents.Kind {
        switch kind {
        case .rating: .rating
        case .signal: .signal
        case .retract: .retract
        case .hide: .hide
        case .unhide: .unhide
        case .forget: .forget
        case .item: .item
        case .user: .user
        case .promote: .promote
        }
    }
}
