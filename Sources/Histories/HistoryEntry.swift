/// What a user last said of an item.
public struct HistoryEntry: Equatable {
    public enum Kind: UInt32 { case rating = 0, signal = 1 }

    package var item: Int32
    /// The rating, or the signal's weight.
    package var value: Float
    /// Milliseconds since 1970.
    package var time: Int64
    /// Counts up with each entry of this user: recency without trusting clocks.
    package var order: UInt32
    package var kind: Kind
    /// Whether `time` is the event's own rather than the log's: only then it says which of two is newer.
    package var isTimed: Bool

    package init(
        item: Int32, value: Float, time: Int64, order: UInt32, kind: Kind, isTimed: Bool = false
    ) {
        self.item = item
        self.value = value
        self.time = time
        self.order = order
        self.kind = kind
        self.isTimed = isTimed
    }

    /// How much it counts for a model of what is liked: 1 for a rating, the signal's own weight otherwise.
    package var weight: Float { kind == .signal ? value : 1 }
}
