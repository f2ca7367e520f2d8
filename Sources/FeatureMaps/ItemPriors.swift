package import Factors

/// What features say of items' rows, on a stream: where the row of an item without events stands, and which way rows with
/// few events are drawn as more becomes known.
///
/// Each model has a `FeatureMap` from features to its rows, bias included. A row is prior + own, prior = what the item's
/// features are worth together with the base. When the maps are solved anew, or an item is described anew, each row moves by
/// (1 − D) times what its prior moves by, D = n / (n + κ) of the n users who have the item in their history. So a row of no
/// event is its prior, but for what being passed over has taught it, and one of many events hardly moves. An item
/// without features has no prior, and its row is left alone.
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
        /// The ordinal at which the maps are solved first; then at its double, and so on, until `eventsMax`; then at each
        /// multiple of that.
        package var eventsMin: Int64 = 1_024
        package var eventsMax: Int64 = 131_072
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
    package private(set) var names: [String] = []
    /// By model; `nil` of one that learns no rows, and before the first solution.
    package private(set) var maps: [FeatureMap?]
    /// How often what carries each of them was taken, when the maps were solved.
    package private(set) var counts = FeatureCounts.none
    /// The maps have changed since they were saved.
    package var isUnsaved = false
    /// Changes with the maps.
    package private(set) var solutions = 0
    /// Names that items have, each with a number for as long as any has it.
    private var vocabulary: [String: Int32] = [:]
    private var words: [String] = []
    /// By item row: numbers in the vocabulary.
    private var lists: [[Int32]] = []
    private var listed = 0
    /// By item row: numbers of the features, ascending.
    private var chosen: [[Int32]] = []
    /// Rows whose features have changed since `takeChanged`; all have where the maps are others.
    private var changed: [Int32] = []
    /// By number in the vocabulary: the number of the feature, or −1.
    private var columns: [Int32] = []

    package init(models: Int, options: Options) {
        self.options = options
        maps = Array(repeating: nil, count: models)
    }

    /// Whether any item has a feature; nothing of this costs anything before.
    package var isNeeded: Bool { options.isOn && listed > 0 }

    package var hasMaps: Bool { !names.isEmpty }

    /// Whether the maps are to be solved after the event of this ordinal: a function of the ordinal alone.
    package func isDue(_ ordinal: Int64) -> Bool {
        guard options.isOn else { return false }
        if ordinal >= options.eventsMax { return ordinal % options.eventsMax == 0 }
        return ordinal >= options.eventsMin && ordinal % options.eventsMin == 0
            && (ordinal / options.eventsMin).nonzeroBitCount == 1
    }

    /// Whether they are to be solved after some event behind `before`, up to `now`: where events are counted that others
    /// have learned, ordinals are passed over.
    package func isDue(after before: Int64, upTo now: Int64) -> Bool {
        guard options.isOn else { return false }
        if now >= options.eventsMax { return now / options.eventsMax > before / options.eventsMax }
        var next = options.eventsMin
        while next <= before { next *= 2 }
        return next <= now
    }

    /// Bytes held.
    package var bytes: Int {
        (lists + chosen).reduce((lists.capacity + chosen.capacity) * MemoryLayout<[Int32]>.stride) {
            $0 + ($1.isEmpty ? 0 : 32 + $1.capacity * 4)
        }
            + words.reduce(0) {
                $0 + 2 * MemoryLayout<String>.stride + ($1.utf8.count > 15 ? $1.utf8.count + 32 : 0)
            }
            + vocabulary.capacity * 8 + columns.capacity * 4 + maps.reduce(0) { $0 + ($1?.bytes ?? 0) }
    }

    // MARK: - Items

    /// The item's features from now on. Its rows are as they were: see `move`.
    package func setFeatures(_ features: [String], of row: Int) {
        guard options.isOn, !features.isEmpty || row < lists.count && !lists[row].isEmpty else { return }
        while lists.count <= row { lists.append([]) }
        if lists[row].isEmpty { listed += 1 }
        lists[row] = features.map { number(of: $0) }
        if lists[row].isEmpty { listed -= 1 }
        choose(row)
        changed.append(Int32(row))
    }

    /// Rows whose features have changed since this was last asked, beside those that changed with the maps.
    package func takeChanged() -> [Int32] {
        defer { changed = [] }
        return changed
    }

    private func choose(_ row: Int) {
        while chosen.count <= row { chosen.append([]) }
        chosen[row] = Set(lists[row].lazy.map { self.columns[Int($0)] }.filter { $0 >= 0 }).sorted()
    }

    private func chooseAll() { for row in lists.indices { choose(row) } }

    private func number(of word: String) -> Int32 {
        if let number = vocabulary[word] { return number }
        let number = Int32(words.count)
        vocabulary[word] = number
        words.append(word)
        columns.append(-1)
        return number
    }

    /// Feature numbers of the item, ascending.
    package func features(of row: Int) -> [Int32] { row < chosen.count ? chosen[row] : [] }

    /// By item row, as `features(of:)` gives them; rows beyond the end have none.
    package var allFeatures: [[Int32]] { chosen }

    /// The prior of an item with these features: the vector with the bias behind it; `nil` where there is none.
    package func prior(of features: [Int32], model: Int) -> [Float]? {
        guard !features.isEmpty, let map = maps[model] else { return nil }
        return map.row(of: features)
    }

    package func prior(ofItem row: Int, model: Int) -> [Float]? { prior(of: features(of: row), model: model) }

    /// Moves an item's row with its prior.
    ///
    /// - Parameters:
    ///   - before: the prior that the row has stood on; `nil` for none.
    ///   - users: n.
    ///   - isOwnless: where n is 0, the row knows nothing of its own, and becomes the prior.
    /// - Returns: whether the row has changed.
    package func move(
        _ row: Row, from before: [Float]?, to now: [Float]?, users: Int32, hasBias: Bool, isOwnless: Bool
    ) -> Bool {
        guard before != now, let prior = now ?? before else { return false }
        let count = row.indices.count * 8
        var (vector, bias) = (row.vector, row.bias)
        if users <= 0, isOwnless, now != nil {
            vector = Array(prior.prefix(count))
            bias = hasBias ? prior[count] : row.bias
        } else {
            let share = options.evidence / (Float(max(0, users)) + options.evidence)
            // A row that stood on nothing is moved by its first prior too. Drawn to it instead, as it may have learned by
            // itself what its features say, it predicted worse on both MovieLens streams.
            for place in 0..<count {
                vector[place] += share * ((now?[place] ?? 0) - (before?[place] ?? 0))
            }
            if hasBias { bias += share * ((now?[count] ?? 0) - (before?[count] ?? 0)) }
        }
        let norm = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        // Not so for NaN either.
        guard norm <= options.normMax, abs(bias) <= options.normMax else { return false }
        row.set(vector: vector, bias: bias)
        return true
    }

    // MARK: - Solving

    /// Solves the maps of all models anew, by one factorisation, and moves the rows.
    ///
    /// - Parameters:
    ///   - tables: by model; `nil` of one that learns no rows.
    ///   - users: n by item row.
    ///   - moved: called with model and row for each row that has changed, and the vector and bias that it had.
    package func solve(
        _ tables: [Table?], users: (Int) -> Int32,
        moved: (_ model: Int, _ row: Int, _ before: [Float], _ bias: Float) -> Void
    ) {
        let items = tables.lazy.compactMap { $0?.rows.count }.min() ?? lists.count
        let oldMaps = maps
        forgetUnused()
        let before = (0..<items).map { features(of: $0) }
        chooseFeatures(items)
        let matrix = featureMatrix(items)
        count(items, users: users)
        isUnsaved = true
        solutions += 1
        let solved = tables.enumerated().filter { $0.element != nil }.map(\.offset)
        let width = solved.reduce(0) { $0 + (tables[$1]?.width ?? 0) }
        guard width > 0, matrix.columns > 0 else { return }
        var weights = [Float](repeating: 0, count: items)
        for item in 0..<items where !matrix[item].isEmpty {
            let count = Float(max(0, users(item)))
            weights[item] = count / (count + options.evidence)
        }
        let targets = gather(tables, solved, items: items, width: width, weights)
        var regression = FeatureRegression.Options()
        regression.penalty = options.penalty
        let whole = FeatureRegression(regression).solve(
            matrix, targets: targets, width: width, weights: weights)
        part(whole, tables, solved)
        for model in solved {
            guard let table = tables[model] else { continue }
            for item in 0..<items where !before[item].isEmpty || !matrix[item].isEmpty {
                let old = before[item].isEmpty ? nil : oldMaps[model]?.row(of: before[item])
                let now = matrix[item].isEmpty ? nil : maps[model]?.row(of: matrix[item])
                let row = table.rows.row(item)
                let (vector, bias) = (row.vector, row.bias)
                let isMoved = move(
                    row, from: old, to: now, users: users(item), hasBias: table.hasBias,
                    isOwnless: !table.learnsFromUntaken)
                if isMoved {
                    moved(model, item, vector, bias)
                }
            }
        }
    }

    /// Words that no item has any more make room.
    private func forgetUnused() {
        var isUsed = [Bool](repeating: false, count: words.count)
        for list in lists { for word in list { isUsed[Int(word)] = true } }
        guard isUsed.count(where: { !$0 }) > words.count / 2 else { return }
        var numbers = [Int32](repeating: -1, count: words.count)
        var (kept, keptColumns): ([String], [Int32]) = ([], [])
        for (number, word) in words.enumerated() where isUsed[number] {
            numbers[number] = Int32(kept.count)
            kept.append(word)
            keptColumns.append(columns[number])
        }
        for row in lists.indices { lists[row] = lists[row].map { numbers[Int($0)] } }
        (words, columns) = (kept, keptColumns)
        vocabulary = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, Int32($0)) })
    }

    /// The words on enough items are the features, in the order of their bytes.
    private func chooseFeatures(_ items: Int) {
        var counts = [Int](repeating: 0, count: words.count)
        for item in 0..<min(items, lists.count) {
            for word in Set(lists[item]) { counts[Int(word)] += 1 }
        }
        var chosen = counts.indices.filter { counts[$0] >= options.itemsMin }
        func precedes(_ left: Int, _ right: Int) -> Bool {
            words[left].utf8.lexicographicallyPrecedes(words[right].utf8)
        }
        if chosen.count > options.featuresMax {
            chosen.sort { counts[$0] != counts[$1] ? counts[$0] > counts[$1] : precedes($0, $1) }
            chosen.removeLast(chosen.count - options.featuresMax)
        }
        chosen.sort(by: precedes)
        columns = Array(repeating: -1, count: words.count)
        for (column, word) in chosen.enumerated() { columns[word] = Int32(column) }
        names = chosen.map { words[$0] }
        chooseAll()
    }

    private func count(_ items: Int, users: (Int) -> Int32) {
        counts = FeatureCounts(
            taken: Array(repeating: 0, count: names.count), kinds: names.map { FeatureKind(of: $0) })
        var taken = [Double](repeating: 0, count: names.count)
        for item in 0..<items {
            let features = features(of: item)
            counts.share(features) { feature, part in
                taken[feature] += Double(max(0, users(item))) * Double(part)
            }
        }
        counts = FeatureCounts(taken: taken.map { Float($0) }, kinds: counts.kinds)
    }

    private func featureMatrix(_ items: Int) -> FeatureMatrix {
        var matrix = FeatureMatrix(columns: names.count)
        matrix.reserve(rows: items, features: lists.reduce(0) { $0 + $1.count })
        for item in 0..<items { matrix.append(features(of: item)) }
        return matrix
    }

    /// Rows of all tables side by side; zeros where nobody looks.
    private func gather(
        _ tables: [Table?], _ solved: [Int], items: Int, width: Int, _ weights: [Float]
    ) -> [Float] {
        var targets = [Float](repeating: 0, count: items * width)
        targets.withUnsafeMutableBufferPointer { targets in
            guard let start = targets.baseAddress else { return }
            for item in 0..<items where weights[item] > 0 {
                var place = start + item * width
                for model in solved {
                    guard let table = tables[model] else { continue }
                    table.rows.copyVector(item, to: place)
                    place[table.rows.factors] = table.hasBias ? table.rows.bias(item) : 0
                    place += table.width
                }
            }
        }
        return targets
    }

    /// Each model's own map out of that of all.
    private func part(_ whole: FeatureMap, _ tables: [Table?], _ solved: [Int]) {
        var offset = 0
        for model in solved {
            let width = tables[model]?.width ?? 0
            var weights: [Float] = []
            weights.reserveCapacity(whole.features * width)
            for feature in 0..<whole.features {
                let all = whole.weights(of: Int32(feature))
                weights += all[all.startIndex + offset..<all.startIndex + offset + width]
            }
            maps[model] = FeatureMap(
                width: width, weights: weights, base: Array(whole.base[offset..<offset + width]))
            offset += width
        }
    }

    // MARK: - To and from a state file

    /// Puts maps back, once items' features are set. `names` have no repeats.
    ///
    /// - Parameter taken: how often each was taken.
    /// - Returns: false where they do not go together.
    package func restore(names: [String], maps restored: [FeatureMap?], taken: [Float]) -> Bool {
        guard restored.count == maps.count, taken.count == names.count,
            taken.allSatisfy({ $0.isFinite && $0 >= 0 }),
            restored.allSatisfy({ $0.map { $0.features == names.count && $0.isFinite } ?? true })
        else { return false }
        self.names = names
        maps = restored
        counts = FeatureCounts(taken: taken, kinds: names.map { FeatureKind(of: $0) })
        solutions += 1
        columns = Array(repeating: -1, count: words.count)
        // A feature that no item has just now is one all the same, for the next item that has it.
        for (column, name) in names.enumerated() { columns[Int(number(of: name))] = Int32(column) }
        chooseAll()
        return true
    }

    /// The same from before counts were kept: they are made anew.
    package func restore(names: [String], maps: [FeatureMap?], users: (Int) -> Int32) -> Bool {
        let none = [Float](repeating: 0, count: names.count)
        guard restore(names: names, maps: maps, taken: none) else { return false }
        count(lists.count, users: users)
        return true
    }

    /// A model's map as bytes: base, then weights, feature by feature; little-endian float32.
    package func bytes(ofModel model: Int) -> [UInt8]? {
        guard let map = maps[model] else { return nil }
        return Self.bytes(map.base + map.weights)
    }

    /// `counts` as bytes.
    package var bytesOfCounts: [UInt8] { Self.bytes(counts.taken) }

    /// The inverse; `nil` where the bytes are no counts.
    package static func taken(_ bytes: [UInt8]) -> [Float]? { bytes.count % 4 == 0 ? numbers(bytes) : nil }

    private static func bytes(_ numbers: [Float]) -> [UInt8] {
        numbers.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    }

    private static func numbers(_ bytes: [UInt8]) -> [Float] {
        bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4).map {
                Float(
                    bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self))
                )
            }
        }
    }

    /// The inverse; `nil` where the bytes are no map of such rows.
    package static func map(_ bytes: [UInt8], width: Int) -> FeatureMap? {
        guard bytes.count % (4 * width) == 0, !bytes.isEmpty else { return nil }
        let numbers = numbers(bytes)
        let map = FeatureMap(
            width: width, weights: Array(numbers[width...]), base: Array(numbers[..<width]))
        return map.isFinite ? map : nil
    }
}
