import Evaluation
import FeatureMaps
import Training

/// A model of ratings with something to say of rows that only features are known of; of pairs that both models know, the
/// mean of this one and of biased SGD: their errors differ.
struct DescribedRecommender: Recommender {
    let name: String
    let model: DescribedRatings
    /// `nil` where none of the pairs asked for is of a known user and a known item.
    let sgd: FactorModel?
    let items: Int
    let hasUser: [Bool]
    let hasItem: [Bool]

    var predictsRatings: Bool { true }

    func score(user: Int, into scores: UnsafeMutableBufferPointer<Float>) {
        for item in 0..<items { scores[item] = predicted(user: user, item: item) }
    }

    func rating(user: Int, item: Int) -> Float? { predicted(user: user, item: item) }

    private func predicted(user: Int, item: Int) -> Float {
        let own = model.predict(user: user, item: item)
        guard let sgd, hasUser[user], hasItem[item] else { return own }
        return (own + sgd.predict(user: user, item: item)) / 2
    }
}

/// The same of the factors of a sparse matrix.
struct SpectralRecommender: Recommender {
    let name: String
    let model: SpectralRidge
    let items: Int

    var predictsRatings: Bool { true }

    func score(user: Int, into scores: UnsafeMutableBufferPointer<Float>) {
        for item in 0..<items { scores[item] = model.predict(user: user, item: item) }
    }

    func rating(user: Int, item: Int) -> Float? { model.predict(user: user, item: item) }
}

/// The same of a similarity encoder.
struct EncoderRecommender: Recommender {
    let name: String
    let model: SimilarityEncoder
    let items: Int

    var predictsRatings: Bool { true }

    func score(user: Int, into scores: UnsafeMutableBufferPointer<Float>) {
        for item in 0..<items { scores[item] = model.predict(user: user, item: item) }
    }

    func rating(user: Int, item: Int) -> Float? { model.predict(user: user, item: item) }
}
