internal import Checkpoints
internal import ClusterItems
internal import ClusterMembers
internal import ClusterUsers
internal import Events
internal import Foundation
internal import Identities
internal import Locking
internal import State

/// What other daemons of a cluster have told through Kafka: changes of items, users' states, members' own words. Damaged with a
/// checksum that is theirs, it is refused or taken, and whoever takes it goes on learning finite numbers.
struct ClusterTarget: FuzzTarget {
    private let base: StateBase
    /// Of items, as one daemon tells them.
    private let changes: ItemChanges
    private let records: [ChangelogRecord]
    private let member: MemberRecord
    private let piece: ItemImagePiece

    init() throws {
        let file = try ScratchFile("cluster.sqlite")
        base = try StateBase(at: file.path, events: 12, then: 4)
        let state = base.makeState()
        changes = ItemLedger(state, origin: 1, life: 1, sequence: nil).takeChanges()
        let hashes = state.items.read { ids in
            (0..<Int32(ids.rowCount)).map { ItemHash.of((ids.id(of: $0)?.string ?? "").utf8) }
        }
        var maker = UserRecordMaker(UserPlacement(partitions: 1), known: [:]) { hashes[Int($0)] }
        maker.add(recent: base.delta.scalars.filter { $0.key.hasPrefix("recent.") })
        maker.add(base.delta)
        maker.add(PartitionMarker(position: 12, events: 12, partitions: 1, member: "one"), of: 0)
        records = maker.records
        var member = MemberRecord(
            member: 1, address: "127.0.0.1:7379", positions: [0: 12], at: 1_700_000_000_000, bytesSent: 9)
        member.promotion = AskedPromotion(model: "likes", partition: 0, offset: 3)
        member.standby = [0]
        member.image = ItemImagePlace(
            image: 7, next: 3, from: 9, pieces: 2, bytes: 900_000, at: 1_700_000_000_000, slot: 1)
        self.member = member
        piece = ItemImagePiece(image: 7, number: 1, bytes: [1, 2, 3])
    }

    mutating func run(_ numbers: inout FuzzNumbers) throws(FuzzFinding) -> (tried: Int, taken: Int) {
        switch numbers.below(8) {
        case 0 where numbers.happens(oneIn: 4): (1, runPiece(&numbers) ? 1 : 0)
        case 0: (1, runMember(&numbers) ? 1 : 0)
        case 1, 2, 3: (1, try runUsers(&numbers) ? 1 : 0)
        default: (1, try runChanges(&numbers) ? 1 : 0)
        }
    }

    private func runMember(_ numbers: inout FuzzNumbers) -> Bool {
        var bytes = member.encoded
        BlobDamage.change(&bytes, &numbers)
        guard let record = MemberRecord(bytes) else { return false }
        _ = record.image?.isNewer(than: member.image)
        var directory = MemberDirectory()
        directory.take(record, heard: .now)
        _ = record.promotion?.isNewer(than: member.promotion, home: 0)
        _ =
            ClusterView(
                partitions: 4,
                members: [
                    MemberView(
                        member: record.member, address: record.address, isMyself: false,
                        partitions: Array(record.positions.keys), age: 1, bytesSent: record.bytesSent)
                ]
            ).slots
        return true
    }

    private func runPiece(_ numbers: inout FuzzNumbers) -> Bool {
        guard let told = try? ItemImagePiece(damaged(piece.encoded, &numbers)) else { return false }
        return told.number >= 0
    }

    private func runChanges(_ numbers: inout FuzzNumbers) throws(FuzzFinding) -> Bool {
        let bytes = damaged(changes.encoded, &numbers)
        guard let told = try? ItemChanges(bytes) else { return false }
        let state = base.makeState()
        let ledger = ItemLedger(state, origin: 2, life: 1, sequence: nil)
        _ = ledger.takeChanges()
        // Twice, as from two: what is sound once may be too much.
        for _ in 0..<2 where ledger.merge(told) == nil { return false }
        _ = ledger.takeChanges().encoded
        try look(state, bytes)
        return true
    }

    private func runUsers(_ numbers: inout FuzzNumbers) throws(FuzzFinding) -> Bool {
        let place = numbers.below(records.count)
        var image = PartitionImage()
        var input: [UInt8] = []
        for (number, record) in records.enumerated() {
            var (key, value) = (record.key, record.value)
            if number == place {
                if numbers.happens(oneIn: 8) { BlobDamage.change(&key, &numbers) }
                if let whole = value { value = damaged(whole, &numbers) }
                input = key + [0] + (value ?? [])
            }
            image.take(key: key, value: value)
        }
        var parts: [[TravellingUser]] = []
        image.forEachUsers(64) { parts.append($0) }
        let state = LearnedState(options: base.options)
        let ledger = ItemLedger(state, origin: 2, life: 1, sequence: nil)
        _ = ledger.merge(changes)
        let items = KnownItems(rows: ledger.rows, count: state.stats.count)
        let taken = state.takeIn(ArrivedUsers.ready(parts, for: state.arrivals, items: items))
        state.recent.restore(image.recent)
        try look(state, input)
        return taken.malformed == 0 && image.malformed == 0
    }

    /// Sealed again, as whoever means no good would.
    private func damaged(_ bytes: [UInt8], _ numbers: inout FuzzNumbers) -> [UInt8] {
        var bytes = bytes
        guard !numbers.happens(oneIn: 16), bytes.count > 4 else {
            BlobDamage.change(&bytes, &numbers)
            return bytes
        }
        bytes.removeLast(4)
        BlobDamage.change(&bytes, &numbers)
        var writer = WireWriter()
        writer.write(bytes.map { Int8(bitPattern: $0) })
        writer.seal()
        return writer.bytes
    }

    private func look(_ state: LearnedState, _ input: [UInt8]) throws(FuzzFinding) {
        guard let violation = base.violation(of: state) else { return }
        throw FuzzFinding(what: "it was taken into a state in which \(violation)", input: input)
    }
}
