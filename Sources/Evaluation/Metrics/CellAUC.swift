/// ROC-AUC over all cells of users × items: liked ones against all others, in one ranking over all users.
///
/// Fawcett, "An Introduction to ROC Analysis", 2006. It needs scores that can be compared across users, which no
/// ranking model promises, and on the data that was learned it says how well a model remembers, not how well it
/// predicts.
public enum CellAUC {
    /// - Parameters:
    ///   - positives: per user, the items that are liked.
    ///   - excluded: per user, items left out: neither liked nor not.
    /// - Returns: `nil` where all cells are alike.
    /// - Throws: `EvaluationError.nonFinite`.
    public static func measure(
        _ recommender: any Recommender, dataset: Dataset, positives: ItemLists, excluded: ItemLists?
    ) throws(EvaluationError) -> Double? {
        let items = dataset.itemIDs.count
        let scores = UnsafeMutableBufferPointer<Float>.allocate(capacity: items)
        defer { scores.deallocate() }
        scores.initialize(repeating: 0)
        // A cell is its score, as an integer of the same order, above a bit that says whether it is liked.
        var cells: [UInt64] = []
        cells.reserveCapacity(items * dataset.userIDs.count)
        for user in dataset.userIDs.indices {
            recommender.score(user: user, into: scores)
            guard scores.allSatisfy(\.isFinite) else {
                throw .nonFinite(model: recommender.name, user: dataset.userIDs[user])
            }
            var liked = [Bool](repeating: false, count: items)
            for item in positives[user] { liked[Int(item)] = true }
            for item in 0..<items {
                if !liked[item], let excluded, excluded.contains(user: user, item: Int32(item)) { continue }
                cells.append(UInt64(ordered(scores[item])) << 1 | (liked[item] ? 1 : 0))
            }
        }
        cells.sort()
        return area(cells)
    }

    /// The order of finite floats, kept: 0 and −0 are the same.
    private static func ordered(_ score: Float) -> UInt32 {
        let bits = (score == 0 ? 0 : score).bitPattern
        return bits >> 31 == 0 ? bits | 1 << 31 : ~bits
    }

    private static func area(_ cells: [UInt64]) -> Double? {
        var (index, below, positives, pairs) = (0, 0, 0, 0.0)
        while index < cells.count {
            let score = cells[index] >> 1
            let start = index
            while index < cells.count, cells[index] == score << 1 { index += 1 }
            let negatives = index - start
            while index < cells.count, cells[index] == score << 1 | 1 { index += 1 }
            let liked = index - start - negatives
            pairs += Double(liked) * (Double(below) + 0.5 * Double(negatives))
            below += negatives
            positives += liked
        }
        guard positives > 0, below > 0 else { return nil }
        return pairs / (Double(positives) * Double(below))
    }
}
