// Blending: how the scores of several models become one, learned from what users take.
//
// Here live the features of an item, weights and their learning, the standings that decide whose order is served, and
// fading counts of several half-lives. Numbers come in and go out. What never comes in: users, items' ids, events, and
// how a part comes by its numbers.

/// What the numbers of a part are, and so what is made of them.
public enum BlendSource: UInt8, Sendable, Equatable {
    /// The logarithm of a count, above the least that tells anything; 0 where there is none.
    case count
    /// How likely, from 0, which says that the part knows nothing of the item, to 1.
    case chance
    /// Two of these: after the user's last items, and after the last one alone.
    case succession
    /// A score of any size that only ranks, as pairwise learners give it; two of these: by the user's row, and by the rows of what
    /// the user took.
    case ranking
    /// A confidence from 0 to about 1, as least squares give it.
    case preference
    /// A rating, in standard deviations from the mean.
    case rating
    /// How much more than others the user likes what an item is about, a logarithm, 0 where nothing is known; three of these: by
    /// its tags, by its year, and how much it is about what the user took last.
    case liking
    /// 1 where nobody has taken the item and features of it are known. How much the user likes these is for `liking` to say, whose
    /// weight is learned of what is taken: of what is new only what is liked most is ever proposed, and that tells little of its worth.
    case newcomer

    /// Numbers that the part gives, and features that are made of them; the first alone keeps the part's order.
    @inlinable
    @inline(__always)
    public var features: Int {
        switch self {
        case .count, .chance, .preference, .rating, .newcomer: 1
        case .succession, .ranking: 2
        case .liking: 3
        }
    }

    /// Which of the numbers of `liking` says how much an item is about what the user took last.
    public static let likenessToLast = 2
    /// Which of the numbers of `ranking` goes by the rows of what the user took.
    public static let past = 1

    /// What is made of a number.
    @inlinable
    @inline(__always)
    func feature(_ value: Float) -> Float {
        switch self {
        case .count, .ranking, .rating, .liking, .newcomer: value
        case .preference: 6 * value
        case .chance, .succession: Logarithm.of(1 + value * 1_000)
        }
    }

    /// Where learning starts.
    var firstWeights: [Double] {
        switch self {
        case .count: [0.15]
        case .chance: [0.7]
        case .succession: [0.6, 0.2]
        case .ranking: [0.3, 0.1]
        case .preference: [0.5]
        case .rating: [0]
        case .liking: [0.5, 0.1, 0.1]
        case .newcomer: [1]
        }
    }
}

/// What a blend is made of: parts, and the features that come of them.
public struct BlendShape: Sendable, Equatable {
    public struct Part: Sendable, Equatable {
        /// As `EXPLAIN` shows it.
        public var name: String
        public var source: BlendSource

        public init(name: String, source: BlendSource) { (self.name, self.source) = (name, source) }
    }

    public let parts: [Part]
    /// Of each part, where its features begin.
    public let starts: [Int]
    /// Of all parts, and two for an item that the user took before.
    public let features: Int
    /// 1 for such an item.
    public var seenFeature: Int { features - 2 }
    /// For such an item what the first part gives: how much is taken by everybody says less of what somebody takes again than of
    /// what somebody takes for the first time.
    public var seenCountFeature: Int { features - 1 }

    public init(parts: [Part]) {
        self.parts = parts
        var (starts, next): ([Int], Int) = ([], 0)
        for part in parts {
            starts.append(next)
            next += part.source.features
        }
        (self.starts, features) = (starts, next + 2)
    }

    /// Weights that learning starts with.
    public var firstWeights: [Double] { parts.flatMap(\.source.firstWeights) + [0, 0] }

    /// What a part's number of an item adds to its score.
    @inline(__always)
    public func share(_ part: Int, _ number: Int = 0, of value: Float, _ weights: [Float]) -> Float {
        value == 0 ? 0 : weights[starts[part] + number] * parts[part].source.feature(value)
    }

    /// Of a part that ranks by rows, how much the rows of what the user took count where the user's own counts 1: so
    /// that what the part proposes is what it adds most to.
    public func pastRatio(_ part: Int, _ weights: [Float]) -> Float {
        guard parts[part].source == .ranking else { return 0 }
        let (own, past) = (weights[starts[part]], weights[starts[part] + BlendSource.past])
        guard past > 0 else { return 0 }
        return own * Self.pastRatioMax > past ? past / own : Self.pastRatioMax
    }

    private static let pastRatioMax: Float = 20

    /// Weights of one part's own order; what it knows nothing of comes in the order of the first part.
    public func weights(of part: Int) -> [Float] {
        var weights = [Float](repeating: 0, count: features)
        weights[0] = part == 0 ? 1 : 1e-3
        weights[starts[part]] = 1
        return weights
    }
}

/// When somebody asks: weights differ by it.
public struct BlendContext: Sendable, Equatable {
    static let buckets = 8
    static let tables = 3
    /// Of how long ago the user's last event is, of how many items the user took at this very time, and of how many in all;
    /// each is a bucket of a table of its own.
    let gap: Int
    let basket: Int
    let experience: Int

    /// - Parameters:
    ///   - events: items that the user has taken.
    ///   - gap: milliseconds since the user's last event; `nil` where there is none, or where events have no times.
    ///   - together: items that the user took at this very time.
    public init(events: Int, gap: Int64?, together: Int) {
        func bucket(_ count: Int) -> Int { min(7, Int.bitWidth - count.leadingZeroBitCount) }
        experience = bucket(events / 2)
        let bounds: [Int64] = [30_000, 300_000, 1_800_000, 21_600_000, 86_400_000, 604_800_000]
        self.gap = gap.map { gap in 1 + bounds.count { gap >= $0 } } ?? 0
        basket = gap == nil ? 0 : bucket(together)
    }

    init(gap: Int, basket: Int, experience: Int) {
        (self.gap, self.basket, self.experience) = (gap, basket, experience)
    }
}

/// The features of items, one row a feature: `features` × `count`.
public struct BlendFeatures: Sendable {
    public let shape: BlendShape
    public let count: Int
    /// Row-major.
    public var values: [Float] { numbers }
    @usableFromInline var numbers: [Float]

    public init(shape: BlendShape, count: Int) {
        (self.shape, self.count) = (shape, count)
        numbers = [Float](repeating: 0, count: shape.features * count)
    }

    /// What the part gives to the item at `place`; the second `number` where it gives two. A part that gives no number
    /// says nothing of the item: else it would silence all others.
    @inlinable
    @inline(__always)
    public mutating func set(_ part: Int, _ number: Int = 0, at place: Int, _ value: Float) {
        guard value != 0, value.isFinite else { return }
        numbers[(shape.starts[part] + number) * count + place] = shape.parts[part].source.feature(value)
    }

    /// What the part gives to all items, asked one after the other; the second `number` where it gives two.
    @inlinable
    @inline(__always)
    public mutating func fill(_ part: Int, _ number: Int = 0, _ value: (Int) -> Float) {
        let (source, start, count) = (shape.parts[part].source, (shape.starts[part] + number) * count, count)
        numbers.withUnsafeMutableBufferPointer { values in
            for place in 0..<count {
                let value = value(place)
                if value != 0, value.isFinite { values[start + place] = source.feature(value) }
            }
        }
    }

    /// What the first parts, as many as `counts`, give to all items, asked one after the other.
    @inlinable
    @inline(__always)
    public mutating func fill(first counts: Int, _ value: (Int) -> SIMD4<Float>) {
        let count = count
        precondition(shape.starts.prefix(counts).enumerated().allSatisfy { $0 == $1 })
        precondition(shape.parts.prefix(counts).allSatisfy { $0.source == .count })
        numbers.withUnsafeMutableBufferPointer { values in
            for place in 0..<count {
                // Of counts the number itself is the feature.
                let value = value(place)
                for part in 0..<counts { values[part * count + place] = value[part] }
            }
        }
    }

    /// Once the first part has given its number.
    @inlinable
    @inline(__always)
    public mutating func setSeen(at place: Int) {
        numbers[shape.seenFeature * count + place] = 1
        numbers[shape.seenCountFeature * count + place] = numbers[place]
    }

    /// Σ weight × feature of all items.
    public func scores(_ weights: [Float]) -> [Float] {
        precondition(weights.count == shape.features)
        var scores = [Float](repeating: 0, count: count)
        scores.withUnsafeMutableBufferPointer { scores in
            numbers.withUnsafeBufferPointer { values in
                for (feature, weight) in weights.enumerated() where weight != 0 {
                    let start = feature * count
                    for place in 0..<count { scores[place] += weight * values[start + place] }
                }
            }
        }
        return scores
    }

    /// What each part, and at last having been taken, adds to the score of the item at `place`.
    public func shares(_ weights: [Float], at place: Int) -> [Float] {
        var shares: [Float] = []
        for (part, start) in shape.starts.enumerated() {
            var share: Float = 0
            for feature in start..<start + shape.parts[part].source.features {
                share += weights[feature] * numbers[feature * count + place]
            }
            shares.append(share)
        }
        let seen = [shape.seenFeature, shape.seenCountFeature]
        return shares + [seen.reduce(0) { $0 + weights[$1] * numbers[$1 * count + place] }]
    }
}
