package import Events

/// A model became the default. As JSON in the state's file, for people who look into it.
package struct Promotion: Sendable, Equatable, Codable {
    /// The lead for which it was promoted, over the stretch of events that showed it best.
    package struct Lead: Sendable, Equatable, Codable {
        package var measure: String
        /// In the unit of the measure.
        package var lead: Double
        package var margin: Double
        package var events: Int64
        /// How many times likelier the events are made by a lead above the margin than by none, and how many were needed.
        package var evidence: Double
        package var evidenceNeeded: Double
    }

    package var model: String
    /// The default before.
    package var over: String
    package var partition: Int32
    package var offset: Int64
    /// Counts the events over the whole life of the state.
    package var ordinal: Int64
    /// `nil`: `PROMOTE` asked for it.
    package var lead: Lead?

    /// Of the event with or after which it happened.
    package var token: Token { Token(partition: partition, offset: offset) }

    package var because: String {
        guard let lead else { return "PROMOTE asked for it" }
        return
            "\(lead.measure) higher by \(Self.rounded(lead.lead)) than that of \(over), by more than \(lead.margin) for sure, "
            + "over \(lead.events) events (evidence \(Self.rounded(lead.evidence)), needed "
            + "\(Self.rounded(lead.evidenceNeeded)))"
    }

    /// Four decimals, as many as a recall over ten thousand events has.
    private static func rounded(_ value: Double) -> String {
        "\((value * 10_000).rounded() / 10_000)"
    }
}
