import Factors
import Foundation

@testable import Learners

/// The update rules as the papers write them, a number at a time.
enum Reference {
    struct Values: Equatable {
        var vector: [Float]
        var bias: Float
        var step: Float

        init(_ row: Row) { (vector, bias, step) = (row.vector, row.bias, row.step) }
    }

    static func dot(_ a: [Float], _ b: [Float]) -> Float { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

    static func sgd(
        rating: Float, mean: Float, user: inout Values, item: inout Values, _ options: BiasedSGD.Options
    ) {
        let error = rating - (mean + user.bias + item.bias + dot(user.vector, item.vector))
        let (p, q) = (user.vector, item.vector)
        func move(_ row: inout Values, gradient: [Float]) {
            let factor = rate(1, options.schedule, row.step)
            for k in p.indices { row.vector[k] += options.learningRate * factor * gradient[k] }
            row.bias += options.biasLearningRate * factor * (error - options.biasRegularization * row.bias)
            advance(&row, options.schedule, gradient: gradient)
        }
        move(&user, gradient: p.indices.map { error * q[$0] - options.regularization * p[$0] })
        move(&item, gradient: p.indices.map { error * p[$0] - options.regularization * q[$0] })
    }

    static func bpr(
        weight: Float = 1, user: inout Values, positive: inout Values, negative: inout Values,
        _ options: BPR.Options
    ) {
        let x =
            dot(user.vector, positive.vector) - dot(user.vector, negative.vector) + positive.bias
            - negative.bias
        pairwise(
            weight / (1 + exp(x)), user: &user, positive: &positive, negative: &negative,
            rate: options.learningRate, schedule: options.schedule, decay: options.regularization,
            biasDecay: options.biasRegularization)
    }

    /// The step of a pair that violates the margin, after `draws` draws among `candidates` items.
    static func warp(
        weight: Float = 1, draws: Int, candidates: Int, user: inout Values, positive: inout Values,
        negative: inout Values, _ options: WARP.Options
    ) {
        var loss: Float = 0
        for place in 1...max(1, (candidates - 1) / draws) { loss += 1 / Float(place) }
        pairwise(
            weight * loss, user: &user, positive: &positive, negative: &negative,
            rate: options.learningRate, schedule: options.schedule, decay: options.regularization,
            biasDecay: options.biasRegularization)
    }

    private static func pairwise(
        _ g: Float, user: inout Values, positive: inout Values, negative: inout Values, rate: Float,
        schedule: RateSchedule, decay: Float, biasDecay: Float
    ) {
        let (p, qi, qj) = (user.vector, positive.vector, negative.vector)
        func move(_ row: inout Values, gradient: [Float], bias: Float) {
            let rate = self.rate(rate, schedule, row.step)
            for k in p.indices { row.vector[k] += rate * gradient[k] }
            row.bias += rate * bias
            advance(&row, schedule, gradient: gradient)
        }
        move(&user, gradient: p.indices.map { g * (qi[$0] - qj[$0]) - decay * p[$0] }, bias: 0)
        let positiveBias = g - biasDecay * positive.bias
        move(&positive, gradient: p.indices.map { g * p[$0] - decay * qi[$0] }, bias: positiveBias)
        let negativeBias = -g - biasDecay * negative.bias
        move(&negative, gradient: p.indices.map { -g * p[$0] - decay * qj[$0] }, bias: negativeBias)
    }

    private static func rate(_ rate: Float, _ schedule: RateSchedule, _ step: Float) -> Float {
        switch schedule {
        case .constant: rate
        case .inverseTime(let halfAfter): rate / (1 + step / halfAfter)
        case .adaGrad: rate / (1 + step).squareRoot()
        }
    }

    private static func advance(_ row: inout Values, _ schedule: RateSchedule, gradient: [Float]) {
        switch schedule {
        case .constant: break
        case .inverseTime: row.step += 1
        case .adaGrad: row.step += dot(gradient, gradient) / Float(gradient.count)
        }
    }

    /// The row that minimises Σ_i c_i (y_i − x·q_i)² + λ_u |x|² over *all* rows of the other side, by Gaussian
    /// elimination: y is 1 and c is 1 + αw for the rows in `weights`, 0 and 1 for the others.
    static func als(others: [[Float]], weights: [Int: Float], _ options: ALS.Options) -> [Float] {
        let factors = others[0].count
        var matrix = Array(repeating: [Double](repeating: 0, count: factors + 1), count: factors)
        var confidences = 0.0
        for (index, other) in others.enumerated() {
            let q = other.map(Double.init)
            let confidence = 1 + Double(options.alpha) * Double(weights[index] ?? 0)
            confidences += confidence
            for k in 0..<factors {
                for l in 0..<factors { matrix[k][l] += confidence * q[k] * q[l] }
                if weights[index] != nil { matrix[k][factors] += confidence * q[k] }
            }
        }
        let decay = Double(options.regularization) * pow(confidences, Double(options.regularizationPower))
        for k in 0..<factors { matrix[k][k] += decay }
        return eliminate(matrix).map { Float($0) }
    }

    /// Solves a linear system whose last column is the right side, by Gaussian elimination with pivots.
    static func eliminate(_ system: [[Double]]) -> [Double] {
        var rows = system
        let count = rows.count
        for column in 0..<count {
            let pivot = (column..<count).max { abs(rows[$0][column]) < abs(rows[$1][column]) } ?? column
            rows.swapAt(column, pivot)
            for row in 0..<count where row != column {
                let ratio = rows[row][column] / rows[column][column]
                for place in column...count { rows[row][place] -= ratio * rows[column][place] }
            }
        }
        return (0..<count).map { rows[$0][count] / rows[$0][$0] }
    }
}
