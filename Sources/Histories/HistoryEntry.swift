/// What a user said of an item and did with it.
///
/// A rating is an opinion: the newest stands, alone. Signals add up (`SignalTally`), and are kept beside it.
public struct HistoryEntry: Equatable {
    public enum Kind: UInt32 { case rating = 0, signal = 1 }

    @usableFromInline package var item: Int32
    /// The rating where one stands, else the weight of the strongest signal.
    @usableFromInline package var value: Float
    /// Milliseconds since 1970: of the rating where one stands, else of the last signal.
    package var time: Int64
    /// Counts up with each entry of this user: recency without trusting clocks.
    package var order: UInt32
    @usableFromInline package var kind: Kind
    /// Whether `time` is the event's own rather than the log's: only then it says which of two is newer.
    package var isTimed: Bool
    /// `nil` where the rest says it all: one signal, or a rating and no signal.
    @usableFromInline package var tally: SignalTally?

    package init(
        item: Int32, value: Float, time: Int64, order: UInt32, kind: Kind, isTimed: Bool = false,
        tally: SignalTally? = nil
    ) {
        self.item = item
        self.value = value
        self.time = time
        self.order = order
        self.kind = kind
        self.isTimed = isTimed
        self.tally = tally
    }

    /// Signals of an entry that has no tally.
    @inline(__always)
    var countWithoutTally: UInt16 { kind == .signal ? 1 : 0 }

    /// All signals on the item; `nil` where there was none.
    package var signals: SignalTally? {
        if let tally { return tally }
        guard kind == .signal else { return nil }
        let second = SignalTally.seconds(time)
        return SignalTally(count: 1, weight: value, faded: value, first: second, last: second)
    }

    /// What the signals weigh together, faded: as it stood at the last of them.
    @inlinable
    @inline(__always)
    package var signalWeight: Float { tally?.faded ?? (kind == .signal ? value : 0) }

    /// When the user last came to the item, in milliseconds since 1970; of a signal on a rated item to the second.
    @inline(__always)
    package var lastTime: Int64 {
        guard kind == .rating, let tally else { return time }
        return max(time, tally.lastTime)
    }
}
