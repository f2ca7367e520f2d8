internal import Foundation

/// Evidence that one model leads another by more than a margin, which may be looked at as often as one likes: where it
/// does not lead by more at any event, given those before, the evidence ever reaches 1/α with probability α at most.
///
/// It is a mixture of the same test begun at each block of events (`ExponentialMixture`): a lead that shows after millions
/// of events without one is found about as soon as one that was there from the first. The n-th beginning has the weight
/// 1/(n (n + 1)), so that all together weigh 1, begun or not; what is let go only makes the sum smaller. Kept are the first
/// beginning and, of those 2^k blocks apart, the last two for each k: a few dozen after millions of blocks.
public struct LeadTest: Sendable, Equatable {
    /// What came since a block began.
    public struct Stretch: Sendable, Equatable {
        public var firstBlock: Int
        public var sums: PairedDifferences

        public init(firstBlock: Int, sums: PairedDifferences) {
            (self.firstBlock, self.sums) = (firstBlock, sums)
        }
    }

    /// Blocks that have ended.
    public private(set) var blocks = 0
    /// Of the block that is being filled.
    public private(set) var latest = PairedDifferences()
    /// Up to the last block that has ended; from the longest to the shortest.
    public private(set) var stretches: [Stretch] = []

    public init() {}

    /// As it was saved.
    public init(blocks: Int, latest: PairedDifferences, stretches: [Stretch]) {
        (self.blocks, self.latest, self.stretches) = (blocks, latest, stretches)
    }

    /// - Parameter difference: of the first model's worth at an event less the second's, from −1 to 1.
    public mutating func add(_ difference: Double) { latest.add(difference) }

    /// The evidence stands by whole blocks.
    public mutating func endBlock() {
        stretches.append(Stretch(firstBlock: blocks, sums: PairedDifferences()))
        for index in stretches.indices { stretches[index].sums += latest }
        latest = PairedDifferences()
        blocks += 1
        stretches.removeAll { !Self.isKept($0.firstBlock, at: blocks) }
    }

    private static func isKept(_ first: Int, at blocks: Int) -> Bool {
        first == 0 || blocks - first <= 2 << first.trailingZeroBitCount
    }

    /// The logarithm of the evidence that the lead is greater than `margin`.
    public func logEvidence(above margin: Double) -> Double {
        ExponentialMixture.logSum(stretches.map { Self.logEvidence(of: $0, above: margin) })
    }

    /// The stretch with the most of it.
    public func strongest(above margin: Double) -> PairedDifferences? {
        stretches.max { Self.logEvidence(of: $0, above: margin) < Self.logEvidence(of: $1, above: margin) }?
            .sums
    }

    private static func logEvidence(of stretch: Stretch, above margin: Double) -> Double {
        let (sum, squares) = stretch.sums.above(margin)
        let begun = Double(stretch.firstBlock + 1)
        return ExponentialMixture.logEvidence(sum: sum, squares: squares) - log(begun * (begun + 1))
    }
}
