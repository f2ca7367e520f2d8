/// How well one choice could have been foretold by somebody who knows the world: every item's true probability, before
/// the choice was made.
///
/// This oracle knows the tastes and paces that the world gave to the user, and everything in the past; it knows who comes
/// and when, but not what will be taken. Like every model it can only name items that were taken by somebody before.
public struct ChoiceTruth: Sendable, Equatable {
    /// N of `best`.
    public static let depth = 10

    /// By the order of their probabilities.
    public struct Standing: Sendable, Equatable {
        /// Where the item that was taken stood, from 1; `nil` where nobody had taken it before.
        public var place: Int?
        /// Items that might have been named.
        public var candidates: Int
        /// Probability that what is taken is among the first ten: the best recall@10 that can be expected.
        public var best: Double
    }

    /// Where what the user took before may be named again (`--seen allow`).
    public var among: Standing
    /// Where it may not (`--seen exclude`), given that the user takes something new; `nil` where it was nothing new.
    public var amongNew: Standing?
}

/// What everybody who follows the stream knows: who took what.
struct Onlooker {
    private var isKnown: [Bool] = []
    private var known = 0
    private var histories: [Int: Set<Int>] = [:]

    mutating func hear(user: Int, item: Int) {
        if item >= isKnown.count { isKnown += Array(repeating: false, count: item + 1 - isKnown.count) }
        if !isKnown[item] { known += 1 }
        isKnown[item] = true
        histories[user, default: []].insert(item)
    }

    /// - Parameters:
    ///   - items: rows that `chances` speaks of; `nil` for all from 0.
    ///   - chances: how likely each is; their sum need not be 1, and all others have none.
    /// - Returns: `nil` for a user of whom nothing is known.
    func truth(user: Int, item: Int, items: [Int]?, chances: [Double]) -> ChoiceTruth? {
        guard let history = histories[user] else { return nil }
        func row(_ index: Int) -> Int { items.map { $0[index] } ?? index }
        let among = standing(
            item: item, rows: row, chances: chances, candidates: known, isLeftOut: { _ in false })
        guard !history.contains(item) else { return ChoiceTruth(among: among, amongNew: nil) }
        let new = standing(
            item: item, rows: row, chances: chances, candidates: known - history.count,
            isLeftOut: history.contains)
        return ChoiceTruth(among: among, amongNew: new)
    }

    /// Of an item of which everybody knows that it comes next.
    func certain(user: Int, item: Int) -> ChoiceTruth? {
        guard let history = histories[user], history.contains(item) else { return nil }
        return ChoiceTruth(
            among: ChoiceTruth.Standing(place: 1, candidates: known, best: 1), amongNew: nil)
    }

    private func standing(
        item: Int, rows: (Int) -> Int, chances: [Double], candidates: Int, isLeftOut: (Int) -> Bool
    ) -> ChoiceTruth.Standing {
        var (best, all) = ([Double](), 0.0)
        var own: Double?
        var named: [Double] = []
        named.reserveCapacity(chances.count)
        for (index, chance) in chances.enumerated() where chance > 0 {
            let row = rows(index)
            if isLeftOut(row) { continue }
            all += chance
            guard row < isKnown.count, isKnown[row] else { continue }
            if row == item { own = chance }
            named.append(chance)
            guard best.count < ChoiceTruth.depth || chance > best[best.count - 1] else { continue }
            let place = best.firstIndex { $0 < chance } ?? best.count
            best.insert(chance, at: place)
            if best.count > ChoiceTruth.depth { best.removeLast() }
        }
        let place = own.map { own in 1 + named.count { $0 > own } }
        return ChoiceTruth.Standing(
            place: place, candidates: candidates, best: all > 0 ? best.reduce(0, +) / all : 0)
    }
}
