#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Weights of features, for everybody and, added to these, by context.
///
/// Those for everybody are learned by Newton's method an event at a time: each step goes by the curvature of the events
/// so far, of which the older ones fade (a Kalman filter for a multinomial logit; Fahrmeir 1992). So features need no scale,
/// those that say the same do not disturb one another, and no rate has to be chosen. Those of contexts are many and seldom
/// met, and learned by AdaGrad (Duchi, Hazan, Singer 2011).
public struct BlendWeights: Sendable, Equatable {
    /// Events after which one counts by 1/e.
    static let memory = 1_000.0
    /// Events that the first weights are worth.
    static let firstWorth = 8.0
    /// A typical count of an item that is taken again, as the features have it.
    static let typicalCount = 7.0
    /// No weight moves further in one step.
    static let stepMax = 0.5
    /// AdaGrad's rate, and the squares that it begins with.
    static let contextRate = 0.02
    static let firstSquares = 1.0

    public let features: Int
    public private(set) var values: [Double]
    /// Sum over events, faded; features × features.
    public private(set) var curvature: [Double]
    /// Of contexts: `BlendContext.tables` tables of `BlendContext.buckets` × features.
    public private(set) var contexts: [Double]
    /// Of their slopes, summed.
    public private(set) var squares: [Double]

    public init(first: [Double]) {
        features = first.count
        values = first
        curvature = Array(repeating: 0, count: first.count * first.count)
        contexts = Array(repeating: 0, count: BlendContext.tables * BlendContext.buckets * first.count)
        squares = Array(repeating: Self.firstSquares, count: contexts.count)
    }

    /// `nil` for numbers of another shape.
    public init?(
        features: Int, values: [Double], curvature: [Double], contexts: [Double], squares: [Double]
    ) {
        guard values.count == features, curvature.count == features * features,
            contexts.count == BlendContext.tables * BlendContext.buckets * features,
            squares.count == contexts.count,
            [values, curvature, contexts, squares].allSatisfy({ $0.allSatisfy(\.isFinite) })
        else { return nil }
        self.features = features
        (self.values, self.curvature) = (values, curvature)
        (self.contexts, self.squares) = (contexts, squares)
    }

    /// Numbers kept.
    public var count: Int { values.count + curvature.count + 2 * contexts.count }

    private func starts(of context: BlendContext) -> [Int] {
        [context.gap, context.basket, context.experience].enumerated().map { table, bucket in
            (table * BlendContext.buckets + bucket) * features
        }
    }

    /// What a feature counts in a context.
    public func weights(in context: BlendContext) -> [Float] {
        let starts = starts(of: context)
        return (0..<features).map { feature in
            Float(starts.reduce(values[feature]) { $0 + contexts[$1 + feature] })
        }
    }

    /// Learns from one event.
    public mutating func take(_ step: BlendStep) {
        let keep = 1 - 1 / Self.memory
        for place in curvature.indices { curvature[place] = curvature[place] * keep + step.curvature[place] }
        if let move = move(along: step.slope) {
            let longest = move.reduce(0) { max($0, abs($1)) }
            let scale = longest > Self.stepMax ? Self.stepMax / longest : 1
            for place in values.indices { values[place] += scale * move[place] }
        }
        for start in starts(of: step.context) {
            for (feature, slope) in step.slope.enumerated() {
                squares[start + feature] += slope * slope
                contexts[start + feature] += Self.contextRate * slope / squares[start + feature].squareRoot()
            }
        }
    }

    /// What holds weights back where events say little. The two of having been taken before, a constant and what a count adds
    /// to it, are held back by what they come to at a typical count, and by the latter: each by itself would have to go
    /// far where counts say nothing of what is taken again, and would take tens of thousands of events for it.
    private func addFirstWorth(to matrix: inout [Double]) {
        let (size, typical) = (features, Self.typicalCount)
        for place in 0..<size { matrix[place * size + place] += Self.firstWorth }
        guard size >= 2 else { return }
        let (seen, seenCount) = (size - 2, size - 1)
        matrix[seen * size + seen] += Self.firstWorth * (1 / (typical * typical) - 1)
        matrix[seenCount * size + seen] += Self.firstWorth / typical
        matrix[seenCount * size + seenCount] += Self.firstWorth
    }

    /// The curvature, and what the first weights are worth, divided into the slope (Cholesky).
    private func move(along slope: [Double]) -> [Double]? {
        let size = features
        var (lower, move) = (curvature, slope)
        addFirstWorth(to: &lower)
        for row in 0..<size {
            for column in 0...row {
                var sum = lower[row * size + column]
                for place in 0..<column { sum -= lower[row * size + place] * lower[column * size + place] }
                if row == column {
                    guard sum > 0 else { return nil }
                    lower[row * size + row] = sum.squareRoot()
                } else {
                    lower[row * size + column] = sum / lower[column * size + column]
                }
            }
        }
        for row in 0..<size {
            for place in 0..<row { move[row] -= lower[row * size + place] * move[place] }
            move[row] /= lower[row * size + row]
        }
        for row in (0..<size).reversed() {
            for place in row + 1..<size { move[row] -= lower[place * size + row] * move[place] }
            move[row] /= lower[row * size + row]
        }
        return move.allSatisfy(\.isFinite) ? move : nil
    }
}
