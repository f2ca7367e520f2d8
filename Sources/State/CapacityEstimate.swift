internal import Counting
internal import Factors
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
    package var partitions = 1
    /// Bytes of an id, on average.
    package var idBytes = 8
    /// Bytes of an item's title and tags, on average; 0 where nothing is described.
    package var descriptionBytes = 0

    package init(users: Int, items: Int, events: Int, pairs: Int? = nil) {
        (self.users, self.items, self.events) = (users, items, events)
        self.pairs = pairs ?? events
    }
}

extension StateMemory {
    /// What a state of this size takes once all is there, by the same parts as `LearnedState.memory` measures.
    package init(of size: DeploymentSize, options: StateOptions, historyMax: Int) {
        self.init()
        let pairs = min(size.pairs, size.users * historyMax)
        for model in options.models { take(model, size, pairs: pairs, options) }
        users += size.users * UserColumn.bytesPerUser
        items += size.items * MemoryLayout<ItemStats>.stride
        histories = History.expectedBytes(users: size.users, pairs: pairs)
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
        users += size.users * row * (model.isAlternating ? 2 : 1)
        items += size.items * (row + MemoryLayout<Int32>.stride + MemoryLayout<DecayedCounts>.stride)
        // Who took each item, in arrays that double.
        if model.isAlternating { items += pairs * MemoryLayout<Taker>.stride * 3 / 2 }
        guard model.keepsTrails, let counter = model.counter else { return }
        users += size.users * MemoryLayout<UserTrail>.stride
        histories += size.users * UserTrail.expectedBytes(counter, pairs: pairs / max(1, size.users))
        if counter.kind == .next {
            items += size.items * SuccessorSketch.expectedBytes(entries: counter.successors)
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
        let ring = min(StateMemory.powerOfTwo(from: known), max(capacity, known))
        return (ring + StateMemory.powerOfTwo(from: known * 4 / 3)) * MemoryLayout<UInt64>.stride
    }
}

extension UserTrail {
    static func expectedBytes(_ options: CounterOptions, pairs: Int) -> Int {
        switch options.kind {
        case .popular, .trending: 0
        case .next: min(options.trail, pairs) * MemoryLayout<Int32>.stride + AllocatedBytes.ofArray(0)
        case .repeat: min(CounterOptions.ownItemsMax, pairs) * MemoryLayout<Own>.stride
        }
    }
}

extension SuccessorSketch {
    static func expectedBytes(entries: Int) -> Int {
        MemoryLayout<SuccessorSketch>.stride + AllocatedBytes.ofArray(entries * MemoryLayout<Entry>.stride)
    }
}
