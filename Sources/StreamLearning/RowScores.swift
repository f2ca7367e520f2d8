/// What is said of some items, by row: asked for many of which nothing is said, and so with a filter before the table.
struct RowScores {
    private static let bits = 4_096
    private let scores: [Int32: Float]
    private let filter: [UInt64]

    init(_ scores: [Int32: Float] = [:]) {
        self.scores = scores
        guard !scores.isEmpty else {
            filter = []
            return
        }
        var filter = [UInt64](repeating: 0, count: Self.bits / 64)
        for row in scores.keys { filter[Self.word(row)] |= Self.bit(row) }
        self.filter = filter
    }

    var rows: Dictionary<Int32, Float>.Keys { scores.keys }

    /// `nil` of one of which nothing is said.
    @inline(__always)
    subscript(row: Int32) -> Float? {
        guard !filter.isEmpty, filter[Self.word(row)] & Self.bit(row) != 0 else { return nil }
        return scores[row]
    }

    @inline(__always) private static func word(_ row: Int32) -> Int { (Int(row) & (bits - 1)) >> 6 }
    @inline(__always) private static func bit(_ row: Int32) -> UInt64 { 1 << UInt64(row & 63) }
}
