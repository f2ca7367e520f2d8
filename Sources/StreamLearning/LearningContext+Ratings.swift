internal import Factors
internal import Histories
internal import Learners
internal import LiveScores
internal import State

// What learners of standardised ratings have in common.
extension LearningContext {
    /// What a standardised prediction is worth, in the unit of the ratings.
    func ratingSample(of standardised: Float, _ example: Example) -> ScoreSample {
        guard example.meanIsKnown else { return .none }
        let predicted = example.scaleBefore.rating(standardised)
        let (error, baselineError) = (example.value - predicted, example.value - meansPrediction)
        let deviation = Float(example.scaleBefore.deviation)
        return ScoreSample(
            model: error * error, baseline: baselineError * baselineError,
            worth: deviation > 0 ? CommonMeasure.worth(ofError: error / deviation) : .nan)
    }

    /// Has the user's row learn some past ratings again, drawn from the history. Of items of other leases none: another
    /// queue may be writing them.
    ///
    /// - Parameter learn: a step towards a standardised rating of this item.
    func forEachReplay(
        _ count: Int, _ example: Example, lease: borrowing RowLease,
        _ learn: (_ rating: Float, _ item: Row) -> UpdateResult
    ) {
        guard count > 0, !history.isEmpty else { return }
        var random = example.random(seed: model.seed)
        for _ in 0..<count {
            // What came early is what is popular and stands dense: squared, so that those are drawn about as often as others.
            let share = random.nextUnit()
            let wanted = Int32(share * share * Double(example.itemBound))
            guard let entry = history.opinion(from: wanted), entry.kind == .rating,
                entry.item != example.item, lease.holds(Int(entry.item))
            else { continue }
            let item = lease.row(Int(entry.item), of: items)
            let result = learn(example.scale.standardised(entry.value), item)
            if result == .rejected { self.count(false, example: example, against: item) }
        }
    }
}
