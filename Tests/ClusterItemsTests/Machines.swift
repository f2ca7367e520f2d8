import ClusterItems
import Engine
import EngineSupport
import Events
import Factors
import Identities
import Locking
import State
import StreamLearning

/// Machines that learn a stream by users, without Kafka.
final class Machines {
    let states: [LearnedState]
    private(set) var ledgers: [ItemLedger] = []
    private let applications: [BatchApplication]
    private var offsets: [Int64]

    init(_ count: Int, _ options: StateOptions, exchange: ExchangeOptions = ExchangeOptions()) {
        states = (0..<count).map { _ in LearnedState(options: options) }
        applications = states.map { BatchApplication(state: $0, options: LearningOptions()) }
        offsets = Array(repeating: 0, count: count)
        ledgers = states.enumerated().map {
            ItemLedger($1, origin: UInt64($0 + 1), life: 7, sequence: nil, options: exchange)
        }
    }

    /// Each user's events go to the machine of the user, in their order.
    func learn(_ events: some Sequence<Event>) {
        var parts = Array(repeating: [Event](), count: states.count)
        for event in events {
            parts[Int(ItemHash.of(event.key.string.utf8) % UInt64(states.count))].append(event)
        }
        for (number, part) in parts.enumerated() { learn(part, on: number) }
    }

    func learn(_ events: [Event], on number: Int) {
        var batch = IngestBatch()
        for event in events {
            batch.events.append(
                LoggedEvent(
                    token: Token(partition: Int32(number), offset: offsets[number]), logTime: 0, event: event)
            )
            offsets[number] += 1
        }
        batch.positions[Int32(number)] = offsets[number]
        applications[number].apply(batch)
    }

    /// Every machine tells every other one, through bytes.
    @discardableResult
    func exchange() throws -> [ItemChanges] {
        let told = try ledgers.map { try ItemChanges($0.takeChanges().encoded) }
        for (number, ledger) in ledgers.enumerated() {
            for (other, changes) in told.enumerated() where other != number { _ = ledger.merge(changes) }
        }
        return told
    }

    func row(_ item: String, on number: Int) -> Int? {
        states[number].items.read { $0.row(of: id(item)) }.map(Int.init)
    }
}

/// Ratings and clicks, nothing taken back, each user's in a row.
func plainEvents(_ count: Int, users: Int = 40, items: Int = 50, seed: UInt64 = 3) -> [Event] {
    var random = KeyedRandom(seed: seed)
    return (0..<count).map { index in
        let user = random.next(below: users)
        let item = random.next(below: items)
        return Event(
            .rating(user: id("u\(user)"), item: id("i\(item)"), value: Float(1 + random.next(below: 5))),
            time: Int64(index) * 1_000)
    }
}

func smallState(_ change: (inout StateOptions) -> Void = { _ in }) -> StateOptions {
    var options = smallOptions().state
    options.deterministic = true
    options.models = ModelOptions.defaults
    options.defaultModel = "blend"
    change(&options)
    return options
}
