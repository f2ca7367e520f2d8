internal import Factors
internal import Learners
internal import LiveScores
internal import State

/// One event, interned and ready to be learned.
struct Example {
    enum Kind: UInt8 {
        case rating, signal, retract, hide, unhide
        /// What is said of the user; names no item.
        case describe

        /// Whether models may learn from it.
        var isLearned: Bool { self == .rating || self == .signal }
    }

    var kind: Kind
    var user: Int32
    var item: Int32
    /// The rating, or the signal's weight.
    var value: Float
    /// Milliseconds since 1970.
    var time: Int64
    /// Whether `time` is the event's own rather than the log's.
    var isTimed = false
    /// μ before this event.
    var mean: Float
    /// Whether any rating came before, so that μ means something.
    var meanIsKnown: Bool
    /// Of ratings before this event, and with it.
    var scaleBefore: RatingScale
    var scale: RatingScale
    /// Items known when the event came: negatives are drawn among these, so that what a replay draws does not depend
    /// on how batches were cut.
    var itemBound: Int32
    /// Of a user's description, its place in the segment's `userDescriptions`.
    var reference: Int32 = 0
    var partition: Int32
    var offset: Int64
    /// Counts the events over the whole life of the state.
    var ordinal: Int64 = 0
    /// Where several shards learn, and a user's events may come out of order.
    var place: UserState.Place?

    /// Where the example stands on what the model's popularity fades by: the ordinals of events, or their times.
    @inline(__always)
    func instant(of model: ModelState) -> Int64 { model.decay.isTimed ? time : ordinal }

    /// How much the event alone counts where it is of what is liked.
    var weight: Float { kind == .signal ? value : 1 }

    /// Draws of one purpose; replayed, the event draws the same.
    func random(seed: UInt64) -> KeyedRandom {
        KeyedRandom(
            seed: seed, stream: UInt64(bitPattern: Int64(partition)), index: UInt64(bitPattern: offset))
    }
}

/// Slots for the samples of a segment: one per model and example, each written by the one cell that holds the example.
final class SampleSlots: @unchecked Sendable {
    // Guarded by the schedule: an example stands in one cell, and the engine reads after the last round.
    private let slots: UnsafeMutableBufferPointer<ScoreSample>
    private let examples: Int

    init(models: Int, examples: Int) {
        self.examples = examples
        slots = .allocate(capacity: models * examples)
        slots.initialize(repeating: .notLearned)
    }

    deinit { slots.deallocate() }

    subscript(model: Int, example: Int) -> ScoreSample {
        get { slots[model * examples + example] }
        set { slots[model * examples + example] = newValue }
    }
}
