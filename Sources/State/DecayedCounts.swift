internal import Foundation
internal import Learners
package import Retrieval

/// How often an item was taken of late: two counts of positive events that fade with the events that come after, one
/// slowly and one fast. Kept as they stood at the ordinal `at`, so that an item that nobody takes costs nothing.
@usableFromInline
package struct DecayedCounts: BitwiseCopyable, Sendable {
    package var popular: Double = 0
    package var trend: Double = 0
    /// Ordinal of the event that counted last.
    package var at: Int64 = 0

    package init() {}

    package init(popular: Double, trend: Double, at: Int64) {
        (self.popular, self.trend, self.at) = (popular, trend, at)
    }
}

/// How fast counts fade: by half with each half-life, counted in events of whatever kind over the whole stream, so that
/// all items share one clock and a count that nobody touches need not be worked out anew.
package struct PopularityDecay: Sendable, Equatable {
    /// In events; 0 never fades.
    package let popularHalfLife: Double
    /// In events; above 0.
    package let trendHalfLife: Double
    /// The half-lives are in milliseconds, and what is an ordinal elsewhere is the time of an event.
    package let isTimed: Bool

    package init(of model: ModelOptions, state: StateOptions) {
        let (popular, trend) = (state.popularityHalfLifeEvents, state.trendingHalfLifeEvents)
        guard let counter = model.counter, counter.kind == .popular || counter.kind == .trending else {
            (popularHalfLife, trendHalfLife, isTimed) = (popular, trend, false)
            return
        }
        popularHalfLife = counter.halfLife.length
        isTimed = counter.halfLife.isTimed
        // As far from the slow one as it is elsewhere.
        trendHalfLife =
            popularHalfLife > 0 ? popularHalfLife * (popular > 0 ? min(1, trend / popular) : 0.05) : trend
    }

    /// Counts an event of `weight` at `ordinal`. Events of one item may come out of order, when several shards learn.
    package func add(_ weight: Double, at ordinal: Int64, to counts: inout DecayedCounts) {
        let elapsed = Double(ordinal - counts.at)
        if elapsed >= 0 {
            counts.popular = counts.popular * fade(elapsed, popularHalfLife) + weight
            counts.trend = counts.trend * fade(elapsed, trendHalfLife) + weight
            counts.at = ordinal
        } else {
            counts.popular += weight * fade(-elapsed, popularHalfLife)
            counts.trend += weight * fade(-elapsed, trendHalfLife)
        }
    }

    /// What was counted since the counts were `earlier`, as it stands at the counts' own ordinal.
    package func gain(of counts: DecayedCounts, since earlier: DecayedCounts) -> (
        popular: Double, trend: Double
    ) {
        let elapsed = Double(counts.at - earlier.at)
        return (
            counts.popular - earlier.popular * fade(elapsed, popularHalfLife),
            counts.trend - earlier.trend * fade(elapsed, trendHalfLife)
        )
    }

    /// Adds what others have counted, as it stood at `ordinal`.
    package func add(
        _ gain: (popular: Double, trend: Double), at ordinal: Int64, to counts: inout DecayedCounts
    ) {
        let elapsed = Double(ordinal - counts.at)
        if elapsed >= 0 {
            counts.popular = counts.popular * fade(elapsed, popularHalfLife) + gain.popular
            counts.trend = counts.trend * fade(elapsed, trendHalfLife) + gain.trend
            counts.at = ordinal
        } else {
            counts.popular += gain.popular * fade(-elapsed, popularHalfLife)
            counts.trend += gain.trend * fade(-elapsed, trendHalfLife)
        }
        // What was taken back there may never have been counted here.
        counts.popular = max(0, counts.popular)
        counts.trend = max(0, counts.trend)
    }

    /// The slow count as it stands at `ordinal`.
    package func popular(_ counts: DecayedCounts, at ordinal: Int64) -> Double {
        counts.popular * fade(Double(ordinal - counts.at), popularHalfLife)
    }

    /// Of the slow count, without a clock: `published`.
    package func popularLog(_ counts: DecayedCounts) -> Double { published(counts).popular }

    /// As look-ups compare them: without a clock (`PublishedPopularity`).
    package func published(_ counts: DecayedCounts) -> PublishedPopularity {
        let at = Double(counts.at)
        return PublishedPopularity(
            popular: log2(counts.popular) + (popularHalfLife > 0 ? at / popularHalfLife : 0),
            trend: log2(counts.trend) + at / trendHalfLife)
    }

    /// What look-ups need to work out the counts at `ordinal`.
    package func clock(at ordinal: Int64) -> PopularityClock {
        PopularityClock(now: Double(ordinal), popularHalfLife: popularHalfLife, trendHalfLife: trendHalfLife)
    }

    private func fade(_ elapsed: Double, _ halfLife: Double) -> Double {
        halfLife > 0 ? exp2(-elapsed / halfLife) : 1
    }
}
