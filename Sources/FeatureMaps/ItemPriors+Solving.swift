package import Factors

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
            let (oldMap, map) = (oldMaps[model], maps[model])
            for item in 0..<items where !before[item].isEmpty || !matrix[item].isEmpty {
                let old = before[item].isEmpty ? nil : oldMap?.row(of: before[item])
                let now = matrix[item].isEmpty ? nil : map?.row(of: matrix[item])
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
            for word in lists[item] { counts[Int(word)] += 1 }
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

    func count(_ items: Int, users: (Int) -> Int32) {
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
        for item in 0..<items { matrix.append(ascending: features(of: item)) }
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
}
