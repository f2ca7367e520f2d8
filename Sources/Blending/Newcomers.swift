/// Items that were described and that nobody has taken: what a blend proposes of them beside what its other parts do.
///
/// Only the newest rows are looked at, so that a look-up costs the same however many items wait to be taken.
public enum Newcomers {
    /// Rows looked at, from the newest one back.
    public static let visitedMax = 1_024
    /// Items found at most.
    public static let foundMax = 256

    /// The newest rows below `bound` that `isWaiting`, the newest one first.
    @inlinable
    public static func newest(below bound: Int, isWaiting: (Int32) -> Bool) -> [Int32] {
        var found: [Int32] = []
        for row in stride(from: bound - 1, through: max(0, bound - visitedMax), by: -1)
        where isWaiting(Int32(truncatingIfNeeded: row)) {
            found.append(Int32(truncatingIfNeeded: row))
            if found.count == foundMax { break }
        }
        return found
    }
}
