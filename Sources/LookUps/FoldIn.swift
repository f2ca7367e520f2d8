internal import Learners
internal import Retrieval
internal import State

/// Somebody of whom nothing is known but some items.
struct FoldInSession {
    /// Item rows that are published, oldest first, none twice.
    var rows: [Int]
    /// One a row: a rating, or how much it was liked; `nil` where nothing was said.
    var weights: [Float?]
    /// Of ratings.
    var scale: RatingScale
    /// Standard deviation of ratings about the means baseline, in their unit.
    var deviation: Float
}

/// Makes a user's row from items alone; the items stay as they are. The same session and the same items always make
/// the same row.
protocol FoldIn: Sendable {
    /// What a weight may be, where ratings may be `ratings`.
    func weights(_ ratings: ClosedRange<Double>) -> ClosedRange<Double>

    /// Copies what it needs of the index, which is held meanwhile.
    ///
    /// - Returns: what works the row out, without the index; `nil` of that where the guard refuses the row.
    func foldIn(_ session: FoldInSession, index: borrowing IndexView) -> () -> FoldedUser?
}

/// The fold-in of each update rule: where a new one is entered.
func foldInRule(
    of traits: ModelTraits, solving: PublishedModel.Solving?, network: PublishedNetwork?
) -> any FoldIn {
    if let network { return NeuralFoldIn(network: network) }
    return switch traits.rule {
    case .sgd(let sgd): RatingFoldIn(sgd: sgd)
    case .bpr(let bpr, _): RankingFoldIn(rule: .bpr(bpr), seed: traits.seed)
    case .warp(let warp, _): RankingFoldIn(rule: .warp(warp), seed: traits.seed)
    // A blend asks its parts, and a network has been asked.
    case .counter, .blend, .mlp: CounterFoldIn()
    case .als(let als, _): AlternatingFoldIn(als: als, solving: solving)
    }
}

extension PositiveRule {
    /// Strengths beyond this are a mistake, and would only trip the guard.
    static let strengths: ClosedRange<Double> = 0...1000
}

extension FoldInSession {
    /// The items that were liked at all, with how much.
    func liked(_ index: borrowing IndexView, newestFirst: Bool) -> FoldInItems {
        var items = FoldInItems(factors: index.factors, capacity: rows.count)
        for place in rows.indices {
            let place = newestFirst ? rows.count - 1 - place : place
            if weights[place] == 0 { continue }
            let row = rows[place]
            items.append(
                vector: index.vector(row), bias: index.biases[row], value: weights[place] ?? 1)
        }
        return items
    }
}
