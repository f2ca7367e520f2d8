internal import Factors
internal import Learners
internal import Retrieval
internal import State

/// The learner's own steps for a new user, against negatives drawn by a key of the session.
struct RankingFoldIn: FoldIn {
    enum Rule: Sendable {
        case bpr(BPR)
        case warp(WARP)
    }

    /// Negatives drawn for a session; steps beyond go through them again.
    private static let negativesMax = 256

    let rule: Rule
    /// Keys the draws.
    let seed: UInt64

    func weights(_ ratings: ClosedRange<Double>) -> ClosedRange<Double> { PositiveRule.strengths }

    func foldIn(_ session: FoldInSession, index: borrowing IndexView) -> () -> FoldedUser? {
        let items = session.liked(index, newestFirst: false)
        let steps =
            switch rule {
            case .bpr(let bpr): PairwiseFoldIn(bpr)
            case .warp(let warp): PairwiseFoldIn(warp, candidates: index.count)
            }
        let count = min(steps.negativesMax(items: items.count), Self.negativesMax)
        let negatives = drawNegatives(count, session, index: index)
        return { steps.foldIn(items, negatives: negatives) }
    }

    /// Items that are not of the session, uniformly; none if it holds nearly all.
    private func drawNegatives(
        _ count: Int, _ session: FoldInSession, index: borrowing IndexView
    ) -> FoldInItems {
        let own = ItemBitset(session.rows.lazy.map { Int32($0) })
        var random = KeyedRandom(seed: seed, bytes: Self.bytes(of: session.rows))
        var rows: [Int] = []
        rows.reserveCapacity(count)
        for _ in 0..<count * 4 where rows.count < count {
            let row = random.next(below: index.count)
            guard !own.contains(row) else { continue }
            // They lie all over the catalogue: asked for together, they are waited for once.
            index.prefetch(row)
            rows.append(row)
        }
        var negatives = FoldInItems(factors: index.factors, capacity: rows.count)
        for row in rows {
            index.withVector(row) { negatives.append(vector: $0, bias: index.biases[row], value: 0) }
        }
        return negatives
    }

    /// Four a row, little-endian.
    private static func bytes(of rows: [Int]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rows.count * 4)
        for row in rows {
            for byte in 0..<4 { bytes.append(UInt8(truncatingIfNeeded: row >> (byte * 8))) }
        }
        return bytes
    }
}
