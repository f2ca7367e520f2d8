#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// How likely a user's next event is to take again what was taken before: by how often it was, how long ago, and how that
/// compares with the pace at which it is usually taken. Counted over all users: a discrete-time hazard (Singer and Willett
/// 1993), so that what was just taken counts little for as long as it usually does.
///
/// What a user has taken competes for the next event: the same standing says much of somebody who has taken five things and
/// little of somebody who has taken five hundred. So what is counted is a strength h, of which the chance is h / (1 + Σ h)
/// over all that the user has taken, 1 being whatever is new: exposures count 1 / (1 + Σ h) each (the iteration of Hunter,
/// "MM algorithms for generalized Bradley-Terry models", 2004). A strength is that of a standing by count and pace times
/// that of a wait; each is held against what the other has foretold.
///
/// Every sum is of whole multiples of 2⁻²⁰, so that the order of adding does not matter.
public struct RetakeTable: Sendable, Equatable {
    /// How an item stands with a user.
    public struct Cell: Sendable, Equatable {
        /// By count, and by the pace or, where that is not known, by the wait.
        let standing: Int
        /// By the wait beside a pace.
        let wait: Int?
    }

    private static let counts = 7
    /// Of a pace: three to the octave, the fourth octave below it first. The first of waits and of paces is no wait at all.
    private static let ratios = 24
    private static let waits = 24
    private static let standings = counts * (ratios + waits)
    public static let cells = standings + waits

    /// Times that what stood in the cell was taken, and was to be expected to be if its strength were 1.
    public private(set) var taken: [Double]
    public private(set) var exposed: [Double]

    public init() {
        taken = Array(repeating: 0, count: Self.cells)
        exposed = taken
    }

    /// `nil` for arrays of another shape.
    public init?(taken: [Double], exposed: [Double]) {
        guard taken.count == Self.cells, exposed.count == Self.cells else { return nil }
        (self.taken, self.exposed) = (taken, exposed)
    }

    /// - Parameters:
    ///   - weight: how often it was taken, faded.
    ///   - gap: since it was last taken, in minutes or, where there are no times, in events of the user.
    ///   - pace: after how long it is usually taken again, in the same unit; `nil` where that is not known.
    public static func cell(weight: Float, gap: Double, pace: Double?) -> Cell {
        let count =
            weight < 1.5
            ? 0
            : weight < 2.5
                ? 1 : weight < 3.5 ? 2 : weight < 5.5 ? 3 : weight < 9.5 ? 4 : weight < 19.5 ? 5 : 6
        // Bounded before they become integers: what is infinite, or no number, has none.
        let wait = gap <= 0 ? 0 : 1 + Int(min(Double(waits - 2), max(0, 1.3 * log2(1 + gap))))
        guard let pace, pace > 0 else {
            return Cell(standing: counts * ratios + count * waits + wait, wait: nil)
        }
        let ratio =
            gap <= 0 ? 0 : 1 + Int(min(Double(ratios - 2), max(0, 12 + 3 * log2(gap / pace))))
        return Cell(standing: count * ratios + ratio, wait: standings + wait)
    }

    public mutating func take(_ cell: Cell) {
        taken[cell.standing] += 1
        if let wait = cell.wait { taken[wait] += 1 }
    }

    /// An event could have taken any of what the user had taken.
    ///
    /// - Parameters:
    ///   - cells: of these, or of some of them.
    ///   - standingFor: how many of them each stands for.
    ///   - times: events that this one stands for, where not all are looked at.
    ///   - other: what was counted beside.
    public mutating func expose(
        _ cells: [Cell], standingFor: Double, times: Double, beside other: RetakeTable? = nil
    ) {
        var all = 1.0
        var strengths: [(standing: Double, wait: Double)] = []
        strengths.reserveCapacity(cells.count)
        for cell in cells {
            strengths.append(self.strengths(cell, with: other))
            all += standingFor * strengths[strengths.count - 1].standing * strengths[strengths.count - 1].wait
        }
        let share = times * standingFor / all
        for (cell, strength) in zip(cells, strengths) {
            exposed[cell.standing] += Self.whole(share * strength.wait)
            if let wait = cell.wait { exposed[wait] += Self.whole(share * strength.standing) }
        }
    }

    /// To a multiple of 2⁻²⁰.
    private static func whole(_ value: Double) -> Double { (value * 0x1p20).rounded() * 0x1p-20 }

    public mutating func add(_ other: RetakeTable) {
        for index in taken.indices {
            taken[index] += other.taken[index]
            exposed[index] += other.exposed[index]
        }
    }

    /// What was counted since the table was `earlier`: cells that have changed, ascending.
    public func gains(since earlier: RetakeTable) -> [Gain] {
        taken.indices.compactMap { cell in
            let gain = Gain(
                cell: UInt16(cell), taken: taken[cell] - earlier.taken[cell],
                exposed: exposed[cell] - earlier.exposed[cell])
            return gain.taken == 0 && gain.exposed == 0 ? nil : gain
        }
    }

    /// Adds what others have counted; false of a cell that there is not.
    public mutating func add(_ gain: Gain) -> Bool {
        guard gain.cell < Self.cells else { return false }
        taken[Int(gain.cell)] += gain.taken
        exposed[Int(gain.cell)] += gain.exposed
        return true
    }

    /// What was counted in a cell.
    public struct Gain: Sendable, Equatable {
        public var cell: UInt16
        public var taken: Double
        public var exposed: Double

        public init(cell: UInt16, taken: Double, exposed: Double) {
            (self.cell, self.taken, self.exposed) = (cell, taken, exposed)
        }
    }

    public mutating func clear() { self = RetakeTable() }

    /// How strong an item of the cell is against whatever is new, which has 1; `other` is what was counted beside.
    public func strength(_ cell: Cell, with other: RetakeTable? = nil) -> Float {
        let strengths = strengths(cell, with: other)
        return Float(strengths.standing * strengths.wait)
    }

    private func strengths(_ cell: Cell, with other: RetakeTable?) -> (standing: Double, wait: Double) {
        let counted = counted(cell.standing, with: other)
        // Next to nothing where nothing is known of a standing; of a wait that it makes no difference.
        let standing = (counted.taken + 0.001) / (counted.exposed + 2)
        guard let wait = cell.wait else { return (standing, 1) }
        let waited = self.counted(wait, with: other)
        return (standing, (waited.taken + 2) / (waited.exposed + 2))
    }

    private func counted(_ index: Int, with other: RetakeTable?) -> (taken: Double, exposed: Double) {
        (taken[index] + (other?.taken[index] ?? 0), exposed[index] + (other?.exposed[index] ?? 0))
    }
}
