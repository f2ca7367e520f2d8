internal import Foundation

/// Σ w exp(λ S − ψ(λ) V) over a grid of rates λ, where S = Σ ξ, V = Σ ξ² and ψ(λ) = −log(1 − λ) − λ: if each ξ ≥ −1 has an
/// expectation of 0 or less given those before it, this is at most a supermartingale that begins at 1, because
/// exp(λξ − ψ(λ)ξ²) ≤ 1 + λξ (Fan, Grama, Liu 2015). By Ville's inequality it ever reaches 1/α with probability α at most.
///
/// The grid, with all weights alike, takes the place of the rate that would have been best in hindsight, which costs the
/// logarithm of its length (the discrete mixtures of Howard et al. 2021, and the bets of Waudby-Smith and Ramdas,
/// "Estimating means of bounded random variables by betting", 2024).
enum ExponentialMixture {
    /// Each half of the one before: from what suits some ten events that all agree to what suits a hundred million.
    private static let rates: [(rate: Double, cost: Double)] = (1...14).map { power in
        let rate = exp2(-Double(power))
        return (rate, -log1p(-rate) - rate)
    }
    private static let logWeight = -log(Double(rates.count))

    /// The logarithm of the sum.
    static func logEvidence(sum: Double, squares: Double) -> Double {
        logSum(rates.map { logWeight + $0.rate * sum - $0.cost * squares })
    }

    /// The S that is reached at this V, or at any other by a bound that grows with V, with probability `error` at most.
    static func boundary(squares: Double, error: Double) -> Double {
        let wanted = -log(error)
        // Each term alone reaches it no sooner than all together.
        let alone = rates.map { (wanted - logWeight + $0.cost * squares) / $0.rate }
        var (low, high) = (0.0, alone.min() ?? .infinity)
        // Down to the last digits of a double.
        for _ in 0..<60 {
            let middle = (low + high) / 2
            if logEvidence(sum: middle, squares: squares) < wanted { low = middle } else { high = middle }
        }
        return high
    }

    /// log Σ exp x, without overflow.
    static func logSum(_ logs: [Double]) -> Double {
        guard let greatest = logs.max(), greatest > -.infinity else { return -.infinity }
        return greatest + log(logs.reduce(0) { $0 + exp($1 - greatest) })
    }
}
