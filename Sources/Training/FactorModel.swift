public import Factors
public import Learners

/// Two factor tables that predict, and where they are learned with a network, that: what a training leaves behind.
///
/// Shape: `users` has a row per user of the interactions, `items` one per item, of K factors each.
public final class FactorModel: Sendable {
    public let users: FactorTable
    public let items: FactorTable
    /// Of a rating learner's ratings; 0 and 1 otherwise.
    public let scale: RatingScale
    /// A prediction is a rating, μ + σ (b_u + b_i + p_u·q_i), rather than a score to rank by, b_i + p_u·q_i.
    public let predictsRatings: Bool
    /// Of a model that predicts by a network over its rows.
    public let neural: Neural?
    private let algebra = LinearAlgebra()

    public init(
        users: FactorTable, items: FactorTable, scale: RatingScale, predictsRatings: Bool,
        neural: Neural? = nil
    ) {
        precondition(users.factors == items.factors)
        (self.users, self.items, self.scale, self.predictsRatings) = (users, items, scale, predictsRatings)
        self.neural = neural
    }

    /// A network, and how it is asked.
    public struct Neural: Sendable {
        public let rule: NeuralRating
        public let network: RatingNetwork

        public init(rule: NeuralRating, network: RatingNetwork) {
            (self.rule, self.network) = (rule, network)
        }

        /// Room for one user and item.
        public var room: NetworkRoom {
            NetworkRoom(
                hidden: network.hidden, second: network.second, factors: network.factors)
        }
    }

    /// K.
    public var factors: Int { users.factors }

    /// Both rows have to be there.
    public func predict(user: Int, item: Int) -> Float {
        let score =
            if let neural {
                neural.rule.predict(
                    user: users.row(user), item: items.row(item), network: neural.network, room: neural.room)
            } else {
                offset(user) + items.bias(item) + users.row(user).dot(items.row(item))
            }
        return predictsRatings ? scale.rating(score) : score
    }

    /// The predictions of one user for all items, in the order of their rows; `scores` is made as long as they are many.
    public func scores(user: Int, into scores: inout [Float]) {
        if scores.count != items.count { scores = Array(repeating: 0, count: items.count) }
        guard items.count > 0 else { return }
        if let neural {
            let room = neural.room
            for item in 0..<items.count {
                scores[item] = scale.rating(
                    neural.rule.predict(
                        user: users.row(user), item: items.row(item), network: neural.network, room: room))
            }
            return
        }
        scores.withUnsafeMutableBufferPointer { scores in
            guard let start = scores.baseAddress else { return }
            items.withVectors(from: 0, count: items.count) { matrix in
                users.withVectors(from: user, count: 1) { vector in
                    algebra.multiply(
                        matrix: matrix, rows: items.count, factors: factors, vector: vector, scores: start)
                }
            }
            let offset = offset(user)
            for item in 0..<items.count { scores[item] += offset + items.bias(item) }
            guard predictsRatings else { return }
            for item in 0..<items.count { scores[item] = scale.rating(scores[item]) }
        }
    }

    private func offset(_ user: Int) -> Float { predictsRatings ? users.bias(user) : 0 }

    /// A model of the same numbers that a training does not go on changing.
    public func copy() -> FactorModel {
        FactorModel(
            users: users.copy(), items: items.copy(), scale: scale, predictsRatings: predictsRatings,
            neural: neural.map { Neural(rule: $0.rule, network: $0.network.copy()) })
    }
}
