internal import Factors

extension ItemPriors {
    /// Sums up all models' rows as they stand after the event of this ordinal, and lets another thread solve the maps, by one
    /// factorisation. Nothing may be pending: rows that have not moved yet are moved before.
    ///
    /// - Parameters:
    ///   - tables: by model; `nil` of one that learns no rows.
    ///   - items: rows of each.
    ///   - users: n by item row.
    package func begin(after ordinal: Int64, _ tables: [Table?], items: Int, users: (Int) -> Int32) {
        precondition(pending == nil, "rows stand on two solutions already")
        forgetUnused()
        let (names, columns) = chosenFeatures()
        let equations = PriorEquations(
            names: names, columns: columns, lists: lists, users: (0..<items).map(users), tables: tables,
            evidence: options.evidence, penalty: options.penalty)
        pending = PendingPriors(
            schedule(begun: ordinal), names: names, columns: columns,
            areSameFeatures: names == self.names,
            awaited: AwaitedSolution(of: equations, on: solvingThread()), portionMin: options.portionMin)
        isUnsaved = true
    }

    /// Moves the rows that are to have moved once the event of this ordinal is learned. With the last of them the maps are
    /// the new ones.
    ///
    /// - Parameters:
    ///   - tables: as above, of rows as they stand now.
    ///   - moved: called with model and row for each row that has changed, and the vector and bias that it had.
    package func move(
        upTo ordinal: Int64, _ tables: [Table?], items: Int, users: (Int) -> Int32,
        moved: (_ model: Int, _ row: Int, _ before: [Float], _ bias: Float) -> Void
    ) {
        guard let start = pending?.schedule.start, ordinal >= start else { return }
        isUnsaved = true
        if pending?.end == nil { pending?.startMoving(to: items, from: maps) }
        guard let first = pending?.moved, let end = pending?.end,
            let last = pending?.rows(movedBy: ordinal)
        else { return }
        if last > first {
            pending?.move(to: last, lists: lists)
            moveRows(first..<last, tables, users: users, moved: moved)
        }
        if last == end { settle() }
    }

    private func moveRows(
        _ rows: Range<Int>, _ tables: [Table?], users: (Int) -> Int32,
        moved: (_ model: Int, _ row: Int, _ before: [Float], _ bias: Float) -> Void
    ) {
        guard let pending else { return }
        let solution = pending.awaited.solution
        for (model, table) in tables.enumerated() {
            guard let table else { continue }
            let move = PriorMove(
                before: (maps[model], features),
                now: (solution.maps[model], pending.areSameFeatures ? features : pending.features),
                change: pending.changes.isEmpty ? nil : pending.changes[model],
                evidence: options.evidence, normMax: options.normMax)
            move.rows(rows, of: table, users: users) { moved(model, $0, $1, $2) }
        }
    }

    /// All rows stand on what came next.
    private func settle() {
        guard let pending else { return }
        self.pending = nil
        let solution = pending.awaited.solution
        (names, counts, maps) = (pending.names, solution.counts, solution.maps)
        solutions += 1
        guard !pending.areSameFeatures else { return }
        (columns, features) = (pending.columns, pending.features)
    }

    /// All of it at once.
    package func solve(
        _ tables: [Table?], users: (Int) -> Int32,
        moved: (_ model: Int, _ row: Int, _ before: [Float], _ bias: Float) -> Void
    ) {
        let items = tables.lazy.compactMap { $0?.rows.count }.min() ?? lists.rowEnd
        move(upTo: .max, tables, items: items, users: users, moved: moved)
        begin(after: 1, tables, items: items, users: users)
        move(upTo: .max, tables, items: items, users: users, moved: moved)
    }

    // MARK: - Features

    /// Words that no item has any more make room, but for those that the maps know.
    private func forgetUnused() {
        func isUsed(_ word: Int) -> Bool { carriers[word] > 0 || columns[word] >= 0 }
        guard words.indices.count(where: { !isUsed($0) }) > words.count / 2 else { return }
        var numbers = [Int32](repeating: -1, count: words.count)
        var (kept, keptColumns, keptCarriers): ([String], [Int32], [Int32]) = ([], [], [])
        for (number, word) in words.enumerated() where isUsed(number) {
            numbers[number] = Int32(kept.count)
            kept.append(word)
            keptColumns.append(columns[number])
            keptCarriers.append(carriers[number])
        }
        let before = lists
        lists.replaceAll { row, list in for word in before[row: row] { list.append(numbers[Int(word)]) } }
        (words, columns, carriers) = (kept, keptColumns, keptCarriers)
        vocabulary = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, Int32($0)) })
    }

    /// The words on enough items are the features, in the order of their bytes.
    private func chosenFeatures() -> (names: [String], columns: [Int32]) {
        var chosen = carriers.indices.filter { carriers[$0] >= options.itemsMin }
        func precedes(_ left: Int, _ right: Int) -> Bool {
            words[left].utf8.lexicographicallyPrecedes(words[right].utf8)
        }
        if chosen.count > options.featuresMax {
            chosen.sort {
                carriers[$0] != carriers[$1] ? carriers[$0] > carriers[$1] : precedes($0, $1)
            }
            chosen.removeLast(chosen.count - options.featuresMax)
        }
        // As a rule they are those of before, and ordered.
        if chosen.count == names.count, chosen.allSatisfy({ self.columns[$0] >= 0 }) {
            return (names, self.columns)
        }
        chosen.sort(by: precedes)
        var columns = [Int32](repeating: -1, count: words.count)
        for (column, word) in chosen.enumerated() { columns[word] = Int32(column) }
        return (chosen.map { words[$0] }, columns)
    }

    /// How often what carries each feature was taken.
    ///
    /// - Parameter each: calls what it is given with n and the features of each item that somebody has taken.
    static func counts(
        of names: [String], _ each: ((_ users: Int32, _ features: Span<Int32>) -> Void) -> Void
    ) -> FeatureCounts {
        let none = FeatureCounts(
            taken: Array(repeating: 0, count: names.count), kinds: names.map { FeatureKind(of: $0) })
        var taken = [Double](repeating: 0, count: names.count)
        each { users, features in
            none.share(features) { feature, part in taken[feature] += Double(users) * Double(part) }
        }
        return FeatureCounts(taken: taken.map { Float($0) }, kinds: none.kinds)
    }
}
