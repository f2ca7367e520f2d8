package import Factors
internal import Locking

/// What features say of items' rows, on a stream: where the row of an item without events stands, and which way rows with
/// few events are drawn as more becomes known.
///
/// Each model has a `FeatureMap` from features to its rows, bias included. A row is prior + own, prior = what the item's
/// features are worth together with the base. When the maps are solved anew, or an item is described anew, each row moves by
/// (1 − D) times what its prior moves by, D = n / (n + κ) of the n users who have the item in their history. So a row of no
/// event is its prior, but for what being passed over has taught it, and one of many events hardly moves. An item
/// without features has no prior, and its row is left alone.
///
/// A solution takes three steps, each after events of ordinals that depend on nothing else (`PriorSchedule`): rows are summed
/// up (`begin`), another thread solves while learning goes on, and rows are moved, some at a time (`move`). Until the last
/// one is, some rows stand on the maps and others on those that come next: `stands(onNext:)` says which.
///
/// Written by the engine's queue alone, and only while nothing is learned; in between solvers read it. That is what
/// `@unchecked Sendable` stands on.
package final class ItemPriors: @unchecked Sendable {
    package struct Options: Sendable, Equatable {
        /// False, and none of this is ever looked at.
        package var isOn = true
        /// Items that a feature has to be on.
        package var itemsMin = 5
        /// Features at most: those on most items.
        package var featuresMax = 2_000
        /// κ, in users.
        package var evidence: Float = 50
        /// λ of the regression.
        package var penalty = 10.0
        /// The ordinal at which the maps are solved first; then at its double, and so on, up to a quarter of `eventsMax`; then
        /// at each multiple of that.
        package var eventsMin: Int64 = 1_024
        package var eventsMax: Int64 = 262_144
        /// Events by feature before which none is solved.
        package var eventsPerFeature: Int64 = 4
        /// Events from where rows are summed up to where the first ones move, at most: at full speed as many take longer
        /// than a solution of 2,000 features does.
        package var lagMax: Int64 = 32_768
        /// Rows that move together, at least; more where they would else be more than `PriorSchedule.portions` portions.
        package var portionMin = 2_048
        /// Greatest norm of a row that a prior may make.
        package var normMax: Float = 100

        package init() {}
    }

    /// A model's table of items, and whether its rows have a bias.
    package struct Table {
        package let rows: FactorTable
        package let hasBias: Bool
        /// Whether rows of items that nobody has taken learn from that, as negatives: what they have learned then stays.
        package let learnsFromUntaken: Bool

        package init(_ rows: FactorTable, hasBias: Bool, learnsFromUntaken: Bool = false) {
            (self.rows, self.hasBias, self.learnsFromUntaken) = (rows, hasBias, learnsFromUntaken)
        }

        var width: Int { rows.factors + 1 }
    }

    package let options: Options
    /// Features of the maps, in the order of their numbers.
    package internal(set) var names: [String] = []
    /// By model; `nil` of one that learns no rows, and before the first solution.
    package internal(set) var maps: [FeatureMap?]
    /// How often what carries each of them was taken, when the maps were solved.
    package internal(set) var counts = FeatureCounts.none
    /// The maps have changed since they were saved.
    package var isUnsaved = false
    /// Changes with the maps.
    package internal(set) var solutions = 0
    /// Names that items have, each with a number for as long as any has it.
    var vocabulary: [String: Int32] = [:]
    var words: [String] = []
    /// By number in the vocabulary: items that have it.
    var carriers: [Int32] = []
    /// By item row: numbers in the vocabulary, none twice.
    var lists = RowLists()
    private var listed = 0
    /// By item row: numbers of the features, ascending; rows beyond the end have none.
    package internal(set) var features = RowLists()
    /// Rows whose features have changed since `takeChanged`; all have where the maps are others.
    private var changed: [Int32] = []
    /// By number in the vocabulary: the number of the feature, or −1.
    var columns: [Int32] = []
    /// What was summed up, and has not moved all rows yet.
    var pending: PendingPriors?
    /// Of its own, as learning has none to spare; made where it is first needed.
    private var solver: SerialThread?

    package init(models: Int, options: Options) {
        self.options = options
        maps = Array(repeating: nil, count: models)
    }

    /// Whether any item has a feature; nothing of this costs anything before.
    package var isNeeded: Bool { options.isOn && listed > 0 }

    package var hasMaps: Bool { !names.isEmpty }

    /// Whether any row may stand on a map.
    package var moves: Bool { hasMaps || pending != nil }

    /// Bytes held.
    package var bytes: Int {
        lists.bytes + features.bytes
            + words.reduce(0) {
                $0 + 2 * MemoryLayout<String>.stride + ($1.utf8.count > 15 ? $1.utf8.count + 32 : 0)
            }
            + vocabulary.capacity * 8 + (columns.capacity + carriers.capacity) * 4
            + maps.reduce(0) { $0 + ($1?.bytes ?? 0) } + (pending?.bytes ?? 0)
    }

    // MARK: - Items

    /// The item's features from now on. Its rows are as they were: see `move`.
    package func setFeatures(_ names: [String], of row: Int) {
        guard options.isOn, !names.isEmpty || !lists.isEmpty(row: row) else { return }
        if lists.isEmpty(row: row) { listed += 1 }
        for word in lists[row: row] { carriers[Int(word)] -= 1 }
        var list: [Int32] = []
        for name in names {
            let number = number(of: name)
            if !list.contains(number) { list.append(number) }
        }
        if list.isEmpty { listed -= 1 }
        for word in list { carriers[Int(word)] += 1 }
        lists.set(list, of: row)
        var known: [Int32] = []
        Self.choose(from: list, columns, into: &known)
        features.set(known, of: row)
        if stands(onNext: row) { pending?.chooseFeatures(of: row, from: lists) }
        changed.append(Int32(row))
    }

    /// Rows whose features have changed since this was last asked, beside those that changed with the maps.
    package func takeChanged() -> [Int32] {
        defer { changed = [] }
        return changed
    }

    /// Adds the numbers of those words that are features.
    static func choose(from words: some Collection<Int32>, _ columns: [Int32], into known: inout [Int32]) {
        let start = known.count
        for word in words where columns[Int(word)] >= 0 { known.append(columns[Int(word)]) }
        known[start...].sort()
    }

    func chooseAll() {
        let columns = columns
        features.replaceAll { row, known in Self.choose(from: lists[row: row], columns, into: &known) }
    }

    func number(of word: String) -> Int32 {
        if let number = vocabulary[word] { return number }
        let number = Int32(words.count)
        vocabulary[word] = number
        words.append(word)
        columns.append(-1)
        carriers.append(0)
        pending?.columns.append(-1)
        return number
    }

    /// Whether the item's rows have moved to the maps that come next.
    private func stands(onNext row: Int) -> Bool { pending?.hasMoved(row) ?? false }

    /// Numbers of the item's features by the maps that its rows stand on.
    package func features(ofItem row: Int) -> ArraySlice<Int32> {
        guard let pending, pending.hasMoved(row), !pending.areSameFeatures else { return features[row: row] }
        return pending.features[row: row]
    }

    /// The prior of the item's row in a model: the vector with the bias behind it; `nil` where there is none.
    package func prior(ofItem row: Int, model: Int) -> [Float]? {
        let features = features(ofItem: row)
        let map = stands(onNext: row) ? pending?.awaited.solution.maps[model] : maps[model]
        guard !features.isEmpty, let map else { return nil }
        return map.row(of: features)
    }

    /// Moves an item's row with its prior: see `PriorMove`.
    package func move(
        _ row: Row, from before: [Float]?, to now: [Float]?, users: Int32, hasBias: Bool, isOwnless: Bool
    ) -> Bool {
        PriorMove.move(
            row, from: before, to: now,
            .init(users: users, hasBias: hasBias, isOwnless: isOwnless, evidence: options.evidence),
            normMax: options.normMax)
    }

    /// The thread that solves.
    func solvingThread() -> SerialThread {
        let thread =
            solver ?? SerialThread(name: "freshet-priors", prepare: ThreadPriority.yieldToLookUps)
        solver = thread
        return thread
    }
}
