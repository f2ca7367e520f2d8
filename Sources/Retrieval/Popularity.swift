internal import Foundation

/// Two decayed counts of an item, in a form that can be compared at any time: log₂ of what the count would have been at
/// the stream's first event, had it grown backwards (forward decay: Cormode, Shkapenyuk, Srivastava, Xu 2009). All
/// items share the clock, so their order does not depend on it; −∞ for an item that nobody took.
public struct PublishedPopularity: BitwiseCopyable, Sendable, Equatable {
    /// log₂ of the slow count + the ordinal it stood at / its half-life.
    public var popular: Double
    /// The same of the fast count.
    public var trend: Double

    public init(popular: Double, trend: Double) {
        self.popular = popular
        self.trend = trend
    }

    public static let untaken = PublishedPopularity(popular: -.infinity, trend: -.infinity)
}

/// Turns published counts into those of now.
public struct PopularityClock: Sendable, Equatable {
    /// Events so far.
    public var now: Double
    /// In events; 0 never fades.
    public var popularHalfLife: Double
    public var trendHalfLife: Double

    public init(now: Double, popularHalfLife: Double, trendHalfLife: Double) {
        self.now = now
        self.popularHalfLife = popularHalfLife
        self.trendHalfLife = trendHalfLife
    }

    /// log₂ of the slow count now.
    func popularLog(_ item: PublishedPopularity) -> Double {
        popularHalfLife > 0 ? item.popular - now / popularHalfLife : item.popular
    }

    /// The slow count now.
    public func popular(_ item: PublishedPopularity) -> Double { exp2(popularLog(item)) }

    /// log₂ of the fast count now.
    func fastLog(_ item: PublishedPopularity) -> Double { item.trend - now / trendHalfLife }

    /// log₂ of what the fast count is expected to be in the slow one.
    var expectedLog: Double { log2(span(trendHalfLife) / span(popularHalfLife)) }

    /// More than sums of such logarithms lose.
    static let slack = 1e-6

    /// What `PublishedPopularity.trend` has to be above for a trend above `threshold`.
    func leastTrend(above threshold: Float) -> Double {
        threshold > 0 ? log2(Double(threshold)) + now / trendHalfLife - Self.slack : -.infinity
    }

    /// By how much the fast count stands out against the item's own slow one, in about standard deviations:
    /// (fast − expected) / √(expected + 1), where `expected` is what the fast count would be had the item always been
    /// taken at the rate that the slow one tells.
    public func trend(_ item: PublishedPopularity) -> Double {
        let fast = exp2(fastLog(item))
        let expected = popular(item) * span(trendHalfLife) / span(popularHalfLife)
        return (fast - expected) / (expected + 1).squareRoot()
    }

    /// What a count of a steady rate has summed up so far, in events.
    private func span(_ halfLife: Double) -> Double {
        guard halfLife > 0 else { return max(1, now) }
        return halfLife / log(2) * (1 - exp2(-max(1, now) / halfLife))
    }
}

extension IndexView {
    /// The items taken most, by the decayed count, which is the score.
    public func mostPopular(_ limit: Int, clock: PopularityClock, filter: ItemFilter) -> [Candidate] {
        var best = TopItems(limit: limit)
        let columns = columns
        for row in 0..<count {
            // The logarithm is kept apart for the order: a count long faded is 0 as a float32.
            let value = Float(clock.popularLog(columns.popularity[row]))
            if value > best.threshold, value > -.infinity, filter.allows(row) {
                best.offer(Candidate(row: Int32(row), score: value))
            }
        }
        return best.bestFirst().map { Candidate(row: $0.row, score: exp2($0.score)) }
    }

    /// The items that are taken more than their own past would let expect (`PopularityClock.trend`), best first.
    public func trending(_ limit: Int, clock: PopularityClock, filter: ItemFilter) -> [Candidate] {
        var best = TopItems(limit: limit)
        let (columns, ratio) = (columns, clock.expectedLog)
        // A trend is at most the fast count, and above 0 only where that is above what is expected: both can be seen from
        // the logarithms, and few items are left of whom more has to be worked out.
        var least = -Double.infinity
        for row in 0..<count {
            let item = columns.popularity[row]
            guard item.trend > least else { continue }
            guard clock.fastLog(item) > clock.popularLog(item) + ratio - PopularityClock.slack else {
                continue
            }
            let value = Float(clock.trend(item))
            guard value > max(0, best.threshold), value.isFinite, filter.allows(row) else { continue }
            best.offer(Candidate(row: Int32(row), score: value))
            least = clock.leastTrend(above: best.threshold)
        }
        return best.bestFirst()
    }
}
