internal import Learners

/// The items that fading counts put first, kept while items are taken. All counts fade alike, so that only what is taken
/// changes its place, and only upwards: whoever is none of the leaders was behind them when it was last taken, and is now.
///
/// What is taken back moves something down, and it goes. So there are half as many more than are told: only when these have gone
/// have the leaders to be found anew (`isStale`), which takes a look at all items.
public struct CountLeaders: Sendable {
    /// Items told of each count.
    public let limit: Int
    /// Of each count, as often as they are put in order: those told, and those that stand next.
    private let kept: Int
    /// By count, up to twice as many as are told, in no order.
    private var members: [[Int32]]
    /// By count: whoever is no member stands below it.
    private var thresholds: [Double]
    /// By row, a bit a count.
    private var marks: [UInt8] = []
    /// Nothing is known before `rebuild`.
    public private(set) var isStale = true

    public init(counts: Int, limit: Int) {
        precondition(counts <= FadingRates.countsMax && limit > 0)
        (self.limit, kept) = (limit, limit + limit / 2)
        members = Array(repeating: [], count: counts)
        thresholds = Array(repeating: -.infinity, count: counts)
    }

    /// An item was taken.
    ///
    /// - Parameters:
    ///   - item: its counts with that.
    ///   - all: the counts of any item; asked of members alone.
    public mutating func take(
        _ row: Int32, _ item: FadingLogs, _ rates: FadingRates, all: (Int32) -> FadingLogs
    ) {
        guard !isStale else { return }
        offer(row, item, rates, all: all)
    }

    /// Something was taken back, nobody knows of which items.
    public mutating func invalidate() { isStale = true }

    /// Some of an item was taken back, or all. Below the threshold nobody knows any more who comes before it, so that it is no
    /// member from now on; and what is not taken any more is no leader, however few there are.
    public mutating func lower(_ row: Int32, _ item: FadingLogs, _ rates: FadingRates) {
        guard !isStale, row < marks.count else { return }
        for number in members.indices where marks[Int(row)] & (1 << number) != 0 {
            guard !item.isTaken || rates.standing(item, number) < thresholds[number] else { continue }
            marks[Int(row)] &= ~(1 << number)
            members[number].removeAll { $0 == row }
            // Where the threshold is nothing, all that are taken are members.
            if members[number].count < limit, thresholds[number] > -.infinity { isStale = true }
        }
    }

    /// Finds the leaders among these rows.
    public mutating func rebuild(
        rows: some Sequence<Int32>, _ rates: FadingRates, all: (Int32) -> FadingLogs
    ) {
        self = CountLeaders(counts: members.count, limit: limit)
        isStale = false
        for row in rows {
            let item = all(row)
            if item.isTaken { offer(row, item, rates, all: all) }
        }
    }

    /// The first `limit` of a count, or as many as there are, in their order.
    public mutating func first(_ number: Int, _ rates: FadingRates, all: (Int32) -> FadingLogs) -> [Int32] {
        var standings = prune(number, rates, all: all)
        let count = min(limit, standings.count)
        standings.select(count)
        standings[..<count].sort()
        // They hardly change until they are asked for again, and what is in order is put in order soon.
        members[number] = standings.map(\.row)
        return Array(members[number][..<count])
    }

    private mutating func offer(
        _ row: Int32, _ item: FadingLogs, _ rates: FadingRates, all: (Int32) -> FadingLogs
    ) {
        if row >= marks.count {
            marks += Array(repeating: 0, count: max(Int(row) + 1 - marks.count, marks.count / 2))
        }
        let mark = marks[Int(row)]
        for number in 0..<members.count where mark & (1 << number) == 0 {
            guard rates.standing(item, number) >= thresholds[number] else { continue }
            marks[Int(row)] |= 1 << number
            members[number].append(row)
            if members[number].count >= 2 * limit { prune(number, rates, all: all) }
        }
    }

    /// Lets those go that are beyond the limit.
    ///
    /// - Returns: those that stay.
    @discardableResult
    private mutating func prune(
        _ number: Int, _ rates: FadingRates, all: (Int32) -> FadingLogs
    ) -> [Standing] {
        var standings = members[number].map { Standing(row: $0, number: rates.standing(all($0), number)) }
        // Fewer than that, and the threshold stays what it was: some that it was set by have gone.
        guard standings.count >= kept else { return standings }
        standings.select(kept - 1)
        for left in standings[kept...] { marks[Int(left.row)] &= ~(1 << number) }
        standings.removeLast(standings.count - kept)
        thresholds[number] = standings[kept - 1].number
        members[number] = standings.map(\.row)
        return standings
    }

    /// The least stands first.
    private struct Standing: Comparable {
        var row: Int32
        var number: Double

        static func < (left: Self, right: Self) -> Bool {
            left.number == right.number ? left.row < right.row : left.number > right.number
        }
    }
}
