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
    /// - Parameter positions: next offset of each partition that is this member's; whoever has it after this member starts
    ///   there.
    /// - Throws: `.refused` where another member has taken a partition over: this one must not go on. Any other error may
    ///   be tried again.
    func commit(_ records: [ClusterRecord], positions: [Int32: Int64]) throws(EventLogError)

    /// Up to where a partition was learned, by whoever had it; `nil` where nobody did.
    func committed(_ partition: Int32) throws(EventLogError) -> Int64?

    /// Calls `body` with all that is known of a partition's users, from the beginning.
    func readUsers(of partition: Int32, _ body: (_ key: [UInt8], _ value: [UInt8]?) -> Void)
        throws(EventLogError)

    /// Calls `body` with what members tell each other, as it comes: the values, the next offset, and whether that is the end
    /// for now. Returns once `body` says false.
    ///
    /// - Parameter offset: `nil` for the beginning.
    func readItems(from offset: Int64?, _ body: ([[UInt8]], Int64, _ isEnd: Bool) -> Bool)
        throws(EventLogError)

    /// One past the last of these just now.
    func itemsEnd() throws(EventLogError) -> Int64

    func close()
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
