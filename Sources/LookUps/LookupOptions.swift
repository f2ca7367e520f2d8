public import State

/// What look-ups are answered by where a query does not say. Validated by the configuration.
public struct LookupOptions: Sendable {
    /// What a rating may be: the weights that a session may give to a model of ratings.
    public var ratings: ClosedRange<Double> = 0...100

    /// Whether what a user took may be answered, where a query does not say.
    public var seen = SeenRule.exclude

    public init() {}
}
