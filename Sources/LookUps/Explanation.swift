public import Events

/// Why an item is, or is not, among the best ten of a user's recommendations. `score` is the sum of `mean`, `userBias`,
/// `itemBias` and `match`.
public struct Explanation: Sendable, Equatable {
    /// What alone would keep the item out.
    public enum Obstacle: String, Sendable {
        case seen, hidden, unavailable
        /// By the tags or the exclusions asked about.
        case filtered
        /// Ten others that can be recommended come before it.
        case rank
    }

    /// A past item of the user's that speaks for this one.
    public struct Carrier: Sendable, Equatable {
        public var item: EntityID
        public var title: String?
        /// Cosine of the two items' vectors; of a model by alternating least squares, how near they are in the eyes of this
        /// user (s_ij of Hu, Koren, Volinsky 2008).
        public var similarity: Float
        /// What the user gave it: the rating, or what the signals weigh together, faded.
        public var value: Float
        /// What it adds to `match`; only of a model by alternating least squares.
        public var share: Float?

        public init(
            item: EntityID, title: String?, similarity: Float, value: Float, share: Float? = nil
        ) {
            self.item = item
            self.title = title
            self.similarity = similarity
            self.value = value
            self.share = share
        }
    }

    /// The parts of `match` that are no carrier's; with the carriers' shares they add up to it.
    public struct Rest: Sendable, Equatable {
        /// Shares of the user's other items together.
        public var others: Float
        /// What items have moved since the user's row was solved.
        public var drift: Float

        public init(others: Float, drift: Float) {
            self.others = others
            self.drift = drift
        }
    }

    /// What a part of a blend adds to its score.
    public struct Part: Sendable, Equatable {
        public var name: String
        public var share: Float

        public init(name: String, share: Float) { (self.name, self.share) = (name, share) }
    }

    /// What an item's features add to `item-bias` and `match`; shares, base and own add up to the sum of the two.
    public struct Features: Sendable, Equatable {
        /// By how much they add or take, greatest first.
        public var shares: [Part]
        /// What every item that has features begins with.
        public var base: Float
        /// What the item's own events have made of it.
        public var own: Float

        public init(shares: [Part], base: Float, own: Float) {
            (self.shares, self.base, self.own) = (shares, base, own)
        }
    }

    public static let depth = 10
    public static let carriersMax = 5

    public var model: String
    public var score: Float
    /// μ; only of a model that predicts ratings.
    public var mean: Float?
    /// b_u; only of a model that predicts ratings.
    public var userBias: Float?
    /// b_i.
    public var itemBias: Float
    /// p_u·q_i.
    public var match: Float
    /// Among the items that could be recommended, from 1; `nil` where it is none of them.
    public var rank: Int?
    /// The score of the tenth of them, which it would have to pass; `nil` while there are fewer than ten.
    public var topTenScore: Float?
    public var obstacles: [Obstacle]
    /// What the user said of the item, if anything.
    public var seen: UserRecord.Entry?
    /// Most similar first; by their shares, greatest first, where they have them.
    public var carriers: [Carrier]
    /// Only of a model by alternating least squares.
    public var rest: Rest?

    /// Only of a blend; they add up to the score.
    public var parts: [Part]

    /// Of a model that learns rows, where something is known of the item's features.
    public var features: Features?

    /// Of a blend, what each of the item's features adds to the part `tags`, because the user likes it more or less than others
    /// do; greatest first.
    public var tags: [Part] = []

    public var isRecommended: Bool { obstacles.isEmpty }

    public init(
        model: String, score: Float, mean: Float?, userBias: Float?, itemBias: Float, match: Float,
        rank: Int?,
        topTenScore: Float?, obstacles: [Obstacle], seen: UserRecord.Entry?, carriers: [Carrier],
        rest: Rest? = nil, parts: [Part] = []
    ) {
        self.model = model
        self.score = score
        self.mean = mean
        self.userBias = userBias
        self.itemBias = itemBias
        self.match = match
        self.rank = rank
        self.topTenScore = topTenScore
        self.obstacles = obstacles
        self.seen = seen
        self.carriers = carriers
        self.rest = rest
        self.parts = parts
    }
}
