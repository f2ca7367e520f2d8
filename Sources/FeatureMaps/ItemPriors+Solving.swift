internal import Factors

extension ItemPriors {
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
        let items = tables.lazy.compactMap { $0?.rows.count }.min() ?? lists.rowEnd
        let (oldMaps, oldFeatures, oldNames) = (maps, features, names)
        forgetUnused()
        chooseFeatures(items)
        count(items, users: users)
        isUnsaved = true
        solutions += 1
        let solved = tables.enumerated().filter { $0.element != nil }.map(\.offset)
        guard !solved.isEmpty, !names.isEmpty else { return }
        part(regress(tables, solved, items: items, users: users), tables, solved)
        for model in solved {
            guard let table = tables[model] else { continue }
            let move = PriorMove(
                from: (oldMaps[model], oldFeatures), to: (maps[model], features),
                areSameFeatures: names == oldNames, evidence: options.evidence, normMax: options.normMax)
            move.all(table, items: items, users: users) { moved(model, $0, $1, $2) }
        }
    }

    /// One map for the rows of all tables side by side, by the items that somebody has taken.
    private func regress(
        _ tables: [Table?], _ solved: [Int], items: Int, users: (Int) -> Int32
    ) -> FeatureMap {
        let width = solved.reduce(0) { $0 + (tables[$1]?.width ?? 0) }
        var known: [Int] = []
        var weights: [Float] = []
        for item in 0..<items where !features.isEmpty(row: item) {
            let count = Float(max(0, users(item)))
            guard count > 0 else { continue }
            known.append(item)
            weights.append(count / (count + options.evidence))
        }
        var matrix = FeatureMatrix(columns: names.count)
        for item in known { features.with(row: item) { matrix.append(ascending: $0) } }
        var regression = FeatureRegression.Options()
        regression.penalty = options.penalty
        let asked = solved.compactMap { tables[$0] }
        return FeatureRegression(regression).solve(matrix, width: width, weights: weights) { row, target in
            guard var place = target.baseAddress else { return }
            for table in asked {
                table.rows.copyVector(known[row], to: place)
                place[table.rows.factors] = table.hasBias ? table.rows.bias(known[row]) : 0
                place += table.width
            }
        }
    }

    /// Words that no item has any more make room.
    private func forgetUnused() {
        var isUsed = [Bool](repeating: false, count: words.count)
        for row in 0..<lists.rowEnd { for word in lists[row: row] { isUsed[Int(word)] = true } }
        guard isUsed.count(where: { !$0 }) > words.count / 2 else { return }
        var numbers = [Int32](repeating: -1, count: words.count)
        var (kept, keptColumns): ([String], [Int32]) = ([], [])
        for (number, word) in words.enumerated() where isUsed[number] {
            numbers[number] = Int32(kept.count)
            kept.append(word)
            keptColumns.append(columns[number])
        }
        let before = lists
        lists.replaceAll { row, list in for word in before[row: row] { list.append(numbers[Int(word)]) } }
        (words, columns) = (kept, keptColumns)
        vocabulary = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, Int32($0)) })
    }

    /// The words on enough items are the features, in the order of their bytes.
    private func chooseFeatures(_ items: Int) {
        var counts = [Int](repeating: 0, count: words.count)
        for item in 0..<min(items, lists.rowEnd) {
            for word in lists[row: item] { counts[Int(word)] += 1 }
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
        var columns = [Int32](repeating: -1, count: words.count)
        for (column, word) in chosen.enumerated() { columns[word] = Int32(column) }
        names = chosen.map { words[$0] }
        guard columns != self.columns else { return }
        self.columns = columns
        chooseAll()
    }

    func count(_ items: Int, users: (Int) -> Int32) {
        counts = FeatureCounts(
            taken: Array(repeating: 0, count: names.count), kinds: names.map { FeatureKind(of: $0) })
        var taken = [Double](repeating: 0, count: names.count)
        for item in 0..<items {
            let users = users(item)
            guard users > 0 else { continue }
            features.with(row: item) { features in
                counts.share(features) { feature, part in taken[feature] += Double(users) * Double(part) }
            }
        }
        counts = FeatureCounts(taken: taken.map { Float($0) }, kinds: counts.kinds)
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
}
