import Factors
import FeatureMaps
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension FeatureTaste {
    fileprivate func callAsFunction(_ features: [Int32], _ kind: FeatureKind) -> Float {
        self(features.span, kind)
    }
    fileprivate func likenessToLast(_ features: [Int32]) -> Float { likenessToLast(features.span) }
}

@Suite("What somebody likes, by features")
struct FeatureTasteTests {
    private static let names = ["Comedy", "Horror", "decade:1990", "decade:2000"]
    private let counts = FeatureCounts(taken: [30, 10, 20, 20], kinds: names.map { FeatureKind(of: $0) })
    /// By item.
    private let features = {
        var features = RowLists()
        for (row, list) in ([[0], [1], [0, 1], [1, 2], [3], []] as [[Int32]]).enumerated() {
            features.set(list, of: row)
        }
        return features
    }()

    private func taste(_ items: [Int32]) -> FeatureTaste? { counts.taste(items, features: features) }

    @Test("a year's name is told from a tag")
    func kinds() {
        #expect(counts.kinds == [.tag, .tag, .year, .year])
        #expect(TitleYear.names(in: "Toy Story (1995)").allSatisfy { FeatureKind(of: $0) == .year })
    }

    @Test("it is the logarithm of the user's part over everybody's, drawn to that")
    func formula() throws {
        let taste = try #require(self.taste([1, 1, 0]))
        // n = 2 of N = 3, p = (10 + 10) / (40 + 2 × 10), κ = 10.
        let part: Float = 20.0 / 60
        let horror = logf((2 + 10 * part) / (3 + 10) / part)
        #expect(abs(taste([1], .tag) - horror) < 1e-5)
        let comedy = logf((1 + 10 * (1 - part)) / (3 + 10) / (1 - part))
        #expect(abs(taste([0], .tag) - comedy) < 1e-5)
        #expect(abs(taste([0, 1], .tag) - (horror + comedy) / 2) < 1e-5)
        #expect(horror > 0 && comedy < 0)
    }

    @Test("what is liked of tags says nothing of years, and an item without features nothing at all")
    func apart() throws {
        let taste = try #require(self.taste([0, 1, 2]))
        #expect(taste([3], .year) == 0 && taste([], .tag) == 0 && taste([2], .tag) == 0)
        let both = try #require(self.taste([3, 3, 3]))
        #expect(both([2], .year) > 0 && both([3], .year) < 0 && both([1], .tag) > 0)
        #expect(self.taste([5]) == nil && self.taste([]) == nil)
        #expect(FeatureCounts.none.taste([0], features: RowLists()) == nil)
    }

    @Test("the tags of what was taken last are weighed alone, by the same arithmetic")
    func last() throws {
        // The newest comes first.
        let taste = try #require(self.taste([1, 0, 0, 0]))
        let part: Float = 20.0 / 60
        let horror = logf((1 + 10 * part) / (1 + 10) / part)
        let comedy = logf(10.0 / 11)
        #expect(abs(taste.likenessToLast([1]) - horror) < 1e-5)
        #expect(abs(taste.likenessToLast([0]) - comedy) < 1e-5)
        #expect(abs(taste.likenessToLast([0, 1]) - (horror + comedy) / 2) < 1e-5)
        #expect(taste.likenessToLast([2]) == 0 && taste.likenessToLast([]) == 0)
        let shares = taste.shares(([0, 1, 2] as [Int32]).span)
        #expect(abs(shares.reduce(0) { $0 + $1.ofLast } - taste.likenessToLast([0, 1, 2])) < 1e-5)
        // What was taken last has no tag.
        #expect(try #require(self.taste([4, 0])).likenessToLast([0]) == 0)
    }

    @Test("shares of an item's features add up to what it gets")
    func shares() throws {
        let taste = try #require(self.taste([3, 0, 1]))
        let shares = taste.shares(([0, 1, 2] as [Int32]).span)
        for kind in FeatureKind.allCases {
            let sum = shares.filter { $0.kind == kind }.reduce(Float(0)) { $0 + $1.share }
            #expect(abs(sum - taste([0, 1, 2], kind)) < 1e-5)
        }
    }
}
