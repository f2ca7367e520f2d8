package import Foundation

/// Test, then learn: means over a moving window and over all time of what each event showed before it was learned
/// (Dawid 1984; Gama, Sebastião, Rodrigues 2013).
///
/// The window moves by blocks of a hundredth of its length, so that its state is a few numbers rather than each sample.
package struct PrequentialScore: Equatable {
    package struct Sums: Equatable {
        package var count: Int64 = 0
        package var model = 0.0
        package var baseline = 0.0
        /// Σ (model − baseline)².
        package var squaredDifferences = 0.0

        package mutating func add(_ sample: ScoreSample) {
            let (model, baseline) = (Double(sample.model), Double(sample.baseline))
            count += 1
            self.model += model
            self.baseline += baseline
            squaredDifferences += (model - baseline) * (model - baseline)
        }

        /// Mean of model − baseline over the same events, and its standard error.
        package var difference: (mean: Double, standardError: Double) {
            guard count > 0 else { return (0, .infinity) }
            let mean = (model - baseline) / Double(count)
            let variance = max(0, squaredDifferences / Double(count) - mean * mean)
            return (mean, (variance / Double(count)).squareRoot())
        }
    }

    package static let blocksPerWindow = 100
    private var blockEvents: Int
    /// Oldest first; the last one is being filled.
    private var blocks: [Sums] = [Sums()]
    /// Events that the last block has seen, scored or not.
    private var eventsInBlock = 0
    package private(set) var total = Sums()

    package init(windowEvents: Int) {
        blockEvents = Self.blockEvents(windowEvents)
    }

    private static func blockEvents(_ windowEvents: Int) -> Int { max(1, windowEvents / blocksPerWindow) }

    /// A window of another length starts empty, as it would after a restart; the total goes on.
    package mutating func resize(windowEvents: Int) {
        guard Self.blockEvents(windowEvents) != blockEvents else { return }
        (blockEvents, blocks, eventsInBlock) = (Self.blockEvents(windowEvents), [Sums()], 0)
    }

    /// Counts an event that the model learned from; `sample` may say that it was not scored.
    package mutating func add(_ sample: ScoreSample) {
        if eventsInBlock == blockEvents {
            blocks.append(Sums())
            if blocks.count > Self.blocksPerWindow { blocks.removeFirst() }
            eventsInBlock = 0
        }
        eventsInBlock += 1
        guard sample.isScored else { return }
        blocks[blocks.count - 1].add(sample)
        total.add(sample)
    }

    package var window: Sums {
        blocks.reduce(into: Sums()) { sums, block in
            sums.count += block.count
            sums.model += block.model
            sums.baseline += block.baseline
            sums.squaredDifferences += block.squaredDifferences
        }
    }
}

extension PrequentialScore.Sums {
    /// Scored events below which no verdict is given.
    package static let verdictEventsMin: Int64 = 500
    /// Standard errors of the paired difference that a model has to lose by.
    package static let verdictErrors = 2.0

    /// Whether the model loses to its baseline by more than noise would explain. A loss once told stands until the
    /// model is level again, so that a difference near the bound is not told over and over.
    ///
    /// - Parameters:
    ///   - lessIsBetter: the samples are errors rather than hits.
    ///   - before: the verdict until now.
    package func loses(lessIsBetter: Bool, before: Bool) -> Bool {
        guard count >= Self.verdictEventsMin else { return false }
        let (mean, error) = difference
        let deficit = lessIsBetter ? mean : -mean
        return deficit > (before ? 0 : Self.verdictErrors * error)
    }
}

// Little-endian, 8 bytes each: the layout, block length, events in the last block, then count, model sum, baseline sum
// and squared differences of the total and of each block. The first layout had neither its number nor the last sum.
extension PrequentialScore {
    /// No block is that long: tells the layout from the first one, which began with the length.
    private static let layout = UInt64.max - 1

    package var blob: Data {
        var data = Data()
        func append(_ bits: UInt64) { withUnsafeBytes(of: bits.littleEndian) { data.append(contentsOf: $0) } }
        append(Self.layout)
        append(UInt64(blockEvents))
        append(UInt64(eventsInBlock))
        for sums in [total] + blocks {
            append(UInt64(bitPattern: sums.count))
            append(sums.model.bitPattern)
            append(sums.baseline.bitPattern)
            append(sums.squaredDifferences.bitPattern)
        }
        return data
    }

    /// Takes the sums over; a window of another length than the one saved starts empty, the total goes on. So does a
    /// window of the first layout, which cannot tell noise from loss.
    ///
    /// - Parameter firstLayout: whether samples of that layout mean what they mean now; recalls were among fewer items.
    package mutating func restore(_ blob: Data, firstLayout: Bool = true) {
        var words = blob.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count - 7, by: 8).map {
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self))
            }
        }
        let isFirstLayout = words.first != Self.layout
        if isFirstLayout, !firstLayout { return }
        if !isFirstLayout { words.removeFirst() }
        let width = isFirstLayout ? 3 : 4
        guard words.count >= 2 + 2 * width, (words.count - 2) % width == 0 else { return }
        let sums = stride(from: 2, to: words.count, by: width).map { start in
            Sums(
                count: Int64(bitPattern: words[start]), model: Double(bitPattern: words[start + 1]),
                baseline: Double(bitPattern: words[start + 2]),
                squaredDifferences: isFirstLayout ? 0 : Double(bitPattern: words[start + 3]))
        }
        total = sums[0]
        guard words[0] == UInt64(blockEvents), !isFirstLayout, words[1] <= words[0] else { return }
        eventsInBlock = Int(words[1])
        blocks = Array(sums.dropFirst())
    }
}
