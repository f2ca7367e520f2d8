import ClusterItems
import Counting
import EngineSupport
import Events
import Factors
import Learners
import State
import Testing

@Suite("The bytes of changes")
struct WireTests {
    private func changes() -> ItemChanges {
        let parts = Machines(1, smallState())
        parts.learn(events(800))
        parts.learn([
            Event(
                .item(ItemDescription(item: id("i1"), title: "Ünder", tags: ["a", "b c"], available: false)))
        ])
        return parts.ledgers[0].takeChanges()
    }

    @Test("come back as they were")
    func roundTrip() throws {
        let changes = changes()
        #expect(changes.models.contains { !$0.followings.isEmpty })
        #expect(changes.items.contains { $0.description?.title == "Ünder" })
        #expect(try ItemChanges(changes.encoded) == changes)
        #expect(try ItemChanges(ItemChanges().encoded) == ItemChanges())
    }

    @Test("of a version before, which told single transitions, are read and counted as they were")
    func versionBefore() throws {
        var told = changes()
        let model = try #require(told.models.firstIndex { !$0.followings.isEmpty })
        told.models[model].transitions = told.models[model].followings.flatMap { following in
            following.gain.entries.map { entry in
                TransitionChange(
                    from: following.item, to: entry.item, weight: 1, isNear: entry.near > 0, time: 5_000)
            }
        }
        for place in told.models.indices { told.models[place].followings = [] }
        let read = try ItemChanges(told.encoded(as: .transitions))
        #expect(read == told)
        let hearing = Machines(1, smallState())
        _ = hearing.ledgers[0].merge(read)
        let successors = try #require(
            hearing.states[0].models.compactMap(\.counter).first { $0.rule.options.kind == .next }
        )
        .successors
        #expect((0..<successors.count).contains { successors[$0].total > 0 })
    }

    @Test("that are damaged or cut are refused, wherever that is")
    func damage() {
        let bytes = changes().encoded
        for place in stride(from: 0, to: bytes.count, by: 97) {
            var damaged = bytes
            damaged[place] ^= 1
            #expect(throws: WireError.self) { try ItemChanges(damaged) }
            #expect(throws: WireError.self) { try ItemChanges(Array(bytes.prefix(place))) }
        }
    }

    @Test("in pieces say the same, and no piece is too long")
    func pieces() throws {
        let changes = changes()
        let pieces = changes.pieces(bytesMax: 2_000)
        #expect(pieces.count > 3)
        // What models count, too: of a long backlog that is more than a broker takes in one record.
        #expect(pieces.allSatisfy { $0.encoded.count <= 2_000 })
        #expect(pieces.dropFirst().allSatisfy { $0.events == 0 })
        #expect(pieces.count { !$0.models.isEmpty } > 3)
        #expect(pieces.map(\.sequence) == Array(changes.sequence..<changes.sequence + Int64(pieces.count)))
        #expect(pieces.flatMap(\.items) == changes.items)
        let (whole, part) = (Machines(1, smallState()), Machines(1, smallState()))
        _ = whole.ledgers[0].merge(changes)
        for piece in pieces { _ = part.ledgers[0].merge(piece) }
        #expect(whole.states[0].ratings == part.states[0].ratings)
        for number in whole.states[0].models.indices {
            guard let counter = whole.states[0].models[number].counter else { continue }
            let other = try #require(part.states[0].models[number].counter)
            #expect(
                (0..<counter.successors.count).allSatisfy { counter.successors[$0] == other.successors[$0] })
        }
        for row in 0..<whole.states[0].stats.count {
            #expect(whole.states[0].stats[row].ratingSum == part.states[0].stats[row].ratingSum)
            #expect(
                whole.states[0].models[1].items.row(row).vector
                    == part.states[0].models[1].items.row(row).vector)
        }
    }

    @Test("with a number that is none, or that nobody learns, are refused, whoever has signed them")
    func absurd() throws {
        let changes = changes()
        let row = try #require(
            changes.items.firstIndex { $0.stats != nil && $0.parts.contains { $0.row != nil } })
        let part = try #require(changes.items[row].parts.firstIndex { $0.row != nil })
        let changed: [(inout ItemChanges) -> Void] = [
            { $0.items[row].parts[part].row?.scale = .nan }, { $0.items[row].parts[part].row?.bias = 1e30 },
            { $0.items[row].parts[part].positives = .max }, { $0.events = .max }, { $0.events = -1 },
            { $0.items[row].stats?.users = .min }, { $0.items[row].stats?.lastEvent = .min },
        ]
        for change in changed {
            var absurd = changes
            change(&absurd)
            #expect(throws: WireError.self) { try ItemChanges(absurd.encoded) }
        }
    }

    @Test("are merged by a ledger that lets go of its state")
    func released() {
        weak var state: LearnedState?
        do {
            let machines = Machines(1, smallState())
            machines.learn(events(50))
            state = machines.states[0]
            #expect(state != nil)
        }
        // A closure of the state's kept the state: a daemon that made ledgers anew would never have got them back.
        #expect(state == nil)
    }
}
