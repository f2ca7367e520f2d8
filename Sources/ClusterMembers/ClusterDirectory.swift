/// Where a user is.
package enum UserPlace: Equatable, Sendable {
    case here
    /// With another member, which is asked there.
    case at(address: String)
    /// Between two members, or with one that is not heard of; why, for people.
    case moving(String)
}

/// A daemon of the group, as this one sees it.
package struct MemberView: Equatable, Sendable {
    package var member: UInt64
    package var address: String
    package var isMyself: Bool
    /// Ascending.
    package var partitions: [Int32]
    /// Milliseconds since it was heard of; 0 of this daemon itself.
    package var age: Double
    package var bytesSent: Int
    /// Of others', of which it has a copy, ascending.
    package var standby: [Int32]

    package init(
        member: UInt64, address: String, isMyself: Bool, partitions: [Int32], age: Double, bytesSent: Int,
        standby: [Int32] = []
    ) {
        (self.member, self.address, self.isMyself) = (member, address, isMyself)
        (self.partitions, self.age, self.bytesSent, self.standby) = (partitions, age, bytesSent, standby)
    }

    /// 40 digits, as Redis names its nodes.
    package var nodeID: String {
        let digits = String(member, radix: 16)
        return String(repeating: "0", count: max(0, 40 - digits.count)) + digits
    }

    /// Of `host:port`; of a socket its path, and port 0.
    package var endpoint: (host: String, port: Int) {
        guard !address.hasPrefix("/"), let colon = address.lastIndex(of: ":"),
            let port = Int(address[address.index(after: colon)...])
        else { return (address, 0) }
        return (String(address[..<colon].filter { $0 != "[" && $0 != "]" }), port)
    }
}

/// The whole group, as this daemon sees it.
package struct ClusterView: Equatable, Sendable {
    /// Of the log; 0 until that is known.
    package var partitions: Int
    /// This daemon first, whatever it has.
    package var members: [MemberView]

    package init(partitions: Int, members: [MemberView]) {
        (self.partitions, self.members) = (partitions, members)
    }

    /// Partitions that somebody answers for.
    package var answered: Int { Set(members.flatMap(\.partitions)).intersection(0..<Int32(partitions)).count }

    /// By member, in the order of `members`: the slots that it has, ascending, neighbours put together. Those of partitions on
    /// the move are this daemon's meanwhile, so that clients who want every slot have somebody to ask.
    package var slots: [[Range<Int>]] {
        var owners = [Int](repeating: 0, count: max(1, partitions))
        for (number, member) in members.enumerated() {
            for partition in member.partitions where owners.indices.contains(Int(partition)) {
                owners[Int(partition)] = number
            }
        }
        var ranges: [[Range<Int>]] = members.map { _ in [] }
        for (partition, owner) in owners.enumerated() where ranges.indices.contains(owner) {
            let slots = HashSlots.slots(of: partition, of: owners.count)
            guard !slots.isEmpty else { continue }
            if let last = ranges[owner].last, last.upperBound == slots.lowerBound {
                ranges[owner][ranges[owner].count - 1] = last.lowerBound..<slots.upperBound
            } else {
                ranges[owner].append(slots)
            }
        }
        return ranges
    }
}

/// What commands and servers ask of being one of several. Any thread.
package protocol ClusterDirectory: AnyObject, Sendable {
    func place(ofUser id: some Collection<UInt8>) -> UserPlace
    var view: ClusterView { get }
}
