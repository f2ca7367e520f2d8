internal import Blending
internal import Counting
internal import Factors
internal import Foundation
internal import Histories
internal import Learners
internal import Retrieval

/// How large a deployment is meant to be.
package struct DeploymentSize: Sendable {
    package var users: Int
    package var items: Int
    /// In the log, all told.
    package var events: Int
    /// User–item pairs that are remembered; each event's where nothing is known.
    package var pairs: Int
    /// Of these, what is liked; six in ten where nothing is known, as of MovieLens's ratings from 4 on.
    package var liked: Int
    package var partitions = 1
    /// Bytes of an id, on average.
    package var idBytes = 8
    /// Bytes of an item's title and tags, on average; 0 where nothing is described.
    package var descriptionBytes = 0

    package init(users: Int, items: Int, events: Int, pairs: Int? = nil) {
        (self.users, self.items, self.events) = (users, items, events)
        self.pairs = pairs ?? events
        liked = self.pairs * 6 / 10
    }
}

extension StateMemory {
    /// What a state of this size takes once all is there, by the same parts as `LearnedState.memory` measures.
    package init(of size: DeploymentSize, options: StateOptions, historyMax: Int) {
        self.init()
        let pairs = min(size.pairs, size.users * historyMax)
        var size = size
        size.liked = min(size.liked, pairs)
        for model in options.models { take(model, size, pairs: pairs, options) }
        users += size.users * UserColumn.bytesPerUser
        items += size.items * MemoryLayout<ItemStats>.stride
        histories += History.expectedBytes(users: size.users, pairs: pairs)
        if size.idBytes > 15 { histories += size.users * AllocatedBytes.ofArray(size.idBytes + 1) }
        ids = Self.ids(size.users, size.idBytes) + Self.ids(size.items, size.idBytes)
        catalogue =
            Self.doubled(size.items) * MemoryLayout<Catalogue.Entry>.stride + size.items
            * size.descriptionBytes
        recent =
            size.partitions
            * RecentEvents.expectedBytes(
                events: size.events / max(1, size.partitions), capacity: options.duplicatesWindow)
    }

    private mutating func take(
        _ model: ModelOptions, _ size: DeploymentSize, pairs: Int, _ options: StateOptions
    ) {
        let row = FactorTable.bytesPerRow(factors: model.factors(of: options.factors))
        // Of a table whose numbers nobody touches, its marks.
        users += size.users * (model.learnsRows ? row : 1) * (model.isAlternating ? 2 : 1)
        items += size.items * (row + MemoryLayout<Int32>.stride + MemoryLayout<DecayedCounts>.stride)
        // Who likes each item, and what has happened since its list was settled.
        if model.isAlternating {
            items +=
                size.liked * MemoryLayout<Taker>.stride * 5 / 4
                + size.items * 2 * MemoryLayout<[Taker]>.stride
        }
        if case .mlp(let network) = model.learner {
            items += RatingNetwork.bytes(
                hidden: network.hidden, second: network.secondHidden, factors: options.factors)
            items += NetworkSums.bytes(
                hidden: network.hidden, second: network.secondHidden, factors: options.factors)
        }
        if model.isBlend { items += size.items * MemoryLayout<FadingLogs>.stride }
        guard model.keepsTrails, let counter = model.counter else { return }
        users += size.users * MemoryLayout<UserTrail>.stride
        // Where nothing is ever shown again, nobody keeps what was taken for it.
        if counter.kind != .repeat || options.seen != .exclude {
            histories += UserTrail.expectedBytes(counter, users: size.users, liked: size.liked)
        }
        if counter.kind == .next {
            items += SuccessorSketch.expectedBytes(counter, of: size)
        }
    }

    /// Slots at most three quarters full, a place, and the bytes themselves.
    private static func ids(_ count: Int, _ bytes: Int) -> Int {
        let slots = powerOfTwo(from: count * 4 / 3 + 1)
        return (slots + doubled(count)) * MemoryLayout<UInt64>.stride + count * bytes
    }

    /// Room of an array that has grown to so many.
    private static func doubled(_ count: Int) -> Int { powerOfTwo(from: count) }

    static func powerOfTwo(from count: Int) -> Int {
        count <= 1 ? 1 : 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount)
    }
}

extension RecentEvents {
    /// Of a partition that so many events came from.
    static func expectedBytes(events: Int, capacity: Int) -> Int {
        let known = min(events, capacity)
        guard known > 0 else { return 0 }
        let block = FingerprintRing.blockLength
        let ring = min((known + block - 1) / block * block, max(capacity, known))
        return ring * MemoryLayout<UInt64>.stride
            + StateMemory.powerOfTwo(from: known * 4 / 3) * MemoryLayout<UInt32>.stride
    }
}

extension UserTrail {
    /// On the heap, where each thing that was liked is as likely any one user's.
    static func expectedBytes(_ options: CounterOptions, users: Int, liked: Int) -> Int {
        PoissonMean.sum(of: users, mean: liked) { taken in
            switch options.kind {
            case .popular, .trending: 0
            case .next: expectedBytes(recent: min(options.trail, taken), own: 0)
            case .repeat: expectedBytes(recent: 0, own: min(CounterOptions.ownItemsMax, taken))
            }
        }
    }
}

extension SuccessorSketch {
    /// Where what follows an item is nearly always something else.
    static func expectedBytes(_ options: CounterOptions, of size: DeploymentSize) -> Int {
        // Each thing that a user takes follows those taken before, as many as a trail has.
        let transitions = PoissonMean.sum(of: size.users, mean: size.liked) { taken in
            (0..<taken).reduce(0) { $0 + min(options.trail, $1) }
        }
        return size.items * MemoryLayout<SuccessorSketch>.stride
            + PoissonMean.sum(of: size.items, mean: transitions) { following in
                AllocatedBytes.ofGrown(min(options.successors, following), MemoryLayout<Entry>.stride)
            }
    }
}

/// Sums over many of whom each has as many of something as a Poisson distribution says.
enum PoissonMean {
    /// - Parameters:
    ///   - mean: how many there are of it in all.
    ///   - value: of one who has so many.
    static func sum(of count: Int, mean total: Int, _ value: (Int) -> Int) -> Int {
        guard count > 0, total > 0 else { return 0 }
        let mean = Double(total) / Double(count)
        var (sum, logFactorial) = (0.0, 0.0)
        for number in 1...Int(mean + 6 * mean.squareRoot() + 8) {
            logFactorial += log(Double(number))
            sum += exp(Double(number) * log(mean) - mean - logFactorial) * Double(value(number))
        }
        return Int(Double(count) * sum)
    }
}
