/// A measure of the report. `@N` looks at the first N of the ranking.
///
/// Relevance is binary: a held-out item that the user liked. Where scores tie, the value is the expectation over all
/// orders of the tie, so that a model that scores everything equal gets what chance gets (McSherry and Najork,
/// "Computing Information Retrieval Performance Measures Efficiently in the Presence of Tied Scores", 2008).
public enum Metric: Hashable, Sendable {
    /// √ of the mean squared error over test ratings.
    case rmse
    /// Mean absolute error over test ratings.
    case mae
    /// The same of predictions as they are, not clipped to the range of the ratings.
    case rawRMSE
    case rawMAE
    /// Relevant items among the first N ÷ relevant items of the user.
    case recall(Int)
    /// Relevant items among the first N ÷ N.
    case precision(Int)
    /// Σ 1 / log₂(rank + 1) over relevant items among the first N ÷ its largest possible value
    /// (Järvelin and Kekäläinen 2002).
    case ndcg(Int)
    /// 1 / rank of the first relevant item, 0 where it is not among the first N (Voorhees 1999).
    case mrr(Int)
    /// Mean over the user's relevant items (at most N) of the precision at each one's rank, those beyond N counting 0.
    case map(Int)
    /// 1 where a relevant item is among the first N.
    case hitRate(Int)
    /// Probability that a held-out relevant item scores above a candidate that is none, ties counting a half; within
    /// a user, then averaged (Fawcett 2006; Rendle et al. 2009, section 3.1).
    case auc
    /// The same over all cells of users × items together, without averaging within users.
    case cellAUC
    /// Disliked items among the first N ÷ disliked items: less is better.
    case disliked(Int)
    /// Items that stand among anybody's first N ÷ all items (Herlocker et al. 2004).
    case coverage(Int)
    /// Mean self-information −log₂(users who have seen the item ÷ all users) of the first N, in bits
    /// (Vargas and Castells 2011).
    case novelty(Int)
    /// Pearson's correlation of similarities with those that ratings show.
    case pearson

    public var name: String {
        switch self {
        case .rmse: "RMSE"
        case .mae: "MAE"
        case .rawRMSE: "raw-RMSE"
        case .rawMAE: "raw-MAE"
        case .recall(let depth): "recall@\(depth)"
        case .precision(let depth): "precision@\(depth)"
        case .ndcg(let depth): "NDCG@\(depth)"
        case .mrr(let depth): "MRR@\(depth)"
        case .map(let depth): "MAP@\(depth)"
        case .hitRate(let depth): "HR@\(depth)"
        case .auc: "AUC"
        case .cellAUC: "AUC-all-cells"
        case .disliked(let depth): "disliked@\(depth)"
        case .coverage(let depth): "coverage@\(depth)"
        case .novelty(let depth): "novelty@\(depth)"
        case .pearson: "Pearson"
        }
    }

    public var higherIsBetter: Bool {
        switch self {
        case .rmse, .mae, .rawRMSE, .rawMAE, .disliked: false
        default: true
        }
    }

    /// Measures of quality, rather than of how varied the recommendations are: random ones are the most varied.
    public var isQuality: Bool {
        switch self {
        case .coverage, .novelty: false
        default: true
        }
    }

    /// From the mean over events or users to the value reported.
    func value(ofMean mean: Double) -> Double {
        self == .rmse || self == .rawRMSE ? mean.squareRoot() : mean
    }

    /// What ranking is measured by at each depth, and AUC.
    public static func ranking(depths: [Int]) -> [Metric] {
        depths.flatMap { depth in
            [.recall(depth), .precision(depth), .ndcg(depth), .mrr(depth), .map(depth), .hitRate(depth)]
        } + [.auc]
    }
}
