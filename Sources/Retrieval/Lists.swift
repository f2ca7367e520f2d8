extension IndexView {
    /// The items with the greatest bias, or with the least. One that nobody took (`popularity`) has a bias that says
    /// nothing of it, and is left out.
    public func byBias(_ limit: Int, leastFirst: Bool, filter: ItemFilter) -> [Candidate] {
        let sign: Float = leastFirst ? -1 : 1
        var best = TopItems(limit: limit)
        for row in 0..<count where columns.popularity[row].popular > -.infinity {
            let value = sign * columns.biases[row]
            if value > best.threshold, value.isFinite, filter.allows(row) {
                best.offer(Candidate(row: Int32(row), score: value))
            }
        }
        return best.bestFirst().map { Candidate(row: $0.row, score: sign * $0.score) }
    }
}
