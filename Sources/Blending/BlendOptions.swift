public import Learners

/// A model that combines others.
public struct BlendOptions: Sendable, Equatable {
    // Half-lives of the blend's own counts of how often items are taken. No array, because a model's options are asked
    // for at every event, and this way nobody counts references to them.
    public var slow = HalfLife.events(20_000)
    public var steady = HalfLife.events(5_000)
    public var brisk = HalfLife.events(1_000)
    public var fast = HalfLife.events(200)
    public var halfLives: [HalfLife] { [slow, steady, brisk, fast] }
    /// Items that each part proposes in a look-up; more where more are asked for.
    public var candidates = 32
    /// Items looked at to learn from an event, beside those that the parts propose.
    public var poolMax = 4_096
    /// Items that an event earns to be looked at, on average: an event is learned from once the pool is earned.
    public var itemsPerEvent = 4.0
    /// Events after which no more is earned than that; before, so much more that the first thousand or so are all learned
    /// from.
    public var eagerEvents = 100_000.0

    public init() {}
}

extension FadingRates {
    public init(_ halfLives: [HalfLife]) {
        self.init(
            halfLives.map { halfLife in
                switch halfLife {
                case .never: (0, 0)
                case .events(let length): (length, 0)
                case .milliseconds(let length): (0, length)
                }
            })
    }
}
