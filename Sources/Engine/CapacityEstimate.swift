internal import Events
internal import Learners
internal import Retrieval
package import State
internal import StreamLearning

/// What a machine needs for a deployment of some size, worked out from the sizes of what is kept.
package struct CapacityEstimate: Sendable {
    /// The daemon's memory at rest, by the parts that `STATUS` measures.
    package var memory = MemoryParts()
    /// Code, stacks, and what the allocator keeps of what was freed.
    package var other = 0
    /// What more a checkpoint holds while a large log is caught up with: users who change before they are written.
    package var catchingUp = 0
    package var stateFile = 0
    package var log = 0
    /// Where every row has changed, as while a log is caught up with.
    package var checkpointSeconds = 0.0
    package var restoreSeconds = 0.0

    package var resident: Int { memory.sum + other }

    /// Rows of users, items and tables that SQLite writes and reads a second, as `freshet-bench checkpoint` and `restore`
    /// measure them on two cores with K = 64.
    package static let rowsWrittenPerSecond = 400_000.0
    package static let rowsReadPerSecond = 1_000_000.0
    /// Of an empty daemon.
    static let emptyBytes = 40 << 20
    /// What the allocator keeps, of what is on the heap.
    private static let heapSlack = 0.12
    /// SQLite's own words of a row, and how full its pages are.
    private static let storedRowBytes = 34
    private static let pageShare = 0.88

    /// - Parameters:
    ///   - hasKafka: else the events lie in the embedded log.
    ///   - eventBytes: of an event as it stands in the log.
    package init(of size: DeploymentSize, options: EngineOptions, hasKafka: Bool, eventBytes: Int = 90) {
        let state = StateMemory(of: size, options: options.state, historyMax: options.learning.historyMax)
        memory.state = state
        let factors = options.state.models.map { $0.factors(of: options.state.factors) }
        memory.index =
            size.items
            * factors.reduce(MemoryLayout<ItemStats>.stride) {
                $0 + PublishedIndex.bytesPerRow(factors: $1) + MemoryLayout<Int32>.stride
            }
        for model in options.state.models {
            guard case .mlp(let network) = model.learner else { continue }
            // What the network makes of each item, worked out ahead, and the network.
            let units = RatingNetwork.units(network.hidden)
            memory.index +=
                size.items * units * MemoryLayout<Float>.stride
                + RatingNetwork.bytes(
                    hidden: network.hidden, second: network.secondHidden, factors: options.state.factors)
        }
        // While a log is caught up with: what is fetched and decoded ahead.
        memory.queue =
            options.ingest.queueEventsMax * (MemoryLayout<DecodedEvents.Entry>.stride + 2 * size.idBytes)
        memory.log = hasKafka ? (16 << 20) + 100_000 * 400 : 0
        memory.sqlite = 2 << 20
        let onHeap = state.histories + state.ids + state.catalogue + state.recent + memory.queue + memory.log
        other = Self.emptyBytes + Int(Self.heapSlack * Double(onHeap))
        let tables = state.users / max(1, size.users) + state.histories / max(1, size.users)
        catchingUp = size.items * factors.reduce(0) { $0 + $1 * 4 + 40 } + size.users / 2 * (tables + 64)
        takeDisk(size, options, hasKafka: hasKafka, eventBytes: eventBytes)
    }

    private mutating func takeDisk(
        _ size: DeploymentSize, _ options: EngineOptions, hasKafka: Bool, eventBytes: Int
    ) {
        let row = Double(Self.storedRowBytes)
        let pairs = min(size.pairs, size.users * options.learning.historyMax)
        var (bytes, rows) = (0.0, Double(size.users + size.items))
        // A user's or item's own row, and its id in an index beside it.
        bytes += Double(size.users) * (2 * Double(size.idBytes) + row + 30) + 24 * Double(pairs)
        bytes += Double(size.items) * (2 * Double(size.idBytes) + row + 40 + Double(size.descriptionBytes))
        for model in options.state.models {
            let numbers = Double(model.learnsRows ? options.state.factors * 4 : 0)
            let perUser = model.learnsRows ? numbers * (model.isAlternating ? 2 : 1) + row : 0
            bytes += Double(size.users) * perUser + Double(size.items) * (numbers + row + 30)
            rows += Double((model.learnsRows ? size.users : 0) + size.items)
        }
        stateFile = Int(bytes / Self.pageShare)
        let kept = hasKafka ? 0 : size.events
        log = kept * (eventBytes + 40)
        checkpointSeconds = rows / Self.rowsWrittenPerSecond
        restoreSeconds = rows / Self.rowsReadPerSecond
    }
}
