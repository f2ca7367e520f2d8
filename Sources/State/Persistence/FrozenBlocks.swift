internal import Blending
internal import Checkpoints
internal import Counting
internal import Learners

/// What a model counts of items, of the blocks that have changed, as it was when a checkpoint began: to be put into bytes as
/// it is written. What sketches own is shared until the live ones change.
struct FrozenBlocks: Sendable {
    enum Content: Sendable {
        /// A block each.
        case sketches([[SuccessorSketch]])
        /// Of all items.
        case counts([FadingLogs])
    }

    var model: Int
    /// Ascending.
    var numbers: [Int]
    var content: Content

    /// Blocks that are put into bytes at a time.
    static let perPage = 32

    /// Bytes of the blocks from `place` on, a page of them, under their names.
    func scalars(from place: Int) -> [String: Scalar] {
        var scalars: [String: Scalar] = [:]
        for place in place..<min(numbers.count, place + Self.perPage) {
            switch content {
            case .sketches(let blocks):
                scalars["\(CounterState.prefix)items.\(numbers[place])"] = .blob(
                    CounterState.blob(of: blocks[place]))
            case .counts(let counts):
                scalars["\(BlendState.prefix)items.\(numbers[place])"] = .blob(
                    BlendState.blob(of: counts, block: numbers[place]))
            }
        }
        return scalars
    }

    /// Bytes held beside the live state, but for what it still shares.
    var bytes: Int {
        switch content {
        case .sketches(let blocks): blocks.reduce(0) { $0 + $1.count * MemoryLayout<SuccessorSketch>.stride }
        case .counts(let counts): counts.count * MemoryLayout<FadingLogs>.stride
        }
    }
}
