internal import ClusterItems
internal import ClusterMembers
internal import ClusterUsers
internal import Dispatch
internal import EventLog
internal import Events
internal import Factors
internal import Foundation
internal import Locking
internal import State
internal import Synchronization

/// How this engine is one of several that learn one log.
public struct ClusterOptions: Sendable, Equatable {
    /// Bytes of what one commit tells of items, about.
    public var itemBytesMax = 5 << 20
    /// Members that keep a copy of each partition beside the one that has it; 0 for none.
    public var standby = 0
    /// Where this member keeps copies; they can be lost.
    public var standbyFolder = ""
    /// How long who has what has to have stood still before somebody else is followed.
    package var standbySettling: Duration = .seconds(5)
    /// How long a copy stays that is not followed any more.
    package var standbyKept: Duration = .seconds(600)
    /// How old the newest image of items gets before another one is told; 0 tells none.
    public var imageInterval: Duration = .zero
    /// What `ItemImages.begin` said.
    public var beginning = Beginning.settled
    /// Where images are made, and go once they are told.
    public var imagePath = ""
    /// How long what was told of a partition's users may be missing before it is taken to be gone: until a transaction has ended
    /// in all its partitions it is.
    package var missingPatience: Duration = .seconds(30)

    public init() {}

    /// What came of looking for an image of items before the state's file was opened.
    public enum Beginning: Sendable {
        /// The state goes on as it was, or begins with an image, or with all that was ever told.
        case settled
        /// There is no state yet, and nobody answered.
        case unasked
        /// An image could not be taken: whoever ended to begin with one would do nothing else.
        case failed
    }
}

/// What the state's file keeps of it, as JSON: what stood in the members' topics when the rest of the file did.
struct Membership: Codable {
    /// Names this member.
    var member: UInt64
    /// Of what it has told of items.
    var sequence: Int64
    /// Of the topic of events; `nil` in a file of before this was kept.
    var partitions: Int?
    /// The next of what is told of items.
    var itemsNext: Int64?
    /// Partitions whose users are in the file, with the position at which these stand, and events over their whole life.
    var owned: [Int32: Int64]
    var events: [Int32: Int64]
    /// Names of their changelogs, as far as these have one, and how far they are known to reach.
    var changelogs: [Int32: UInt64]?
    var told: [Int32: Int64]?
    /// The newest `PROMOTE`, of whichever partition.
    var promotion: AskedPromotion?
    /// The file is an image that another member has told: nobody's yet.
    var isImage: Bool?
    /// What such an image has in it, by who told it: the last sequence number.
    var included: [UInt64: Int64]?
    /// The newest that was known.
    var newestImage: ItemImagePlace?

    init(
        member: UInt64, sequence: Int64, partitions: Int, itemsNext: Int64?, owned: [Int32: Int64],
        events: [Int32: Int64], changelogs: [Int32: Changelog], promotion: AskedPromotion?
    ) {
        (self.member, self.sequence, self.itemsNext) = (member, sequence, itemsNext)
        self.partitions = partitions
        (self.owned, self.events, self.promotion) = (owned, events, promotion)
        self.changelogs = changelogs.mapValues(\.name)
        told = changelogs.compactMapValues(\.told)
    }

    /// What a member begins with whom this one tells what it knows of items.
    var image: Membership {
        var image = self
        image.isImage = true
        (image.owned, image.events, image.changelogs, image.told) = ([:], [:], nil, nil)
        image.included = (included ?? [:]).merging([member: sequence]) { max($0, $1) }
        return image
    }

    /// Of partitions whose users are in the file.
    var filedChangelogs: [Int32: Changelog] {
        (changelogs ?? [:]).reduce(into: [:]) { all, entry in
            all[entry.key] = Changelog(name: entry.value, told: told?[entry.key])
        }
    }
}

/// Where what is known of a partition's users is told.
struct Changelog: Sendable, Equatable {
    /// Whoever goes on with it; one that was begun anew has another.
    var name: UInt64
    /// The offset of a record that is known to stand in it: what is told next comes behind, or the topic was made anew. `nil` where
    /// nothing is known to have been told under this name.
    var told: Int64?

    /// One that nobody has begun.
    static var new: Changelog { Changelog(name: .random(in: 0 ... .max)) }
}

/// What the engine keeps of being one of several.
final class ClusterMember: Sendable {
    /// What any thread may look at.
    struct Shared {
        /// `nil` until the topics are open.
        var placement: UserPlacement?
        /// As it was when the state's file was written: until the topics are open look-ups go by it.
        var filedPlacement: UserPlacement?
        /// What is told of items is merged up to here.
        var itemsNext: Int64?
        var owned: Set<Int32> = []
        /// Lost in an outage, with all that was learned of them committed, or in the file of a member that was started in one: as
        /// long as nobody is heard who has them, this member answers for their users.
        var lent: Set<Int32> = []
        var events: [Int32: Int64] = [:]
        /// Another member has this one's partitions, or nobody knows: nothing may be committed any more.
        var failure: String?
        /// The last commit did not come about, and may be tried again.
        var isCut = false
        /// Partitions of whose users nothing is found, though the group's offset says that something was told.
        var missing: [Int32: Missing] = [:]
        /// The newest image of items that anybody has told.
        var image: ItemImagePlace?
        /// One is being told, or could not be: until then none is.
        var isTellingImage = false
        var imageRest: ContinuousClock.Instant?
        var report = Report()
        /// Where this member's RPC is asked.
        var address = ""
        /// Of this member too.
        var directory = MemberDirectory()
        /// Whether what was told before this process began has been read: from then on what is heard is new.
        var hasCaughtUp = false
        /// What this member last said of itself, and when.
        var announced: (at: ContinuousClock.Instant, owned: Set<Int32>)?

        /// What look-ups go by; `nil` as long as nothing can be answered for anybody.
        var answering: UserPlacement? { placement ?? (lent.isEmpty ? nil : filedPlacement) }

        /// The topics are open. Where they have another number of partitions than when the file was written, its users belong to
        /// others now; what an outage lent since this process began was of the topics as they are.
        mutating func reach(partitions: Int) {
            if placement == nil, filedPlacement?.partitions != partitions { lent = [] }
            placement = UserPlacement(partitions: partitions)
        }
    }

    struct Missing {
        var since = ContinuousClock.now
        /// For so long that it is said to be gone.
        var isGone = false
    }

    struct Report {
        var commits = 0
        var bytesSent = 0
        var bytesReceived = 0
        var usersIn = 0
        var usersOut = 0
        /// Rows of items that wait for room.
        var held = 0
        /// What could not be merged.
        var refused = 0
        /// How often all that is known of users was told again, because what was told is gone.
        var toldAnew = 0
        /// Images of items that this member has told.
        var imagesTold = 0
        /// By other member: when it was last heard of, and how many events it has learned since this process started.
        var peers: [UInt64: (at: ContinuousClock.Instant, events: Int64)] = [:]
    }

    /// What the engine's queue alone touches.
    struct Confined {
        var ledger: ItemLedger
        /// In the state's file, or lost in an outage, with the positions there; until they are taken over or given up.
        var filed: [Int32: Int64]
        /// Their changelogs.
        var filedChangelogs: [Int32: Changelog]
        /// Of a state that was not one of several before: all that it has learned is its own.
        var isNew: Bool
        /// The last sequence number that the file knows of.
        var sequence: Int64
        var itemsNext: Int64?
        /// Of changes of others what is known from an image, by who told them: the last sequence number.
        var included: [UInt64: Int64]
        /// Told, and not committed yet.
        var waiting: [[UInt8]] = []
        /// What was last committed.
        var positions: [Int32: Int64] = [:]
        /// The changelogs of this member's partitions.
        var changelogs: [Int32: Changelog] = [:]
        /// The newest `PROMOTE` that this member knows of.
        var promotion: AskedPromotion?
        var timer: (any DispatchSourceTimer)?
    }

    let topics: any ClusterTopics
    let options: ClusterOptions
    let member: UInt64
    let life: UInt64
    let shared: Lock<Shared>
    let confined: QueueConfined<Confined>
    let stopping = Atomic<Bool>(false)
    let finished = DispatchSemaphore(value: 0)
    /// `nil` where no copies are kept.
    let standby: Standby?
    let standbyFinished = DispatchSemaphore(value: 0)
    let isStarted = Atomic<Bool>(false)
    /// While the state's file is read for an image.
    let makingImage = DispatchGroup()

    /// - Parameter state: restored, and nobody learns into it yet.
    init(
        _ topics: any ClusterTopics, _ options: ClusterOptions, standby: Standby?, of state: LearnedState,
        on queue: DispatchQueue
    ) {
        (self.topics, self.options, self.standby) = (topics, options, standby)
        let kept = state.membership.flatMap { try? JSONDecoder().decode(Membership.self, from: $0) }
        var random = SystemRandomNumberGenerator()
        let isImage = kept?.isImage ?? false
        let own = isImage ? nil : kept
        member = own?.member ?? random.next()
        life = random.next()
        state.forgottenIDs = []
        if let kept {
            // Those of partitions that were given up stay in the file, and would hide what their members tell.
            state.positions = state.positions.filter { kept.owned[$0.key] != nil }
        }
        if isImage {
            // Of whoever told it: half-lives go on, and this member has taken none of these events.
            let clock = state.counters.clock
            state.counters = LearnedState.Counters()
            state.counters.peers = clock
        }
        state.partitionEvents = kept?.events ?? [:]
        var exchange = ExchangeOptions()
        exchange.bytesMax = options.itemBytesMax
        let ledger = ItemLedger(
            state, origin: member, life: life, sequence: isImage ? 0 : kept?.sequence, options: exchange)
        shared = Lock(
            Shared(
                filedPlacement: kept?.partitions.map(UserPlacement.init(partitions:)),
                itemsNext: kept?.itemsNext, image: kept?.newestImage))
        confined = QueueConfined(
            Confined(
                ledger: ledger, filed: kept?.owned ?? [:], filedChangelogs: kept?.filedChangelogs ?? [:],
                isNew: kept == nil, sequence: own?.sequence ?? 0, itemsNext: kept?.itemsNext,
                included: kept?.included ?? [:], promotion: kept?.promotion), to: queue)
    }

    var name: String { String(member, radix: 16) }

    /// Whether what the state's file, or this member since an outage, has of a partition is what the marker stands for. On the
    /// engine's queue.
    func hasFiled(_ partition: Int32, _ marker: PartitionMarker) -> Bool {
        guard confined.filed[partition] == marker.position else { return false }
        guard let filed = confined.filedChangelogs[partition]?.name, let told = marker.changelog else {
            // Of before changelogs had names.
            return true
        }
        return filed == told
    }
}

/// What one checkpoint has to commit beside the state's file. A value, made on the engine's queue.
struct ClusterCommit: Sendable {
    var placement: UserPlacement
    var member: String
    /// What the member says of itself.
    var record: MemberRecord
    var items: [[UInt8]]
    /// By row.
    var hashes: [UInt64]
    var known: [Int32: Int64]
    var forgotten: [String]
    var models: [String]
    var owned: Set<Int32>
    var events: [Int32: Int64]
    /// As last committed.
    var before: [Int32: Int64]
    /// By partition.
    var changelogs: [Int32: Changelog] = [:]
    /// Of the log of events, at the state's positions.
    var memory = LogMemory()
}
