internal import ArgumentParser
internal import ClusterItems
internal import ClusterStandby
internal import ClusterUsers
internal import Events
internal import Factors
internal import Foundation
internal import Identities
internal import State
internal import StreamLearning

/// How long it takes to take a partition's users in, and how many bytes they are.
struct MoveBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "move",
        abstract: "A partition's users leave one machine for another, in one process: time and bytes.",
        discussion: """
            What is measured is what the machines do: to make the changelog's records, to read them back and to take the users \
            in; and the same of a machine that has a copy of the partition (cluster.standby), which is --tail records behind. \
            Kafka comes beside: the bytes over its rate, and what the group needs to notice that somebody has gone \
            (session.timeout.ms of one that was killed; next to nothing of one that stops).

            EXAMPLE
              freshet-bench move --users 100000 --events 20
            """)

    @Option(help: "Users of the partition.") var users = 100_000
    @Option(help: "Ratings of each.") var events = 20
    @Option(help: "Items in all.") var items = 10_000
    @Option(help: "Records that a copy is behind.") var tail = 10_000

    func validate() throws {
        guard users > 0, events > 0, items > 0, tail > 0 else {
            throw ValidationError("all of them must be above 0")
        }
    }

    func run() throws {
        let from = try learned()
        let placement = UserPlacement(partitions: 1)
        let ledger = ItemLedger(from, origin: 1, life: 1, sequence: nil)
        let told = ledger.takeChanges()
        var maker = UserRecordMaker(placement, known: [:]) { ledger.hashes[Int($0)] }
        let (_, making) = timed { maker.add(from.collectChanges()) }
        let bytes = maker.records.reduce(0) { $0 + $1.key.count + ($1.value?.count ?? 0) }
        Swift.print(
            String(
                format: "%d users, %d records, %.1f MB; made in %.2f s", users, maker.records.count,
                Double(bytes) / 1e6, making))

        maker.add(
            PartitionMarker(position: 1, events: 1, partitions: 1, member: "1", changelog: 1), of: 0)
        let (image, whole) = timed { () -> PartitionImage in
            var image = PartitionImage()
            for record in maker.records { image.take(key: record.key, value: record.value) }
            return image
        }
        let fromChangelog = takeIn(told, from.options) { body in
            image.forEachUsers(Self.usersAtOnce, body)
        }
        print("without a copy", reading: whole, fromChangelog)
        try standBy(maker.records, told, from.options)
    }

    private static let usersAtOnce = 500

    /// With a copy on disk, in the folder for temporary files.
    private func standBy(_ records: [ChangelogRecord], _ told: ItemChanges, _ options: StateOptions) throws {
        let folder = NSTemporaryDirectory() + "freshet-move-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let copies = try StandbyCopies(folder: folder, at: 0)
        let all = records.enumerated().map {
            FollowedRecord(offset: Int64($0.offset), key: $0.element.key, value: $0.element.value)
        }
        let marker = all.suffix(1)
        var failure: (any Error)?
        func take(_ records: some Collection<FollowedRecord>, next: Int) {
            do {
                let outcome = try copies.take(
                    Array(records), of: 0, next: Int64(next), isEnd: true, at: 0)
                if outcome != .taken { throw ValidationError("the copy is \(outcome)") }
            } catch {
                failure = failure ?? error
            }
        }
        let (_, following) = timed {
            var start = 0
            while start < all.count {
                // As they come: some megabytes at a time.
                let end = min(all.count, start + 16_384)
                take(all[start..<end], next: end)
                start = end
            }
        }
        Swift.print(
            String(
                format: "copied in %.2f s beside other work, %.1f MB on disk", following,
                Double(copies.bytes) / 1e6))
        let rest = all.prefix(tail) + marker
        let (_, reading) = timed { take(rest, next: all.count + rest.count) }
        let fromCopy = takeIn(told, options) { body in
            do { _ = try copies.read(0, usersAtOnce: Self.usersAtOnce, body) } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        print("with a copy", reading: reading, fromCopy)
        copies.close()
    }

    private struct Arrival {
        var ready = 0.0
        var entering = 0.0
        var leaving = 0.0
        var outcome = TakenIn()
    }

    private func takeIn(
        _ told: ItemChanges, _ options: StateOptions, _ users: ((([TravellingUser]) -> Void) -> Void)
    ) -> Arrival {
        let to = LearnedState(options: options)
        let ledger = ItemLedger(to, origin: 2, life: 1, sequence: nil)
        _ = ledger.merge(told)
        let items = KnownItems(rows: ledger.rows, count: to.stats.count)
        var arrival = Arrival()
        var ready: [ArrivedUsers] = []
        (_, arrival.ready) = timed {
            var parts: [[TravellingUser]] = []
            users { part in
                parts.append(part)
                guard parts.count == 16 else { return }
                ready += ArrivedUsers.ready(parts, for: to.arrivals, items: items)
                parts = []
            }
            ready += ArrivedUsers.ready(parts, for: to.arrivals, items: items)
        }
        (arrival.outcome, arrival.entering) = timed { to.takeIn(ready) }
        (_, arrival.leaving) = timed { to.letGo(of: [0], UserPlacement(partitions: 1)) }
        return arrival
    }

    private func print(_ what: String, reading: Double, _ arrival: Arrival) {
        Swift.print(
            String(
                format:
                    "%@: %.2f s; read in %.2f s, made ready in %.2f s, taken in in %.2f s, while nothing is learned; let go "
                    + "of in %.2f s; %d users, %d malformed, %d items unknown",
                what, reading + arrival.ready + arrival.entering, reading, arrival.ready, arrival.entering,
                arrival.leaving, arrival.outcome.users, arrival.outcome.malformed,
                arrival.outcome.unknownItems))
    }

    private func timed<Result>(_ body: () -> Result) -> (Result, Double) {
        let start = ContinuousClock.now
        let result = body()
        let took = start.duration(to: .now).components
        return (result, Double(took.seconds) + Double(took.attoseconds) * 1e-18)
    }

    private func learned() throws -> LearnedState {
        var replay = Replay(options: Replay.Options())
        var random = KeyedRandom(seed: 7, stream: 1, index: 0)
        for round in 0..<events {
            var batch: [Event] = []
            for user in 0..<users {
                batch.append(
                    Event(
                        .rating(
                            user: try EntityID("user\(user)"),
                            item: try EntityID("item\(random.next(below: items))"),
                            value: Float(1 + random.next(below: 5))), time: Int64(round * users + user)))
            }
            _ = try replay.learn(batch, drawn: Array(repeating: false, count: batch.count))
        }
        return replay.state
    }
}
