/// What one user said of one item, in row numbers.
public struct Observation: Sendable, Equatable {
    public var user: Int32
    public var item: Int32
    /// The rating, or the signal's weight.
    public var value: Float
    /// Milliseconds since 1970.
    public var time: Int64
    /// A rating, rather than a signal.
    public var isRating: Bool
    /// Taken as liked: what ranking is tested on.
    public var isPositive: Bool

    public init(
        user: Int32, item: Int32, value: Float, time: Int64, isRating: Bool = true, isPositive: Bool
    ) {
        self.user = user
        self.item = item
        self.value = value
        self.time = time
        self.isRating = isRating
        self.isPositive = isPositive
    }
}

/// Observations with at most one for each pair of user and item, in the order of their rows in the input.
public struct Dataset: Sendable {
    /// What was found while the observations were gathered; it belongs into the header of every report.
    public struct Findings: Sendable, Equatable {
        /// Events read.
        public var events = 0
        /// Equal to an earlier event in value and time.
        public var duplicates = 0
        /// Of a pair that had another value or time; the last by time stands.
        public var superseded = 0
        /// Clicks on what the user has rated: the rating stands.
        public var outranked = 0
        /// Taken back by the user, or erased with the user.
        public var retracted = 0
        /// Events whose time is before that of the event in the row above.
        public var backwards = 0
        /// Events without a time; they take that of the row above.
        public var timeless = 0

        public init() {}
    }

    /// Ids by row number.
    public let userIDs: [String]
    public let itemIDs: [String]
    public let observations: [Observation]
    public let findings: Findings

    public init(
        userIDs: [String], itemIDs: [String], observations: [Observation], findings: Findings = Findings()
    ) {
        self.userIDs = userIDs
        self.itemIDs = itemIDs
        self.observations = observations
        self.findings = findings
    }

    public var positives: Int { observations.count { $0.isPositive } }
    public var ratings: Int { observations.count { $0.isRating } }

    /// Indices of the observations in the order of time; rows decide between equal times.
    public static func timeOrder(_ observations: [Observation]) -> [Int] {
        observations.indices.sorted { (observations[$0].time, $0) < (observations[$1].time, $1) }
    }
}
