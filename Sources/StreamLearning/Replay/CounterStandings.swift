internal import Counting
internal import State

/// Where an item stands by what a counting model gives to all: counts that fade are compared as logarithms that do not
/// (forward decay, see `PublishedPopularity`), and these are worked out anew only for items that were counted since.
struct CounterStandings {
    private var logs: [Double] = []
    private var counts: [(popular: Double, at: Int64)] = []

    /// - Parameters:
    ///   - isKnown: 1 for an item that may be a candidate, by row.
    ///   - keptOut: candidates that are none for this user.
    mutating func standing(
        of item: Int, by scores: CounterScores, isKnown: [UInt8], keptOut: [Int32]
    ) -> ReplayedEvent.Standing {
        refresh(scores.model)
        let wanted = scores(item)
        let isPlain = scores.personal[Int32(item)] == nil
        var (higher, equal) = (0, 0)
        func compare(_ row: Int, _ sign: Int) {
            guard isKnown[row] == 1 else { return }
            if isPlain, scores.personal[Int32(row)] == nil {
                if logs[row] > logs[item] { higher += sign }
                if logs[row] == logs[item] { equal += sign }
            } else {
                let score = scores(row)
                if score > wanted { higher += sign }
                if score == wanted { equal += sign }
            }
        }
        if isPlain {
            let bar = logs[item]
            for row in 0..<isKnown.count {
                let counts = Int(isKnown[row])
                higher += logs[row] > bar ? counts : 0
                equal += logs[row] == bar ? counts : 0
            }
            // Those of the user's own stand elsewhere.
            for row in scores.personal.keys.lazy.map(Int.init) where isKnown[row] == 1 {
                if logs[row] > bar { higher -= 1 }
                if logs[row] == bar { equal -= 1 }
                compare(row, 1)
            }
        } else if wanted >= CounterRule.filling(.infinity) {
            for row in scores.personal.keys { compare(Int(row), 1) }
        } else {
            for row in isKnown.indices { compare(row, 1) }
        }
        for row in keptOut {
            let isCounted = isPlain || wanted < CounterRule.filling(.infinity) || scores.personal[row] != nil
            if isCounted { compare(Int(row), -1) }
        }
        return ReplayedEvent.Standing(higher: higher, equal: equal - 1)
    }

    private mutating func refresh(_ model: ModelState) {
        let missing = max(0, model.counts.count - counts.count)
        logs += Array(repeating: -.infinity, count: missing)
        counts += Array(repeating: (0, 0), count: missing)
        for row in 0..<model.counts.count {
            let now = model.counts[row]
            if now.popular == counts[row].popular, now.at == counts[row].at { continue }
            counts[row] = (now.popular, now.at)
            logs[row] = model.decay.popularLog(now)
        }
    }
}
