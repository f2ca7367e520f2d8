internal import Histories
internal import Retrieval
internal import State

/// Which items a look-up may answer and, where the answer has to say so, why not the others.
struct Selection: Sendable {
    private(set) var filter: ItemFilter
    /// What keeps items out, one set a reason; empty unless asked for.
    private var reasons: [(reason: Shortfall.Reason, items: ItemBitset)] = []
    private let keepsReasons: Bool

    /// - Parameter tagged: for each tag asked for the rows that carry it, ascending.
    init(unavailable: ItemBitset, tagged: [[Int32]] = [], keepsReasons: Bool = false) {
        filter = ItemFilter(excluded: unavailable, requiredRows: tagged)
        self.keepsReasons = keepsReasons
        if keepsReasons { reasons = [(.unavailable, unavailable)] }
    }

    /// Takes items out; `rows` ascend, so that the set grows once.
    mutating func leaveOut(
        _ rows: some BidirectionalCollection<Int32>, because reason: Shortfall.Reason
    ) {
        guard let last = rows.last else { return }
        filter.excluded.insert(Int(last))
        for row in rows { filter.excluded.insert(Int(row)) }
        if keepsReasons { reasons.append((reason, ItemBitset(rows))) }
    }

    /// Takes items out.
    mutating func leaveOut(_ items: ItemBitset, because reason: Shortfall.Reason) {
        guard !items.isEmpty else { return }
        filter.excluded.formUnion(items)
        if keepsReasons { reasons.append((reason, items)) }
    }

    /// Whether the item lacks a tag asked for, or has none where some are needed.
    func lacksTag(_ row: Int) -> Bool {
        keepsOut(row, because: .tag) || lacksRequiredTag(row)
    }

    private func lacksRequiredTag(_ row: Int) -> Bool {
        !ItemFilter(requiredRows: filter.requiredRows).allows(row)
    }

    /// Whether this alone keeps the item out; only where reasons are kept.
    func keepsOut(_ row: Int, because reason: Shortfall.Reason) -> Bool {
        reasons.contains { $0.reason == reason && $0.items.contains(row) }
    }

    /// Goes through the rows below `catalogue`.
    ///
    /// - Parameter isTaken: whether the item may stand in a list that leaves out what nobody took.
    func census(catalogue: Int, isTaken: (Int) -> Bool = { _ in true }) -> Census {
        var census = Census(catalogue: catalogue)
        for row in 0..<catalogue {
            if filter.allows(row) {
                if isTaken(row) { census.candidates += 1 } else { census.counts[.untaken, default: 0] += 1 }
            } else {
                census.counts[reason(of: row), default: 0] += 1
            }
        }
        return census
    }

    /// The first reason, in the order of `Shortfall.Reason`.
    private func reason(of row: Int) -> Shortfall.Reason {
        if keepsOut(row, because: .unavailable) { return .unavailable }
        if lacksTag(row) { return .tag }
        for wanted in [Shortfall.Reason.hidden, .seen] where keepsOut(row, because: wanted) { return wanted }
        return .excluded
    }
}

/// How many items could be answered, and how many not, by the first thing that keeps each out.
struct Census: Sendable, Equatable {
    var catalogue = 0
    var candidates = 0
    var counts: [Shortfall.Reason: Int] = [:]
}
