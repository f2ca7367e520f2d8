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
    /// One event in so many is learned from in the long run.
    public var everyEvents = 1_000.0
    /// Events after which no more than that are; before, so many more that all of the first thousand are.
    public var eagerEvents = 1_000_000.0

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
