internal import ArgumentParser
internal import ClusterItems
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
            in. Kafka comes beside: the bytes over its rate, and what the group needs to notice that somebody has gone \
            (session.timeout.ms of one that was killed; next to nothing of one that stops).

            EXAMPLE
              freshet-bench move --users 100000 --events 20
            """)

    @Option(help: "Users of the partition.") var users = 100_000
    @Option(help: "Ratings of each.") var events = 20
    @Option(help: "Items in all.") var items = 10_000

    func validate() throws {
        guard users > 0, events > 0, items > 0 else { throw ValidationError("all of them must be above 0") }
    }

    func run() throws {
        let from = try learned()
        let placement = UserPlacement(partitions: 1)
        let ledger = ItemLedger(from, origin: 1, life: 1, sequence: nil)
        let told = ledger.takeChanges()
        var maker = UserRecordMaker(placement, known: [:]) { ledger.hashes[Int($0)] }
        let making = seconds { maker.add(from.collectChanges()) }
        let bytes = maker.records.reduce(0) { $0 + $1.key.count + ($1.value?.count ?? 0) }
        Swift.print(
            String(
                format: "%d users, %d records, %.1f MB; made in %.2f s", users, maker.records.count,
                Double(bytes) / 1e6, making))

        let to = LearnedState(options: from.options)
        let there = ItemLedger(to, origin: 2, life: 1, sequence: nil)
        _ = there.merge(told)
        var image = PartitionImage()
        let reading = seconds {
            for record in maker.records { image.take(key: record.key, value: record.value) }
        }
        var outcome: TakenIn?
        let taking = seconds { outcome = to.takeIn(image) { there.row(ofHash: $0) } }
        Swift.print(
            String(
                format: "read in %.2f s, taken in in %.2f s: %d users, %d malformed, %d items unknown",
                reading,
                taking, outcome?.users ?? 0, outcome?.malformed ?? 0, outcome?.unknownItems ?? 0))
        var gone = 0
        let leaving = seconds { gone = to.letGo(of: [0], placement) }
        Swift.print(String(format: "let go of in %.2f s: %d users", leaving, gone))
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

    private func seconds(_ body: () -> Void) -> Double {
        let took = ContinuousClock().measure(body).components
        return Double(took.seconds) + Double(took.attoseconds) * 1e-18
    }
}
