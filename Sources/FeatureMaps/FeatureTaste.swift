package import Factors

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What a feature is of. What is liked of one kind says nothing of the other, and an item has more of some than of others.
package enum FeatureKind: Int, CaseIterable, Sendable {
    case tag, year

    package init(of name: String) { self = TitleYear.isName(name) ? .year : .tag }
}

/// How often what carries each feature is taken, over all users; each taking is shared evenly by those features of its item that
/// are of one kind.
package struct FeatureCounts: Sendable, Equatable {
    /// By number of the feature.
    package let taken: [Float]
    package let kinds: [FeatureKind]
    /// κ · p by feature, p the part of all takings: as much as somebody has to have taken of it to like it twice as much as
    /// others do.
    private let expected: [Float]

    /// κ: takings of all users that each user is believed to have made before the first of their own.
    static let evidence: Float = 10
    /// Takings that each feature is believed to have had: of what few have taken nobody knows how rare it is.
    private static let least: Float = 10

    package static let none = FeatureCounts(taken: [], kinds: [])

    package init(taken: [Float], kinds: [FeatureKind]) {
        precondition(taken.count == kinds.count)
        (self.taken, self.kinds) = (taken, kinds)
        var all = FeatureKind.allCases.map { _ in 0.0 }
        for (count, kind) in zip(taken, kinds) { all[kind.rawValue] += Double(count + Self.least) }
        expected = zip(taken, kinds).map { count, kind in
            Float(Double(Self.evidence) * Double(count + Self.least) / all[kind.rawValue])
        }
    }

    package var isFinite: Bool { taken.allSatisfy { $0.isFinite && $0 >= 0 } }

    /// Calls `body` with each feature and the part that it has in a taking.
    func share(_ features: Span<Int32>, _ body: (Int, Float) -> Void) {
        var years = 0
        for place in features.indices where kinds[Int(features[place])] == .year { years += 1 }
        for place in features.indices {
            let feature = Int(features[place])
            body(feature, 1 / Float(kinds[feature] == .year ? years : features.count - years))
        }
    }

    /// What somebody likes.
    ///
    /// - Parameters:
    ///   - items: what was taken and liked, the newest first.
    ///   - features: by item, numbers below `taken.count`.
    /// - Returns: `nil` where nothing that was taken has any feature.
    package func taste(_ items: some Sequence<Int32>, features: RowLists) -> FeatureTaste? {
        var own = [Float](repeating: 0, count: taken.count)
        var all = FeatureKind.allCases.map { _ in 0 as Float }
        var last: FeatureTaste.Last?
        for item in items {
            features.with(row: Int(item)) { carried in
                if last == nil { last = self.last(carried) }
                share(carried) { feature, part in
                    own[feature] += part
                    all[kinds[feature].rawValue] += part
                }
            }
        }
        guard all.contains(where: { $0 > 0 }) else { return nil }
        for feature in own.indices where own[feature] > 0 {
            own[feature] = logf(1 + own[feature] / expected[feature])
        }
        return FeatureTaste(
            bases: all.map { logf(Self.evidence / (Self.evidence + $0)) }, likings: own, last: last,
            counts: self)
    }

    /// The same arithmetic of one item's tags alone.
    private func last(_ features: Span<Int32>) -> FeatureTaste.Last {
        var last = FeatureTaste.Last(base: logf(Self.evidence / (Self.evidence + 1)))
        share(features) { feature, part in
            guard kinds[feature] == .tag else { return }
            last.likings.append((feature, logf(1 + part / expected[feature])))
        }
        return last
    }
}

/// How much more somebody likes each feature than others do.
///
/// Of a feature it is ln((n + κp) / (N + κ) / p): the user's part of n of N takings against everybody's p, drawn to it by κ; of
/// an item the mean over its features of a kind. What is of the user's taste is above 0, what is of others' below.
package struct FeatureTaste: Sendable {
    /// By kind, of a feature that the user never took.
    private let bases: [Float]
    /// By feature what is added to that.
    private let likings: [Float]
    /// What the tags of what was taken last say alone.
    private let last: Last?
    private let counts: FeatureCounts

    fileprivate struct Last {
        var base: Float
        var likings: [(feature: Int, liking: Float)] = []

        func liking(of feature: Int) -> Float { likings.first { $0.feature == feature }?.liking ?? 0 }
    }

    fileprivate init(bases: [Float], likings: [Float], last: Last?, counts: FeatureCounts) {
        (self.bases, self.likings, self.last, self.counts) = (bases, likings, last, counts)
    }

    /// What each feature of an item gives to the sum of its kind, and to `likenessToLast`.
    package func shares(
        _ features: Span<Int32>
    ) -> [(feature: Int, kind: FeatureKind, share: Float, ofLast: Float)] {
        var shares: [(feature: Int, kind: FeatureKind, share: Float, ofLast: Float)] = []
        counts.share(features) { feature, part in
            let kind = counts.kinds[feature]
            var ofLast: Float = 0
            if kind == .tag, let last, !last.likings.isEmpty {
                ofLast = part * (last.base + last.liking(of: feature))
            }
            shares.append((feature, kind, part * (bases[kind.rawValue] + likings[feature]), ofLast))
        }
        return shares
    }

    /// How much an item is about what the newest one that was taken is about: somebody who has just begun with a thing often
    /// goes on with it, whatever they like otherwise. 0 where either has no tags.
    package func likenessToLast(_ features: Span<Int32>) -> Float {
        guard let last, !last.likings.isEmpty else { return 0 }
        var (sum, count): (Float, Float) = (0, 0)
        for place in features.indices where counts.kinds[Int(features[place])] == .tag {
            sum += last.liking(of: Int(features[place]))
            count += 1
        }
        return count > 0 ? last.base + sum / count : 0
    }

    /// Of an item; 0 of one without features of the kind.
    package func callAsFunction(_ features: Span<Int32>, _ kind: FeatureKind) -> Float {
        var (sum, count): (Float, Float) = (0, 0)
        for place in features.indices where counts.kinds[Int(features[place])] == kind {
            sum += likings[Int(features[place])]
            count += 1
        }
        return count > 0 ? bases[kind.rawValue] + sum / count : 0
    }
}
