/// Whose order is served: that of the learned weights, that of the first ones, or that of one part. All are tried on the
/// same events, each before it is learned, and the one that leads is followed (follow the leader; Kalai and Vempala
/// 2005), the learned one where the lead is within noise. So a blend never stays behind its best part for longer than it
/// takes to notice.
public struct BlendStandings: Sendable, Equatable {
    /// Events after which one counts by 1/e.
    static let memory = 2_000.0
    /// Events below which nobody is followed but the first weights.
    static let eventsMin = 20.0
    /// Standard errors by which another has to lead.
    static let lead = 0.5

    /// The learned weights, the first ones, then a part each.
    public static let learned = 0
    public static let first = 1
    public static func part(_ number: Int) -> Int { 2 + number }

    /// Events, and of each order hits, hits more than the learned one, and the squares of these; all faded.
    public private(set) var events = 0.0
    public private(set) var hits: [Double]
    public private(set) var leads: [Double]
    public private(set) var squares: [Double]

    public init(parts: Int) {
        hits = Array(repeating: 0, count: 2 + parts)
        (leads, squares) = (hits, hits)
    }

    /// `nil` for numbers of another shape.
    public init?(parts: Int, events: Double, hits: [Double], leads: [Double], squares: [Double]) {
        let all = [hits, leads, squares]
        guard events.isFinite, all.allSatisfy({ $0.count == 2 + parts && $0.allSatisfy(\.isFinite) }) else {
            return nil
        }
        (self.events, self.hits, self.leads, self.squares) = (events, hits, leads, squares)
    }

    public mutating func take(_ found: [Float]) {
        let keep = 1 - 1 / Self.memory
        events = events * keep + 1
        for order in hits.indices {
            let lead = Double(found[order] - found[Self.learned])
            hits[order] = hits[order] * keep + Double(found[order])
            leads[order] = leads[order] * keep + lead
            squares[order] = squares[order] * keep + lead * lead
        }
    }

    /// Part of the events on which an order had the item among its first ten.
    public func recall(_ order: Int) -> Double { events > 0 ? hits[order] / events : 0 }

    /// Whose order is served.
    public var leader: Int {
        guard events >= Self.eventsMin else { return Self.first }
        var best = Self.learned
        for order in hits.indices where leads[order] > leads[best] { best = order }
        guard best != Self.learned else { return best }
        let lead = leads[best] / events
        let error = (max(0, squares[best] / events - lead * lead) / events).squareRoot()
        return lead > Self.lead * error ? best : Self.learned
    }
}
