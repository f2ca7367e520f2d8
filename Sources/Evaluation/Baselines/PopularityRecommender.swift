internal import Foundation

/// Scores an item by the users who liked it, the recent ones more where it decays.
public struct PopularityRecommender: Recommender {
    public let name: String
    private let counts: [Float]

    public var isBaseline: Bool { true }

    /// - Parameter halfLife: positive events after which an event weighs half; 0 for no decay.
    public init(train: [Observation], items: Int, halfLife: Double = 0) {
        name = halfLife > 0 ? "popularity:half-life=\(Int(halfLife))" : "popularity"
        var counts = [Double](repeating: 0, count: items)
        let order = Dataset.timeOrder(train).filter { train[$0].isPositive }
        for (place, index) in order.enumerated() {
            let age = Double(order.count - 1 - place)
            counts[Int(train[index].item)] += halfLife > 0 ? exp2(-age / halfLife) : 1
        }
        self.counts = counts.map(Float.init)
    }

    public func score(user: Int, into scores: UnsafeMutableBufferPointer<Float>) {
        for item in counts.indices { scores[item] = counts[item] }
    }
}
