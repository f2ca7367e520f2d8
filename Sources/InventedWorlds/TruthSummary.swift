/// The best that any model can reach on a world's stream.
public struct TruthSummary: Sendable {
    /// Of one way to rank.
    public struct Figure: Sendable {
        /// Events that count, and those among them whose item nobody had taken before: a miss for everybody.
        public private(set) var events = 0
        public private(set) var firsts = 0
        private var best = 0.0
        private var hits = 0.0

        /// Expected recall@10 of the oracle.
        public var expected: Double { events > 0 ? best / Double(events) : 0 }
        /// How often what was taken was among its first ten.
        public var reached: Double { events > 0 ? hits / Double(events) : 0 }
        /// Deviation to be expected between the two.
        public var standardError: Double {
            events > 0 ? (expected * (1 - expected) / Double(events)).squareRoot() : 0
        }

        mutating func add(_ standing: ChoiceTruth.Standing) {
            events += 1
            best += standing.best
            if standing.place == nil { firsts += 1 }
            if let place = standing.place, place <= ChoiceTruth.depth { hits += 1 }
        }
    }

    /// Where what a user took may be named again.
    public private(set) var allowed = Figure()
    /// Where it may not, over what was new to its user.
    public private(set) var new = Figure()
    /// Ratings and signals, whether or not they count.
    public private(set) var acts = 0

    public init() {}

    /// A rating or signal of the world.
    public mutating func add(_ truth: ChoiceTruth?) {
        acts += 1
        guard let truth else { return }
        allowed.add(truth.among)
        if let amongNew = truth.amongNew { new.add(amongNew) }
    }
}
