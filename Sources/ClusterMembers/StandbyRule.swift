/// Who follows which partition beside its own: whoever the group would give it to, were its owner to go.
///
/// Each member works it out by itself from what all say of themselves. Of partitions that nobody has, Kafka's sticky assignor
/// (`cooperative-sticky`, which one of the members reckons for all) gives the highest to the member with the fewest
/// partitions and, of several, to the one whose id in the group comes first, then the next one down, and so on: so does
/// librdkafka's. Where the rule is wrong about it, as
/// while members come and go, the partition is read from its changelog: that costs time, and nothing else.
package enum StandbyRule {
    /// A member as it is heard of.
    package struct Candidate: Sendable, Equatable {
        package var member: UInt64
        /// As the group names it.
        package var groupName: String
        package var partitions: Set<Int32>

        package init(member: UInt64, groupName: String, partitions: Set<Int32>) {
            (self.member, self.groupName, self.partitions) = (member, groupName, partitions)
        }
    }

    /// - Parameter count: members that stand by for each partition, at most.
    package static func followed(
        by member: UInt64, of candidates: [Candidate], count: Int
    ) -> Set<Int32> {
        guard count > 0 else { return [] }
        var followed: Set<Int32> = []
        for owner in candidates where owner.member != member {
            var others = candidates.filter { $0.member != owner.member }.map {
                (it: $0, load: $0.partitions.count)
            }
            for partition in owner.partitions.sorted(by: >) {
                // Bytes, as the assignor compares them.
                others.sort { one, other in
                    if one.load != other.load { return one.load < other.load }
                    if one.it.groupName != other.it.groupName {
                        return one.it.groupName.utf8.lexicographicallyPrecedes(other.it.groupName.utf8)
                    }
                    return one.it.member < other.it.member
                }
                if others.prefix(count).contains(where: { $0.it.member == member }) {
                    followed.insert(partition)
                }
                if !others.isEmpty { others[0].load += 1 }
            }
        }
        return followed
    }
}
