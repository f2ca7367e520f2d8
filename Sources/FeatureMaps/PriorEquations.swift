internal import Dispatch
internal import Factors
internal import Locking

/// What one solution has found: features, how often what carries each was taken, and by model what each is worth.
struct PriorSolution: Sendable {
    var counts: FeatureCounts
    /// `nil` of a model that learns no rows.
    var maps: [FeatureMap?]

    /// Bytes held.
    var bytes: Int { counts.taken.capacity * 12 + maps.reduce(0) { $0 + ($1?.bytes ?? 0) } }
}

/// All that a solution is made of, as it stood after one event: to be solved wherever there is time.
struct PriorEquations: Sendable {
    let names: [String]
    /// By word: the feature that it is, or −1.
    let columns: [Int32]
    /// Words by item. Shared with the live ones until these change.
    let lists: RowLists
    /// n by item.
    let users: [Int32]
    /// D by item; 0 of one that says nothing.
    let weights: [Float]
    /// By model; `nil` of one that learns no rows.
    let sums: [RowSums?]
    let penalty: Double

    /// - Parameter users: n by item.
    init(
        names: [String], columns: [Int32], lists: RowLists, users: [Int32], tables: [ItemPriors.Table?],
        evidence: Float, penalty: Double
    ) {
        (self.names, self.columns, self.lists) = (names, columns, lists)
        (self.users, self.penalty) = (users, penalty)
        let weights = users.indices.map { item -> Float in
            let count = Float(max(0, users[item]))
            guard count > 0 else { return 0 }
            let isDescribed = lists.with(row: item) { words in
                words.indices.contains { columns[Int(words[$0])] >= 0 }
            }
            return isDescribed ? count / (count + evidence) : 0
        }
        self.weights = weights
        sums = tables.map { table in
            guard let table, !names.isEmpty else { return nil }
            return RowSums(
                table, lists: lists, columns: columns, features: names.count, weights: weights)
        }
    }

    /// Bytes held while it is solved, about.
    var bytes: Int {
        let (order, width) = (names.count, sums.reduce(0) { $0 + ($1?.width ?? 0) })
        // The matrix in double precision and in single.
        return order * (order * 3 / 2 + 4 * width) * MemoryLayout<Double>.stride + users.count * 8
            + lists.bytes
    }

    func solved() -> PriorSolution {
        var solution = PriorSolution(counts: .none, maps: Array(repeating: nil, count: sums.count))
        let (matrix, known) = features()
        solution.counts = counts(matrix, known)
        let solved = sums.indices.filter { sums[$0] != nil }
        guard !solved.isEmpty else { return solution }
        let parts = solved.compactMap { sums[$0] }
        let width = parts.reduce(0) { $0 + $1.width }
        // Of all models side by side, for one factorisation.
        var right: [Double] = []
        right.reserveCapacity(names.count * width)
        for feature in names.indices {
            for part in parts {
                right += part.byFeature[feature * part.width..<(feature + 1) * part.width]
            }
        }
        var options = FeatureRegression.Options()
        options.penalty = penalty
        options.isSingle = true
        let whole = FeatureRegression(options).solve(
            CentredSystem(
                matrix, weights: known.map { weights[$0] }, penalty: penalty,
                targets: parts.flatMap(\.all), right: right))
        var offset = 0
        for (model, part) in zip(solved, parts) {
            solution.maps[model] = whole.part(offset..<offset + part.width)
            offset += part.width
        }
        return solution
    }

    /// X of the items that say something, and which they are.
    private func features() -> (FeatureMatrix, [Int]) {
        let known = weights.indices.filter { weights[$0] > 0 }
        var matrix = FeatureMatrix(columns: names.count)
        matrix.reserve(rows: known.count, features: known.reduce(0) { $0 + lists.range(of: $1).count })
        var list: [Int32] = []
        for item in known {
            list.removeAll(keepingCapacity: true)
            lists.with(row: item) { words in
                for place in words.indices where columns[Int(words[place])] >= 0 {
                    list.append(columns[Int(words[place])])
                }
            }
            list.sort()
            matrix.append(ascending: list.span)
        }
        return (matrix, known)
    }

    private func counts(_ matrix: FeatureMatrix, _ known: [Int]) -> FeatureCounts {
        ItemPriors.counts(of: names) { add in
            for (row, item) in known.enumerated() {
                add(users[item], matrix.features.span.extracting(matrix.range(of: row)))
            }
        }
    }
}

/// A solution that another thread works out; whoever asks for it waits.
final class AwaitedSolution: Sendable {
    private let found: Lock<PriorSolution?>
    private let isThere: DispatchSemaphore
    private let workBytes: Int

    /// It is there already.
    init(_ solution: PriorSolution) {
        (found, isThere, workBytes) = (Lock(solution), DispatchSemaphore(value: 0), 0)
    }

    init(of equations: PriorEquations, on thread: SerialThread) {
        (found, isThere, workBytes) = (Lock(nil), DispatchSemaphore(value: 0), equations.bytes)
        thread.async { [self] in
            let solution = equations.solved()
            found.withLock { $0 = solution }
            isThere.signal()
        }
    }

    /// By one caller at a time.
    var solution: PriorSolution {
        while true {
            if let solution = found.withLock({ $0 }) { return solution }
            isThere.wait()
        }
    }

    /// Bytes held.
    var bytes: Int { found.withLock { $0?.bytes } ?? workBytes }
}
