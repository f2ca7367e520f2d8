import Testing

@testable import ClusterMembers

@Suite("Members of a group, and who has what")
struct MemberTests {
    private func record(_ member: UInt64, _ positions: [Int32: Int64]) -> MemberRecord {
        MemberRecord(member: member, address: "/run/\(member)", positions: positions, at: 0, bytesSent: 0)
    }

    @Test("a record comes back from its bytes; a change of items is none")
    func records() {
        var said = record(7, [0: 10, 3: 0])
        said.promotion = AskedPromotion(model: "likes", partition: 2, offset: 9)
        #expect(MemberRecord(said.encoded) == said)
        #expect(MemberRecord([1, 0x46, 0x58, 0x49]) == nil)
        #expect(MemberRecord(Array("{}".utf8)) == nil)
    }

    @Test(
        "who says last that a partition is theirs has it; one that leaves, or is silent while others speak, has none"
    )
    func owners() {
        let start = ContinuousClock.now
        var directory = MemberDirectory()
        #expect(directory.owner(of: 0) == nil)
        directory.take(record(1, [0: 5, 1: 5]), heard: start)
        directory.take(record(2, [1: 7]), heard: start + .seconds(1))
        #expect(directory.owner(of: 0)?.record.member == 1)
        #expect(directory.owner(of: 1)?.record.member == 2)
        #expect(directory.positions == [0: 5, 1: 7])
        // Nobody has spoken since: it may be the broker that is away.
        #expect(directory.members.count == 2)
        directory.take(record(2, [1: 8]), heard: start + .seconds(12))
        #expect(directory.owner(of: 0) == nil)
        #expect(directory.members.map(\.record.member) == [2])
        var leaving = record(2, [:])
        leaving.isLeaving = true
        directory.take(leaving, heard: start + .seconds(13))
        #expect(directory.owner(of: 1) == nil)
        #expect(directory.members.isEmpty)
    }

    @Test("promotions have one order, whichever member tells of them first")
    func promotions() {
        func asked(_ partition: Int32, _ offset: Int64) -> AskedPromotion {
            AskedPromotion(model: "m", partition: partition, offset: offset)
        }
        #expect(asked(3, 1).isNewer(than: nil, home: 3))
        #expect(asked(3, 2).isNewer(than: asked(3, 1), home: 3))
        #expect(!asked(3, 1).isNewer(than: asked(3, 1), home: 3))
        #expect(asked(3, 1).isNewer(than: asked(5, 90), home: 3))
        #expect(!asked(5, 90).isNewer(than: asked(3, 1), home: 3))
    }

    @Test("slots are those of Redis's specification")
    func slots() {
        func slot(_ key: String) -> Int { HashSlots.slot(of: Array(key.utf8)) }
        #expect(slot("123456789") == 12_739)
        #expect(slot("foo") == 12_182)
        #expect(slot("{foo}bar") == slot("foo"))
        #expect(slot("a{foo}{bar}") == slot("foo"))
        #expect(slot("{}foo") == Int(slot("{}foo")) && slot("{}foo") != slot("foo"))
        #expect(slot("{foo") != slot("foo"))
    }

    @Test("each slot has one member, whatever the partitions", arguments: [0, 1, 3, 12, 20_000])
    func dealt(partitions: Int) {
        let count = Int32(partitions)
        let members = (0..<3).map { number in
            MemberView(
                member: UInt64(number), address: "10.0.0.\(number):7379", isMyself: number == 0,
                // Every fifth is on the move.
                partitions: (0..<count).filter { $0 % 5 == number }, age: 0, bytesSent: 0)
        }
        let slots = ClusterView(partitions: partitions, members: members).slots
        #expect(slots.count == 3)
        let all = slots.flatMap { $0 }.sorted { $0.lowerBound < $1.lowerBound }
        #expect(all.first?.lowerBound == 0 && all.last?.upperBound == HashSlots.count)
        #expect(zip(all, all.dropFirst()).allSatisfy { $0.upperBound == $1.lowerBound })
    }

    @Test("an address is a host and a port, or a path")
    func endpoints() {
        func view(_ address: String) -> MemberView {
            MemberView(member: 10, address: address, isMyself: false, partitions: [], age: 0, bytesSent: 0)
        }
        #expect(view("10.0.0.1:7379").endpoint == ("10.0.0.1", 7_379))
        #expect(view("[fd00::1]:7379").endpoint == ("fd00::1", 7_379))
        #expect(view("/run/a.sock").endpoint == ("/run/a.sock", 0))
        #expect(view("").nodeID == String(repeating: "0", count: 39) + "a")
    }
}
