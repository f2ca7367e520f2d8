/// What several machines that learn one log have in common beside it: what they tell each other of items, in one order for
/// all, and what is known of users, a partition of the log at a time.
///
/// Safe to call from any thread, save that `commit` is called by one at a time.
public protocol ClusterTopics: AnyObject, Sendable {
    /// Looks whether all is there, and ends what an earlier process of this member left open.
    ///
    /// - Parameter member: names this member, before and after a restart.
    /// - Returns: partitions of the log.
    /// - Throws: `.unreachable` where it may be tried again; else what a person has to mend.
    func open(member: String) throws(EventLogError) -> Int

    /// Makes all of it durable and visible to the others, or nothing of it.
    ///
    /// - Parameters:
    ///   - positions: of each partition that is this member's; whoever has it after this member starts there.
    ///   - told: by partition, the offset of a record that is known to stand among those of its users. What is written now has to
    ///     come behind it.
    /// - Throws: `.mustRestart` where another member has taken a partition over, `.refused` where another process has this
    ///   one's name: this one must not go on. Any other error may be tried again.
    func commit(
        _ records: [ClusterRecord], positions: [Int32: CommittedPosition], told: [Int32: Int64]
    ) throws(EventLogError) -> CommitOutcome

    /// Up to where a partition was learned, by whoever had it; `nil` where nobody did.
    func committed(_ partition: Int32) throws(EventLogError) -> CommittedPosition?

    /// Calls `body` with what is known of a partition's users, up to where that ends just now.
    ///
    /// - Parameter offset: `nil` for the beginning.
    /// - Returns: the offset behind it; `nil` where the topic does not hold `offset`, which is of an earlier one then.
    func readUsers(of partition: Int32, from offset: Int64?, _ body: (UserMessage) -> Void)
        throws(EventLogError) -> Int64?

    /// Follows what becomes known of users of several partitions: calls `body` with what has come since the last call, at
    /// least every second, and first of all with nothing.
    ///
    /// - Parameter body: gives the partitions to follow from now on, each with the offset that it stands at, `nil` for the
    ///   beginning; nothing at all ends it.
    func followUsers(_ body: ([FollowedUsers]) -> [Int32: Int64?]?) throws(EventLogError)

    /// What the group calls this member; `nil` while it is in none.
    var groupMember: String? { get }

    /// Calls `body` with what members tell each other, as it comes: the values, the next offset, and whether that is the end
    /// for now. Returns once `body` says false.
    ///
    /// - Parameter offset: `nil` for the beginning.
    /// - Throws: `.gap` where what stood at `offset` is no longer kept, or never was.
    func readItems(from offset: Int64?, _ body: ([[UInt8]], Int64, _ isEnd: Bool) -> Bool)
        throws(EventLogError)

    /// Offsets of these just now: of the first that is kept, and one past the last.
    func itemsRange() throws(EventLogError) -> Range<Int64>

    /// Tells the others values that are too many for a commit, one after the other, each under a name; what was told under it before
    /// need not be kept.
    ///
    /// - Parameter value: of a number below `count`; called in their order.
    /// - Returns: the offset of the first.
    /// - Throws: where not all of them may be there.
    func tell(
        _ count: Int, named name: (Int) -> String, value: (Int) throws(EventLogError) -> [UInt8]
    ) throws(EventLogError) -> Int64

    func close()
}

/// Up to where a partition was learned.
public struct CommittedPosition: Sendable, Equatable {
    /// The next offset of the events.
    public var offset: Int64
    /// Names the changelog that says what is known of the partition's users; `nil` where the commit does not tell.
    public var changelog: UInt64?

    public init(_ offset: Int64, changelog: UInt64? = nil) {
        (self.offset, self.changelog) = (offset, changelog)
    }
}

/// What became of a commit.
public enum CommitOutcome: Sendable, Equatable {
    /// All of it is there. By partition of whose users something was said: the offset of the last record of that, where it is
    /// known.
    case committed(told: [Int32: Int64])
    /// Nothing of it is: what was said of these partitions' users before is no longer there.
    case begunAnew(Set<Int32>)
}

/// A record of theirs.
public struct ClusterRecord: Sendable, Equatable {
    public enum Place: Sendable, Equatable {
        case items
        case users(partition: Int32)
    }

    public var place: Place
    public var key: [UInt8]
    /// `nil` takes back what was said under the key.
    public var value: [UInt8]?

    public init(_ place: Place, key: [UInt8], value: [UInt8]?) {
        (self.place, self.key, self.value) = (place, key, value)
    }
}

/// A record of a partition's users, as it is read.
public struct UserMessage: Sendable, Equatable {
    public var offset: Int64
    public var key: [UInt8]
    public var value: [UInt8]?

    public init(offset: Int64, key: [UInt8], value: [UInt8]?) {
        (self.offset, self.key, self.value) = (offset, key, value)
    }
}

/// What has become known of a partition's users.
public struct FollowedUsers: Sendable, Equatable {
    public var partition: Int32
    public var records: [UserMessage]
    /// The offset behind them.
    public var next: Int64
    /// That is where the topic ends just now.
    public var isEnd: Bool
    /// The topic does not hold what was wanted next.
    public var isLost: Bool

    public init(
        partition: Int32, records: [UserMessage], next: Int64, isEnd: Bool = false, isLost: Bool = false
    ) {
        (self.partition, self.records, self.next) = (partition, records, next)
        (self.isEnd, self.isLost) = (isEnd, isLost)
    }
}

extension ClusterTopics {
    /// One past the last of what members have told each other.
    public func itemsEnd() throws(EventLogError) -> Int64 { try itemsRange().upperBound }
}
