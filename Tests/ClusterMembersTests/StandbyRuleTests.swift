import ClusterMembers
import Testing

@Suite("Who stands by for which partition")
struct StandbyRuleTests {
    private func candidates(_ partitions: [[Int32]]) -> [StandbyRule.Candidate] {
        partitions.enumerated().map { number, partitions in
            .init(member: UInt64(number), groupName: "m-\(number)", partitions: Set(partitions))
        }
    }

    private func followed(_ candidates: [StandbyRule.Candidate], _ count: Int) -> [Set<Int32>] {
        candidates.map { StandbyRule.followed(by: $0.member, of: candidates, count: count) }
    }

    @Test("of two, each stands by for the other")
    func two() {
        #expect(followed(candidates([[0, 2], [1, 3]]), 1) == [[1, 3], [0, 2]])
        #expect(followed(candidates([[0, 1]]), 1) == [[]])
        #expect(followed(candidates([[0, 2], [1, 3]]), 0) == [[], []])
    }

    @Test("as many as are asked for follow each partition, never its owner, and the work is even")
    func many() {
        let all = candidates([[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11], []])
        for count in 1...3 {
            let followed = followed(all, count)
            for partition in Int32(0)..<12 {
                #expect(followed.count { $0.contains(partition) } == count)
            }
            for (member, followed) in zip(all, followed) {
                #expect(member.partitions.isDisjoint(with: followed))
            }
        }
        // One that has nothing yet gets all of one that goes.
        #expect(followed(all, 1)[3].count == 12)
        let even = candidates([[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]])
        #expect(followed(even, 1).allSatisfy { $0.count == 4 })
        // More than there are others.
        #expect(followed(even, 9).allSatisfy { $0.count == 8 })
    }

    @Test(
        "the one with the fewest comes first, then whom the group names first, as the group's assignor has it"
    )
    func order() {
        let all: [StandbyRule.Candidate] = [
            .init(member: 1, groupName: "z", partitions: [0, 1]),
            .init(member: 2, groupName: "b", partitions: [2, 3]),
            .init(member: 3, groupName: "a", partitions: [4, 5, 6]),
            .init(member: 4, groupName: "c", partitions: [7, 8]),
        ]
        // Of 1, then 0: "b" and "c" have two each, "a" three.
        #expect(StandbyRule.followed(by: 2, of: all, count: 1).contains(1))
        #expect(StandbyRule.followed(by: 4, of: all, count: 1).contains(0))
        #expect(!StandbyRule.followed(by: 3, of: all, count: 1).contains(0))
        #expect(!StandbyRule.followed(by: 3, of: all, count: 1).contains(1))
    }
}
