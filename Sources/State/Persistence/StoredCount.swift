/// Counts as files have them.
enum StoredCount {
    /// More than anything that is counted comes to, and far from the end of what a number holds.
    private static let most: Int64 = 1 << 56

    static func isOne(_ value: Int64) -> Bool { (0...most).contains(value) }
}
