package import Evaluation

/// What each two models made of the same events, over a moving window and over all time.
///
/// The window moves by blocks of a twentieth of its length, so that its state is a few numbers a pair.
package struct PairedScores: Equatable {
    static let blocksPerWindow = 20

    let models: Int
    private(set) var blockEvents: Int
    /// By pair, see `place`; the first of a pair less the second.
    private(set) var total: [PairedDifferences]
    /// Oldest first; the last one is being filled.
    private(set) var blocks: [[PairedDifferences]]
    private(set) var eventsInBlock = 0

    init(models: Int, windowEvents: Int) {
        self.models = models
        blockEvents = Self.blockEvents(windowEvents)
        total = Array(repeating: PairedDifferences(), count: models * (models - 1) / 2)
        blocks = [total]
    }

    private static func blockEvents(_ windowEvents: Int) -> Int { max(1, windowEvents / blocksPerWindow) }

    private var empty: [PairedDifferences] { Array(repeating: PairedDifferences(), count: total.count) }

    /// Of models `first` < `second`.
    private static func place(_ first: Int, _ second: Int) -> Int { second * (second - 1) / 2 + first }

    /// - Parameter worth: of a model, from 0 to 1; NaN where it has not been put to this event.
    mutating func add(_ worth: (Int) -> Float) {
        for second in 1..<max(1, models) {
            let its = worth(second)
            if its.isNaN { continue }
            for first in 0..<second {
                let difference = Double(worth(first) - its)
                if difference.isNaN { continue }
                total[Self.place(first, second)].add(difference)
                blocks[blocks.count - 1][Self.place(first, second)].add(difference)
            }
        }
    }

    /// Counts an event, whether or not any model was put to it.
    mutating func endEvent() {
        eventsInBlock += 1
        guard eventsInBlock >= blockEvents else { return }
        blocks.append(empty)
        if blocks.count > Self.blocksPerWindow { blocks.removeFirst() }
        eventsInBlock = 0
    }

    /// A window of another length starts empty, as it would after a restart; the total goes on.
    mutating func resize(windowEvents: Int) {
        guard Self.blockEvents(windowEvents) != blockEvents else { return }
        (blockEvents, blocks, eventsInBlock) = (Self.blockEvents(windowEvents), [empty], 0)
    }

    /// Of one model against another.
    package func total(_ model: Int, over other: Int) -> PairedDifferences {
        Self.of(model, other, in: total)
    }

    /// The same over the window.
    package func window(_ model: Int, over other: Int) -> PairedDifferences {
        blocks.reduce(into: PairedDifferences()) { $0 += Self.of(model, other, in: $1) }
    }

    private static func of(_ model: Int, _ other: Int, in sums: [PairedDifferences]) -> PairedDifferences {
        if model == other { return PairedDifferences() }
        return model < other ? sums[place(model, other)] : sums[place(other, model)].reversed
    }
}

extension PairedScores {
    func write(to words: inout WordWriter) {
        words.write(blockEvents)
        words.write(eventsInBlock)
        words.write(blocks.count)
        for sums in [total] + blocks {
            for pair in sums { words.write(pair) }
        }
    }

    /// Takes over what was saved; false where it is malformed.
    ///
    /// - Parameter places: of each model its number in what was saved.
    mutating func restore(_ words: inout WordReader, places: [Int]) -> Bool {
        guard let savedBlockEvents = words.readInt(), let events = words.readInt(),
            let count = words.readInt(), (1...Self.blocksPerWindow).contains(count)
        else { return false }
        var restored: [[PairedDifferences]] = []
        for _ in 0...count {
            var sums: [PairedDifferences] = []
            for _ in total.indices {
                guard let pair = words.readDifferences() else { return false }
                sums.append(pair)
            }
            restored.append(reordered(sums, places))
        }
        total = restored[0]
        guard savedBlockEvents == blockEvents, (0..<blockEvents).contains(events) else { return true }
        blocks = Array(restored.dropFirst())
        eventsInBlock = events
        return true
    }

    private func reordered(_ sums: [PairedDifferences], _ places: [Int]) -> [PairedDifferences] {
        var reordered = empty
        for second in 1..<max(1, models) {
            for first in 0..<second {
                reordered[Self.place(first, second)] = Self.of(places[first], places[second], in: sums)
            }
        }
        return reordered
    }
}
