/// How often an item was taken of late: two counts of positive events that fade with the events that come after, one
/// slowly and one fast. Kept as they stood at the ordinal `at`, so that an item that nobody takes costs nothing.
struct DecayedCounts: BitwiseCopyable, Sendable {
    var popular: Float = 0
    var trend: Float = 0
    /// Ordinal of the event that counted last.
    var at: Int64 = 0
}
