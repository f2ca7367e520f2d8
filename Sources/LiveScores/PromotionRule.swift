/// When a better model becomes the default by itself.
public struct PromotionRule: Sendable, Equatable {
    /// The lead that a model must have more than, in the unit of the measure.
    public var margin = 0.005
    /// The probability, of each default, that any model without such a lead ever takes its place.
    public var error = 0.01

    /// Ratings and signals after which it is looked whether any model leads enough: counted, so that every replay of a
    /// log promotes at the same place.
    package static let eventsPerLook = 1_000

    public init() {}
}
