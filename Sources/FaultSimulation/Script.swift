internal import Events

/// What a seed stands for: an engine, and what befalls it. Steps say all that they need, so that a script of which some are
/// left out is a script too.
package struct Script: Sendable, Equatable {
    package var seed: UInt64
    package var setting: Setting
    package var steps: [Step]

    package init(seed: UInt64 = 1, _ setting: Setting, _ steps: [Step]) {
        (self.seed, self.setting, self.steps) = (seed, setting, steps)
    }
}

/// What kind of engine, and of world.
package struct Setting: Sendable, Equatable {
    package var partitions = 1
    package var shards = 1
    package var isDeterministic = true
    package var learners: [Learner] = [.stars, .likes]
    package var duplicatesWindow = 64
    package var historyMax = 10_000
    package var usersMax = 0
    package var itemsMax = 0
    /// Items' tags become vectors too: most of the work where they do.
    package var usesContent = false
    /// Few users stay in memory.
    package var usersLeave = false
    package var batchMax = 64
    package var queueMax = 65_536
    /// Of the log: whether gaps are passed over, rather than stopping the engine.
    package var skipsGaps = true
    /// The log keeps nothing that is durable in the state.
    package var retainsNothing = false

    package init() {}

    package enum Learner: String, Sendable, CaseIterable {
        case stars, likes, warped, solved, popular, next, `repeat`, blend
    }
}

package enum Step: Sendable, Equatable {
    /// A producer appends to the topic.
    case produce(Entry)
    /// A client does, through the engine.
    case feed(Entry, AppendFault)
    /// The consumer hands out so many records at most.
    case deliver(Int)
    /// It does so several times while the engine is busy.
    case burst([Int])
    case checkpoint(DiskPlan)
    /// The process, or the machine, ends; and starts again, perhaps on a disk that fails meanwhile.
    case kill(Crash, StartFault?)
    /// It ends in good order, and starts again.
    case restart
    /// A partition is taken away; comes back at a later `assign`.
    case revoke(Int)
    case assign
    /// The broker cannot be reached for so many polls.
    case outage(Int)
    /// The clock is set: milliseconds forward, or back.
    case clock(Int64)
    /// The log deletes what is older than its newest so many records.
    case retain(Int)
    /// Dead letters cannot be stored so many times.
    case refuseLetters(Int)
    /// All users and items are looked at.
    case look

    package enum AppendFault: Sendable, Equatable {
        case none
        /// Stored, and no answer ever comes; whoever sent it sends it again.
        case unanswered
        /// Not stored, and no answer ever comes; likewise.
        case lost
        /// The client is told that it may have been stored, and sends it again: whether it was.
        case unknown(wasStored: Bool)
        /// Refused, and not sent again.
        case refused
    }

    package enum DiskPlan: Sendable, Equatable {
        case sound
        case fails(Fault, after: Int, count: Int)
        /// The machine stops on the way.
        case stops(after: Int, within: Bool, Crash, StartFault?)
        /// A step takes so long that all this happens meanwhile.
        case slow(after: Int, [Step])
    }

    package enum Fault: String, Sendable, Equatable { case ioError, full, syncLost }

    package enum Crash: Sendable, Equatable {
        case process
        case power(UInt64)
    }

    /// What befalls the disk while the engine starts: it stops again, or a step fails, and then it starts once more.
    package struct StartFault: Sendable, Equatable {
        package var after: Int
        /// `nil` where the machine stops.
        package var fault: Fault?
        package var crash: Crash

        package init(after: Int, fault: Fault?, crash: Crash) {
            (self.after, self.fault, self.crash) = (after, fault, crash)
        }
    }
}

/// A record of the log.
package struct Entry: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case rating(user: Int, item: Int, value: Float)
        case signal(user: Int, item: Int, name: String)
        case retract(user: Int, item: Int)
        case hide(user: Int, item: Int)
        case unhide(user: Int, item: Int)
        case forget(user: Int)
        case item(Int, title: String?, tags: [String]?, added: [String]?, available: Bool?)
        case user(Int, tags: [String]?, added: [String]?)
        case promote(String)
        /// No event: one of several ways of being none.
        case malformed(Int)
        case tombstone(user: Int)
    }

    package var kind: Kind
    /// Of the event, in milliseconds since 1970.
    package var time: Int64?
    package var id: String?

    package init(_ kind: Kind, time: Int64? = nil, id: String? = nil) {
        (self.kind, self.time, self.id) = (kind, time, id)
    }
}

// MARK: - As records

extension Entry {
    static func userID(_ number: Int) -> String { "user-\(number)-of-the-simulation" }
    static func itemID(_ number: Int) -> String { "item-\(number)" }

    /// `nil` of what is no event.
    var event: Event? {
        func user(_ number: Int) -> EntityID? { try? EntityID(Self.userID(number)) }
        func item(_ number: Int) -> EntityID? { try? EntityID(Self.itemID(number)) }
        let kind: Event.Kind?
        switch self.kind {
        case .rating(let by, let of, let value):
            kind = user(by).flatMap { by in item(of).map { .rating(user: by, item: $0, value: value) } }
        case .signal(let by, let of, let name):
            kind = user(by).flatMap { by in item(of).map { .signal(user: by, item: $0, name: name) } }
        case .retract(let by, let of):
            kind = user(by).flatMap { by in item(of).map { .retract(user: by, item: $0) } }
        case .hide(let by, let of):
            kind = user(by).flatMap { by in item(of).map { .hide(user: by, item: $0) } }
        case .unhide(let by, let of):
            kind = user(by).flatMap { by in item(of).map { .unhide(user: by, item: $0) } }
        case .forget(let by): kind = user(by).map { .forget(user: $0) }
        case .item(let of, let title, let tags, let added, let available):
            kind = item(of).map {
                .item(
                    ItemDescription(
                        item: $0, title: title, tags: tags, addedTags: added, available: available))
            }
        case .user(let by, let tags, let added):
            kind = user(by).map { .user(UserDescription(user: $0, tags: tags, addedTags: added)) }
        case .promote(let model): kind = .promote(model: model)
        case .malformed, .tombstone: kind = nil
        }
        return kind.map { Event($0, time: time, id: id) }
    }

    /// Key and payload as a producer writes them.
    func record(_ options: EventOptions) -> (key: String, payload: [UInt8], isTombstone: Bool) {
        if let event { return (event.key.string, EventEncoder.encode(event, options: options), false) }
        switch kind {
        case .tombstone(let user): return (Self.userID(user), [], true)
        case .malformed(let way):
            return ("malformed-\(way)", Array(Self.malformed[way % Self.malformed.count].utf8), false)
        default: return ("", [], false)
        }
    }

    static let malformed = [
        "", "{", "no JSON at all", "[1,2,3]", #"{"user":"a"}"#, #"{"user":"a","item":"b"}"#,
        #"{"user":"a","item":"b","rating":1e9}"#, #"{"user":"a","item":"b","rating":"many"}"#,
        #"{"type":"signal","user":"a","item":"b","signal":"unheard-of"}"#,
        #"{"type":"dance","user":"a","item":"b"}"#, #"{"user":"","item":"b","rating":3}"#,
        #"{"type":"promote","model":"nobody"}"#, #"{"type":"forget"}"#,
        #"{"user":"a","item":"b","rating":3,"ts":"yesterday"}"#, "\u{FFFD}\u{0}",
    ]

    /// Whether a second delivery is known for what it is, so that a client may send it again.
    var isRepeatable: Bool { id != nil || time != nil }
}
