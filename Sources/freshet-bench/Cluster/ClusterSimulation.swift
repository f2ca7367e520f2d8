internal import ClusterItems
internal import Events
internal import Factors
internal import Foundation
internal import Learners
internal import State
internal import StreamLearning

/// Machines that learn one stream by parts, a window of it at a time, and then tell each other.
struct ClusterSimulation {
    struct Result {
        /// By model, in the order of the models.
        var recalls: [(String, Double)] = []
        var errors: [(String, Double)] = []
        var ranked = 0
        var bytesPerEvent = 0.0
        /// Rows that had to wait for room, over all exchanges.
        var held = 0
        var unknown = 0
        var rejected = 0
        /// Of the machine that was busy longest, from the second window on.
        var busy = Busy()
        /// In the time of which `busy` tells.
        var events = 0

        /// Events of all machines a second, where each has a core of its own.
        var rate: Double { Double(events) / busy.sum }
    }

    /// Processor time of a machine, in seconds.
    struct Busy {
        var learning = 0.0
        /// To find out what it has to tell of items, and to write that down.
        var telling = 0.0
        /// To read what the others told, and to take it in.
        var hearing = 0.0

        var sum: Double { learning + telling + hearing }
    }

    private struct Machine {
        var replay: Replay
        var ledger: ItemLedger
        var window: [Event] = []
        var drawn: [Bool] = []
        var busy = Busy()
    }

    /// Of a batch at most; batches then are of about one size however many machines there are.
    private static let batchMax = 2_048

    private let window: Int
    private let rankEvery: Int?
    private let models: [ModelOptions]
    private var machines: [Machine]
    private var result = Result()
    private var hits: [Double]
    private var squares: [(sum: Double, count: Int)]
    private var bytes = 0
    /// Events of the first window.
    private var uncounted = 0

    /// - Parameters:
    ///   - window: events of all machines between two exchanges.
    ///   - warp: whether a third model of rows is learned beside the defaults.
    ///   - rankEvery: one event in so many is ranked, the same ones however many machines there are; `nil` ranks none, so that
    ///     what machines take is learning alone.
    init(instances: Int, window: Int, rankEvery: Int?, warp: Bool, exchange: ExchangeOptions) {
        (self.window, self.rankEvery) = (window, rankEvery)
        var options = Replay.Options()
        options.state.duplicatesWindow = 1_024
        if warp {
            options.state.models.append(
                ModelOptions(name: "warp", learner: .warp(.live, positive: PositiveRule(ratingMin: 4))))
        }
        models = options.state.models
        machines = (0..<instances).map { number in
            let replay = Replay(options: options)
            let ledger = ItemLedger(
                replay.state, origin: UInt64(number + 1), life: 1, sequence: nil, options: exchange)
            return Machine(replay: replay, ledger: ledger)
        }
        hits = Array(repeating: 0, count: models.count)
        squares = Array(repeating: (0, 0), count: models.count)
    }

    mutating func run(_ events: [Event]) throws -> Result {
        var start = 0
        while start < events.count {
            let end = min(events.count, start + window)
            try learn(events[start..<end])
            if machines.count > 1 { try exchange() }
            // Before it machines know nothing of each other, and each learns its blend as eagerly as one that is alone: once,
            // which says nothing of the time after.
            if start == 0, end < events.count { forgetTimes(before: end) }
            start = end
        }
        let ranked = Double(max(1, result.ranked))
        for (number, model) in models.enumerated() {
            if squares[number].count > 0 {
                result.errors.append(
                    (model.name, (squares[number].sum / Double(squares[number].count)).squareRoot()))
            } else {
                result.recalls.append((model.name, hits[number] / ranked))
            }
        }
        result.events = events.count - uncounted
        result.busy = machines.map(\.busy).max { $0.sum < $1.sum } ?? Busy()
        result.bytesPerEvent = Double(bytes) / Double(max(1, events.count))
        return result
    }

    private mutating func forgetTimes(before event: Int) {
        uncounted = event
        for number in machines.indices { machines[number].busy = Busy() }
    }

    private mutating func learn(_ events: ArraySlice<Event>) throws {
        for (index, event) in zip(events.indices, events) {
            let machine = Int(ItemHash.of(event.key.string.utf8) % UInt64(machines.count))
            machines[machine].window.append(event)
            var random = KeyedRandom(seed: 1, stream: 0xC1, index: UInt64(index))
            machines[machine].drawn.append(rankEvery.map { random.next(below: $0) == 0 } ?? false)
        }
        for number in machines.indices {
            let (window, drawn) = (machines[number].window, machines[number].drawn)
            for start in stride(from: 0, to: window.count, by: Self.batchMax) {
                let batch = start..<min(start + Self.batchMax, window.count)
                let before = Self.processorSeconds
                let replayed = try machines[number].replay.learn(
                    window[batch], drawn: Array(drawn[batch]))
                machines[number].busy.learning += Self.processorSeconds - before
                for event in replayed { count(event) }
            }
            machines[number].window = []
            machines[number].drawn = []
        }
    }

    private mutating func count(_ event: ReplayedEvent) {
        for (model, error) in event.squaredErrors.enumerated() {
            guard let error else { continue }
            squares[model].sum += Double(error)
            squares[model].count += 1
        }
        guard let ranking = event.ranking else { return }
        result.ranked += 1
        for (model, standing) in ranking.models.enumerated() where standing.higher < 10 {
            // Of equals, as many as there is room for.
            hits[model] += min(1, Double(10 - standing.higher) / Double(standing.equal + 1))
        }
    }

    /// All tell what they have learned, then all take in what the others told.
    private mutating func exchange() throws {
        var told: [ItemChanges] = []
        var reading: [Double] = []
        for number in machines.indices {
            var start = Self.processorSeconds
            let encoded = machines[number].ledger.takeChanges().encoded
            machines[number].busy.telling += Self.processorSeconds - start
            bytes += encoded.count
            result.held += machines[number].ledger.held
            start = Self.processorSeconds
            told.append(try ItemChanges(encoded))
            reading.append(Self.processorSeconds - start)
        }
        for number in machines.indices {
            let (start, machine) = (Self.processorSeconds, machines[number])
            for (other, changes) in told.enumerated() where other != number {
                guard let outcome = machine.ledger.merge(changes) else { continue }
                result.unknown += outcome.unknown
                result.rejected += outcome.rejected
            }
            machine.replay.hearOfAllItems()
            // Each reads what all others told; here that is done once.
            machines[number].busy.hearing +=
                Self.processorSeconds - start + reading.reduce(0, +) - reading[number]
        }
    }

    /// Of the process, which does nothing else, whatever else the computer does: a machine learns on threads of its own.
    private static var processorSeconds: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
