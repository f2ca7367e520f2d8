internal import Counting
internal import Factors
internal import Histories
internal import Learners
internal import State

/// Asks memory for what the next events of a cell will look at, while this one is learned.
///
/// An event touches some twenty places, of its user and its item in each model; where users and items are many none of
/// them is in a cache, and to wait for one after the other takes as long as to learn the event. What a pointer leads to is
/// asked for in a second step and a third, closer to the event, when the pointer itself has come.
///
/// Reads what the cell's queue owns alone, the users and the items of the lease; to ask for the line of another item reads
/// nothing of it.
struct LookAhead {
    /// Events from the one that is learned to those that are asked for, in each step.
    private static let far = 10
    private static let near = 6
    private static let nearest = 3

    /// A model's columns. Unowned, so that no reference is counted at each event: the cell holds the models and the shard.
    private struct Columns {
        let items: Unmanaged<FactorTable>
        let users: Unmanaged<FactorTable>
        let positives: Unmanaged<ItemColumn<Int32>>
        let counts: Unmanaged<ItemColumn<DecayedCounts>>
        let trails: Unmanaged<RowColumn<UserTrail>>?
        let successors: Unmanaged<RowColumn<SuccessorSketch>>?
        let learnsRows: Bool

        init(_ number: Int, _ model: ModelState, _ shard: UserShard) {
            items = .passUnretained(model.items)
            users = .passUnretained(shard.tables[number])
            positives = .passUnretained(model.positives)
            counts = .passUnretained(model.counts)
            trails = shard.trails[number].map { .passUnretained($0) }
            successors = model.counter.flatMap {
                $0.rule.options.kind == .next ? .passUnretained($0.successors) : nil
            }
            learnsRows = model.options.learnsRows
        }
    }

    /// With less than this of rows all is in the processor's caches anyway, and to ask is a seventh of the time.
    private static let cachedBytes = 16 << 20

    private let models: [Columns]
    private let stats: Unmanaged<ItemColumn<ItemStats>>
    private let shard: Unmanaged<UserShard>

    init(models: [ModelState], stats: ItemColumn<ItemStats>, shard: UserShard) {
        let rows = models.count { $0.options.learnsRows } * (stats.count + shard.users.count)
        let isLarge =
            rows * FactorTable.bytesPerRow(factors: shard.scratch.first.indices.count * 8) > Self.cachedBytes
        self.models = isLarge ? models.enumerated().map { Columns($0, $1, shard) } : []
        self.stats = .passUnretained(stats)
        self.shard = .passUnretained(shard)
    }

    /// - Parameter place: of the event that is learned next, in `cell`.
    @inline(__always)
    func ask(
        from place: Int, in cell: ArraySlice<Int32>, of examples: [Example], lease: borrowing RowLease
    ) {
        guard !models.isEmpty else { return }
        if place + Self.far < cell.endIndex { askForRows(of: examples[Int(cell[place + Self.far])]) }
        if place + Self.near < cell.endIndex { askForBlocks(of: examples[Int(cell[place + Self.near])]) }
        if place + Self.nearest < cell.endIndex {
            askForSuccessors(of: examples[Int(cell[place + Self.nearest])], lease: lease)
        }
    }

    private func askForRows(of example: Example) {
        let item = Int(example.item)
        let local = shard._withUnsafeGuaranteedRef { shard in
            let local = shard.local(example.user)
            shard.users.prefetch(local)
            return local
        }
        let namesItem = example.kind != .describe
        if namesItem { stats._withUnsafeGuaranteedRef { $0.prefetch(item) } }
        for columns in models {
            columns.users._withUnsafeGuaranteedRef {
                columns.learnsRows ? $0.prefetchToLearn(local) : $0.prefetchMarks(local)
            }
            columns.trails?._withUnsafeGuaranteedRef { $0.prefetch(local) }
            guard namesItem else { continue }
            columns.items._withUnsafeGuaranteedRef {
                columns.learnsRows ? $0.prefetchToLearn(item) : $0.prefetchMarks(item)
            }
            columns.positives._withUnsafeGuaranteedRef { $0.prefetch(item) }
            columns.counts._withUnsafeGuaranteedRef { $0.prefetch(item) }
        }
    }

    private func askForBlocks(of example: Example) {
        let local = shard._withUnsafeGuaranteedRef { shard in
            let local = shard.local(example.user)
            shard.users[local].history.prefetch()
            return local
        }
        for columns in models { columns.trails?._withUnsafeGuaranteedRef { $0[local].prefetch() } }
    }

    /// Of the items that the user took last: what follows them is read, and this event is counted among it.
    private func askForSuccessors(of example: Example, lease: borrowing RowLease) {
        let local = shard._withUnsafeGuaranteedRef { $0.local(example.user) }
        for columns in models {
            guard let successors = columns.successors, let trails = columns.trails else { continue }
            trails._withUnsafeGuaranteedRef { trails in
                for item in trails[local].recent where lease.holds(Int(item)) {
                    successors._withUnsafeGuaranteedRef { $0[Int(item)].prefetch() }
                }
            }
        }
    }
}
