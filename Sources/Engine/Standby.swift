internal import ClusterMembers
internal import ClusterStandby
internal import Locking

/// Copies that this member keeps of partitions which others have, so that it has little to read when it gets one of them.
final class Standby: Sendable {
    struct Shared {
        /// Partitions that are followed.
        var followed: Set<Int32> = []
        /// Copies that are being taken over, or were: nothing of the changelog goes into them meanwhile.
        var held: Set<Int32> = []
        /// Who had what when that was last looked at, and since when; `isFollowed` once the rule has gone by it.
        var assignment:
            (candidates: [StandbyRule.Candidate], since: ContinuousClock.Instant, isFollowed: Bool)?
        /// Since when copies are not followed any more.
        var idle: [Int32: ContinuousClock.Instant] = [:]
        /// Until then nothing is followed: copies could not be written.
        var resting: ContinuousClock.Instant?
        var failure = ""
        /// Partitions that were taken over with the help of a copy.
        var takeovers = 0
    }

    let copies: StandbyCopies
    let options: ClusterOptions
    let shared = Lock(Shared())
    /// Held while records go into copies. Of a value that takes room: to the thread sanitizer one that takes none is the lock's
    /// own pointer, which everybody reads.
    let applying = Lock(false)

    init(_ copies: StandbyCopies, _ options: ClusterOptions) {
        (self.copies, self.options) = (copies, options)
    }

    /// From now on the copy is the caller's alone.
    func hold(_ partition: Int32) {
        shared.withLock { _ = $0.held.insert(partition) }
        // Whoever is writing to it now has begun before.
        applying.withLock { _ in }
    }

    func release(_ partition: Int32) { shared.withLock { _ = $0.held.remove(partition) } }

    /// Decides anew whom to follow, once who has what has stood still for a while: while members come and go it says nothing.
    ///
    /// - Parameter candidates: by name; all partitions are somebody's.
    /// - Returns: whether something else is followed now.
    func choose(_ candidates: [StandbyRule.Candidate], as member: UInt64, at now: ContinuousClock.Instant)
        -> Bool
    {
        shared.withLock { shared in
            guard let known = shared.assignment, known.candidates == candidates else {
                shared.assignment = (candidates, now, false)
                return false
            }
            guard !known.isFollowed, known.since.duration(to: now) >= options.standbySettling else {
                return false
            }
            shared.assignment?.isFollowed = true
            let followed = StandbyRule.followed(by: member, of: candidates, count: options.standby)
            defer { shared.followed = followed }
            return followed != shared.followed
        }
    }

    /// Removes what has not been followed for long: partitions that went elsewhere, and those that are this member's own.
    func dropIdle(at now: ContinuousClock.Instant) {
        let all = copies.places.keys
        let old = shared.withLock { shared -> [Int32] in
            shared.idle = shared.idle.filter { all.contains($0.key) && !shared.followed.contains($0.key) }
            for partition in all where !shared.followed.contains(partition) && shared.idle[partition] == nil {
                shared.idle[partition] = now
            }
            return shared.idle.filter {
                $0.value.duration(to: now) > options.standbyKept && !shared.held.contains($0.key)
            }.map(\.key)
        }
        for partition in old { copies.drop(partition) }
    }

    /// Partitions to read, and from where.
    func wanted(beside owned: Set<Int32>, at now: ContinuousClock.Instant) -> [Int32: Int64?] {
        let places = copies.places
        return shared.withLock { shared in
            if let resting = shared.resting, now < resting { return [:] }
            let partitions = shared.followed.subtracting(shared.held).subtracting(owned)
            return Dictionary(uniqueKeysWithValues: partitions.map { ($0, places[$0]?.next) })
        }
    }
}
