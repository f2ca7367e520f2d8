import Checkpoints
import ClusterItems
import ClusterUsers
import Counting
import Dispatch
import Engine
import EngineSupport
import Events
import Factors
import Histories
import Identities
import Locking
import State
import Testing

@Suite("Users who move between machines")
struct MovingTests {
    @Test("a user's partition is that of Kafka's own producers")
    func murmur() {
        // As Kafka's UtilsTest has them.
        for (text, hash) in [
            ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
        ] as [(String, Int32)] {
            #expect(Int32(bitPattern: UserPlacement.murmur2(Array(text.utf8))) == hash)
        }
        let placement = UserPlacement(partitions: 12)
        #expect((0..<500).allSatisfy { (0..<12).contains(placement.partition(of: Array("u\($0)".utf8))) })
    }

    private func options() -> StateOptions {
        var options = smallOptions().state
        options.models = ModelOptions.defaults
        options.defaultModel = "blend"
        return options
    }

    private func state() -> LearnedState {
        var all = smallOptions()
        all.state = options()
        return learned(batches(events(1_500), sizes: [100]), all)
    }

    /// Who takes another's users in, with items in another order.
    private func receiver(_ from: LearnedState) -> (LearnedState, ItemLedger) {
        let to = LearnedState(options: options())
        for item in (0..<40).reversed() { _ = to.items.intern(id("i\(item)")) }
        let count = to.items.read { $0.rowCount }
        to.catalogue.withLock { $0.grow(to: count) }
        to.growItems(to: count)
        let ledger = ItemLedger(to, origin: 2, life: 1, sequence: nil)
        _ = ledger.merge(ItemLedger(from, origin: 1, life: 1, sequence: nil).takeChanges())
        return (to, ledger)
    }

    /// - Parameter change: of what the state says, before records are made of it.
    private func records(
        _ state: LearnedState, _ placement: UserPlacement, change: (inout StateDelta) -> Void = { _ in }
    ) -> [ChangelogRecord] {
        let hashes = state.items.read { ids in
            (0..<Int32(ids.rowCount)).map { ItemHash.of((ids.id(of: $0)?.string ?? "").utf8) }
        }
        var maker = UserRecordMaker(placement, known: [:]) { hashes[Int($0)] }
        var delta = state.collectChanges()
        change(&delta)
        maker.add(recent: delta.scalars.filter { $0.key.hasPrefix("recent.") })
        maker.add(delta)
        return maker.records
    }

    private func image(_ records: [ChangelogRecord], _ partition: Int32) -> PartitionImage {
        var image = PartitionImage()
        for record in records where record.partition == partition {
            image.take(key: record.key, value: record.value)
        }
        return image
    }

    private func takeIn(_ image: PartitionImage, _ to: LearnedState, _ ledger: ItemLedger) -> TakenIn {
        let items = KnownItems(rows: ledger.rows, count: to.stats.count)
        var parts: [[TravellingUser]] = []
        image.forEachUsers(7) { parts.append($0) }
        return to.takeIn(ArrivedUsers.ready(parts, for: to.arrivals, items: items))
    }

    @Test("come with all that is known of them, whatever rows the items have there")
    func moving() throws {
        let (from, placement) = (state(), UserPlacement(partitions: 3))
        let records = records(from, placement)
        let (to, ledger) = receiver(from)
        for partition in 0..<Int32(3) {
            let image = image(records, partition)
            let outcome = takeIn(image, to, ledger)
            #expect(outcome.users == image.userCount && outcome.malformed == 0)
        }
        #expect(to.users.read { $0.count } == from.users.read { $0.count })
        #expect(to.violations().filter { !$0.contains("counts") } == [])
        for row in 0..<Int32(from.users.read { $0.rowCount }) {
            guard let user = from.users.read({ $0.id(of: row) }) else { continue }
            let other = try #require(to.users.read { $0.row(of: user) })
            #expect(told(from, row) == told(to, other), "\(user.string)")
        }
    }

    /// All that is known of a user, by names of items.
    private func told(_ state: LearnedState, _ row: Int32) -> [String] {
        let shard = state.shard(of: row)
        func name(_ item: Int32) -> String { state.items.read { $0.id(of: item)?.string ?? "?" } }
        return shard.queue.sync {
            let local = shard.local(row)
            let user = shard.users[local]
            var words = user.history.entries.map {
                "\(name($0.item)) \($0.value) \($0.time) \($0.order) \($0.kind) \($0.signalWeight)"
            }.sorted()
            words += user.hidden.rows.map { "hides \(name($0))" }.sorted()
            words.append("\(user.residualSum) \(user.ratings) \(user.nextOrder) \(user.lastEvent)")
            for (number, model) in state.models.enumerated() {
                if model.options.learnsRows { words.append("\(shard.tables[number].row(local).vector)") }
                guard let trail = shard.trails[number]?[local] else { continue }
                words.append("\(trail.events) \(trail.recent.map(name))")
                words += trail.own.map { "\(name($0.item)) \($0.count) \($0.weight) \($0.last)" }.sorted()
            }
            return words
        }
    }

    @Test("are let go of without a trace, and what they taught of items stays")
    func leaving() {
        let (state, placement) = (state(), UserPlacement(partitions: 3))
        let before = (0..<state.stats.count).map { state.stats[$0].ratingSum }
        let users = state.users.read { $0.count }
        state.partitionEvents = [0: 5, 1: 6, 2: 7]
        let gone = state.letGo(of: [1], placement)
        #expect(gone > 0 && state.users.read { $0.count } == users - gone)
        #expect((0..<state.stats.count).map { state.stats[$0].ratingSum } == before)
        #expect(state.partitionEvents == [0: 5, 2: 7])
        for row in 0..<Int32(state.users.read { $0.rowCount }) {
            guard let user = state.users.read({ $0.id(of: row) }) else { continue }
            #expect(placement.partition(of: Array(user.string.utf8)) != 1)
        }
    }

    @Test("who is forgotten is forgotten everywhere, and bytes that make no sense cost one user alone")
    func forgetting() {
        let (from, placement) = (state(), UserPlacement(partitions: 1))
        var records = records(from, placement)
        var maker = UserRecordMaker(placement, known: [:]) { _ in 0 }
        maker.forget("u1", models: from.models.map(\.options.name))
        maker.add(PartitionMarker(position: 7, events: 6, partitions: 1, member: "a"), of: 0)
        records += maker.records
        let place = records.firstIndex { $0.key == Array("uu2".utf8) }!
        records[place].value?[20] ^= 1
        records.append(ChangelogRecord(partition: 0, key: Array("?".utf8), value: []))
        let image = image(records, 0)
        #expect(image.marker?.position == 7 && image.malformed == 1)
        let (to, ledger) = receiver(from)
        let outcome = takeIn(image, to, ledger)
        #expect(outcome.malformed == 1 && outcome.users == from.users.read { $0.count } - 2)
        for user in ["u1", "u2"] { #expect(to.users.read { $0.row(of: id(user)) } == nil) }
    }

    @Test("but not what no machine learns: a row that is no number counts as malformed, and starts anew")
    func notFinite() throws {
        let from = state()
        let (to, ledger) = receiver(from)
        let records = records(from, UserPlacement(partitions: 1)) { delta in
            delta.users[1].residualSum = .nan
            for table in delta.userFactors.indices.filter({ !delta.userFactors[$0].vectors.isEmpty }).prefix(
                1)
            {
                delta.userFactors[table].vectors[0] = .infinity
            }
        }
        let outcome = takeIn(image(records, 0), to, ledger)
        #expect(outcome.malformed == 2)
        #expect(outcome.users == from.users.read { $0.count } - 1)
        #expect(to.violations().allSatisfy { !$0.contains("not finite") })
    }
}
