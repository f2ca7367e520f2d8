public import Factors

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Draws items that a user has not taken, to be ranked below those that the user took.
///
/// Uniformly, or by popularity: in proportion to (1 + count)^power, as nearly as `candidatesPerDraw` uniform draws
/// allow of which one is kept by its weight (sampling importance resampling, Rubin 1987). That takes no table of
/// cumulated counts, which a stream would change with each event, costs the same however skewed the counts are, and
/// depends on the counts, the key and nothing else: an event replayed on the same state draws the same negatives.
public struct NegativeSampler: Sendable, Equatable {
    /// 0 draws uniformly, 1 by the counts as they are.
    public var popularityPower: Float = 0
    /// Uniform draws behind one draw by popularity: more come nearer to the power and cost more.
    public var candidatesPerDraw: Int = 8
    /// Uniform draws that may hit what is not allowed before none is returned (a user who has seen nearly everything).
    public var triesMax: Int = 32

    public init() {}

    public init(popularityPower: Float) { self.popularityPower = popularityPower }

    /// An item of `pool`, or `nil` where none was found within the bounded number of draws.
    ///
    /// - Parameters:
    ///   - count: how often an item was taken. Asked only where popularity counts.
    ///   - isAllowed: false for what the user has seen. Asked of the one candidate that is kept: it costs a search.
    @inlinable
    @inline(__always)
    public func draw(
        from pool: RowPool, random: inout KeyedRandom, count: (Int) -> Int, isAllowed: (Int) -> Bool
    ) -> Int? {
        guard !pool.isEmpty else { return nil }
        let tries = triesMax * pool.triesFactor
        if popularityPower == 0 { return drawUniformly(pool, tries, &random, isAllowed) }
        for _ in 0..<Self.keptMax {
            guard let kept = drawByPopularity(pool, tries, &random, count) else { return nil }
            if isAllowed(kept) { return kept }
        }
        // Who has seen what is popular is left with the rest.
        return drawUniformly(pool, tries, &random, isAllowed)
    }

    /// Items kept by popularity that may turn out not to be allowed.
    @inlinable static var keptMax: Int { 8 }

    @inlinable
    @inline(__always)
    func drawByPopularity(
        _ pool: RowPool, _ tries: Int, _ random: inout KeyedRandom, _ count: (Int) -> Int
    ) -> Int? {
        var (kept, weights): (Int?, Float) = (nil, 0)
        // A candidate replaces the one kept with probability weight / sum of weights, so each is kept in proportion.
        for _ in 0..<max(1, candidatesPerDraw) {
            guard let candidate = drawUniformly(pool, tries, &random, { _ in true }) else { break }
            let weight = weight(count: count(candidate))
            weights += weight
            if Float(random.nextUnit()) * weights < weight || kept == nil { kept = candidate }
        }
        return kept
    }

    @inlinable
    @inline(__always)
    func drawUniformly(
        _ pool: RowPool, _ tries: Int, _ random: inout KeyedRandom, _ isAllowed: (Int) -> Bool
    ) -> Int? {
        for _ in 0..<tries {
            if let item = pool.draw(&random), isAllowed(item) { return item }
        }
        return nil
    }

    @usableFromInline
    func weight(count: Int) -> Float {
        let base = Float(1 + max(0, count))
        // The powers that are used most cost no call.
        if popularityPower == 0.5 { return base.squareRoot() }
        return popularityPower == 1 ? base : pow(base, popularityPower)
    }
}
