#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// How likely a user's next event is to take again what was taken before: by how often it was, how long ago, and how that
/// compares with the user's own pace. Counted over all users: a discrete-time hazard (Singer and Willett 1993), so that
/// what was just taken counts little for as long as it usually does.
///
/// Every sum is of whole numbers and small, so that the order of adding does not matter.
public struct RetakeTable: Sendable, Equatable {
    /// How an item stands with a user.
    public struct Cell: Sendable, Equatable {
        let index: Int
    }

    private static let counts = 12
    private static let gaps = 24
    private static let paces = 6
    public static let cells = counts * gaps * paces

    /// Times that what stood in the cell was taken, and could have been.
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
    ///   - pace: the mean gap between its takings so far; `nil` where it was taken once.
    public static func cell(weight: Float, gap: Double, pace: Double?) -> Cell {
        // Bounded before they become integers: what is infinite, or no number, has none.
        let count =
            weight < 6
            ? Int(max(1, weight).rounded()) - 1 : Int(min(Float(counts), 2 * log2(weight))) + 1
        let wait = gap <= 0 ? 0 : 1 + Int(min(Double(gaps), 1.3 * log2(1 + gap)))
        var relative = 0
        if let pace, pace > 0 {
            relative = 1 + [0.25, 0.6, 1.2, 2.5].count { gap >= $0 * pace }
        }
        return Cell(index: (min(counts - 1, count) * gaps + min(gaps - 1, wait)) * paces + relative)
    }

    public mutating func take(_ cell: Cell) { taken[cell.index] += 1 }

    /// - Parameter times: events that this one stands for, where not all are looked at.
    public mutating func expose(_ cell: Cell, times: Double) { exposed[cell.index] += times }

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

    /// About how likely one item of the cell is to be next; `other` is what was counted beside.
    public func likelihood(_ cell: Cell, with other: RetakeTable? = nil) -> Float {
        let taken = taken[cell.index] + (other?.taken[cell.index] ?? 0)
        let exposed = exposed[cell.index] + (other?.exposed[cell.index] ?? 0)
        return Float((taken + 0.001) / (exposed + 2))
    }
}
