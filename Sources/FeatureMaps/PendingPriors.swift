internal import Factors

/// Maps on their way to the rows: first as sums that another thread solves, then with ever more rows that stand on them.
struct PendingPriors {
    let schedule: PriorSchedule
    let names: [String]
    /// By number in the vocabulary: the number of the feature, or −1.
    var columns: [Int32]
    /// Whether the features are those of the maps before.
    let areSameFeatures: Bool
    let awaited: AwaitedSolution
    /// Rows there were when the first ones moved; `nil` before. Those that came later stand on these maps from the beginning.
    private(set) var end: Int?
    /// Of them, rows below it have moved.
    private(set) var moved = 0
    /// By row, of those that stand on these maps: numbers of the features. Empty where they are the same as before.
    private(set) var features = RowLists()
    /// By model: by how much what each feature is worth changes, where the features are the same.
    private(set) var changes: [FeatureMap?] = []
    /// Ordinal of the event after which the next rows move.
    private(set) var nextMove: Int64
    /// Rows of a portion, at least.
    private let portionMin: Int

    init(
        _ schedule: PriorSchedule, names: [String], columns: [Int32], areSameFeatures: Bool,
        awaited: AwaitedSolution, portionMin: Int
    ) {
        (self.schedule, self.names, self.columns) = (schedule, names, columns)
        self.portionMin = portionMin
        (self.areSameFeatures, self.awaited, nextMove) = (areSameFeatures, awaited, schedule.start)
    }

    /// Bytes held.
    var bytes: Int {
        columns.capacity * 4 + features.bytes + changes.reduce(awaited.bytes) { $0 + ($1?.bytes ?? 0) }
    }

    /// Whether the row stands on these maps.
    func hasMoved(_ row: Int) -> Bool {
        guard let end else { return false }
        return row < moved || row >= end
    }

    /// Rows begin to move, `end` of them.
    ///
    /// - Parameter before: the maps that they stand on.
    mutating func startMoving(to end: Int, from before: [FeatureMap?]) {
        self.end = end
        guard areSameFeatures else { return }
        changes = zip(before, awaited.solution.maps).map { before, now in
            before.flatMap { now?.less($0) }
        }
    }

    /// As it was stored.
    mutating func restore(end: Int, moved: Int, from before: [FeatureMap?], lists: RowLists) {
        startMoving(to: end, from: before)
        move(to: moved, lists: lists)
        if lists.rowEnd > end { for row in end..<lists.rowEnd { chooseFeatures(of: row, from: lists) } }
    }

    /// Rows that are to have moved once the event of this ordinal is learned.
    func rows(movedBy ordinal: Int64) -> Int {
        guard let end else { return 0 }
        return min(end, schedule.rows(moved: ordinal, portion: portion(of: end)))
    }

    private func portion(of rows: Int) -> Int { PriorSchedule.portion(of: rows, least: portionMin) }

    /// Rows up to `row` are about to move.
    mutating func move(to row: Int, lists: RowLists) {
        for item in moved..<row { chooseFeatures(of: item, from: lists) }
        moved = row
        nextMove = schedule.next(after: row, portion: portion(of: end ?? row))
    }

    /// The row's features by these maps.
    mutating func chooseFeatures(of row: Int, from lists: RowLists) {
        guard !areSameFeatures, !lists.isEmpty(row: row) || !features.isEmpty(row: row) else { return }
        var known: [Int32] = []
        ItemPriors.choose(from: lists[row: row], columns, into: &known)
        features.set(known, of: row)
    }
}
