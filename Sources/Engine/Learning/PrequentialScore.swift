internal import Foundation

/// Test, then learn: means over a moving window and over all time of what each event showed before it was learned
/// (Dawid 1984; Gama, Sebastião, Rodrigues 2013).
///
/// The window moves by blocks of a hundredth of its length, so that its state is a few numbers rather than each sample.
struct PrequentialScore: Equatable {
    struct Sums: Equatable {
        var count: Int64 = 0
        var model = 0.0
        var baseline = 0.0

        mutating func add(_ sample: ScoreSample) {
            count += 1
            model += Double(sample.model)
            baseline += Double(sample.baseline)
        }
    }

    static let blocksPerWindow = 100
    private let blockEvents: Int
    /// Oldest first; the last one is being filled.
    private var blocks: [Sums] = [Sums()]
    /// Events that the last block has seen, scored or not.
    private var eventsInBlock = 0
    private(set) var total = Sums()

    init(windowEvents: Int) {
        blockEvents = max(1, windowEvents / Self.blocksPerWindow)
    }

    /// Counts an event that the model learned from; `sample` may say that it was not scored.
    mutating func add(_ sample: ScoreSample) {
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

    var window: Sums {
        blocks.reduce(into: Sums()) { sums, block in
            sums.count += block.count
            sums.model += block.model
            sums.baseline += block.baseline
        }
    }
}

// Little-endian: block length, events in the last block, then count, model sum and baseline sum of the total and of
// each block, 8 bytes each.
extension PrequentialScore {
    var blob: Data {
        var data = Data()
        func append(_ bits: UInt64) { withUnsafeBytes(of: bits.littleEndian) { data.append(contentsOf: $0) } }
        append(UInt64(blockEvents))
        append(UInt64(eventsInBlock))
        for sums in [total] + blocks {
            append(UInt64(bitPattern: sums.count))
            append(sums.model.bitPattern)
            append(sums.baseline.bitPattern)
        }
        return data
    }

    /// Takes the sums over; a window of another length than the one saved starts empty, the total goes on.
    mutating func restore(_ blob: Data) {
        let words = blob.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count - 7, by: 8).map {
                UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt64.self))
            }
        }
        guard words.count >= 8, (words.count - 2) % 3 == 0 else { return }
        let sums = stride(from: 2, to: words.count, by: 3).map { start in
            Sums(
                count: Int64(bitPattern: words[start]), model: Double(bitPattern: words[start + 1]),
                baseline: Double(bitPattern: words[start + 2]))
        }
        total = sums[0]
        guard words[0] == UInt64(blockEvents) else { return }
        eventsInBlock = Int(words[1])
        blocks = Array(sums.dropFirst())
    }
}
