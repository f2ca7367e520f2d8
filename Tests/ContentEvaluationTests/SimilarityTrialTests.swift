import FeatureMaps
import Testing

@testable import ContentEvaluation

@Suite("Trial of similarity")
struct SimilarityTrialTests {
    /// Every user rates every item but one; `taste` decides how.
    private func ratings(users: Int, items: Int, _ value: (Int, Int) -> Float) -> DescribedRatings.Ratings {
        var (rows, columns, values): ([Int32], [Int32], [Float]) = ([], [], [])
        for user in 0..<users {
            for item in 0..<items where (user + item) % 7 != 0 {
                rows.append(Int32(user))
                columns.append(Int32(item))
                values.append(value(user, item))
            }
        }
        return DescribedRatings.Ratings(users: rows, items: columns, values: values)
    }

    @Test("similarities are cosines of residuals, symmetric, and of items rated often enough alone")
    func cosines() throws {
        let trial = try #require(
            SimilarityTrial(
                ratings(users: 30, items: 12) { $0 % 2 == $1 % 2 ? 5 : 1 }, itemCount: 14, ratingsMin: 10,
                heldOut: 0.25, seed: 1))
        #expect(trial.items.sorted() == Array(0..<12) && trial.learned == 9)
        for left in 0..<12 {
            for right in 0..<12 {
                let value = trial.similarities[left * 12 + right]
                #expect(abs(value - trial.similarities[right * 12 + left]) < 1e-5)
                if left == right {
                    #expect(abs(value - 1) < 1e-4)
                } else {
                    let isAlike = trial.items[left] % 2 == trial.items[right] % 2
                    #expect((value > 0.3) == isAlike)
                }
            }
        }
        #expect(
            SimilarityTrial(
                ratings(users: 30, items: 12) { _, _ in 3 }, itemCount: 12, ratingsMin: 100, heldOut: 0.2,
                seed: 1) == nil)
    }

    @Test("Pearson's correlation is the textbook's, of either kind of pairs, and weights are repetitions")
    func correlation() throws {
        let trial = try #require(
            SimilarityTrial(
                ratings(users: 30, items: 10) { Float(($0 * 3 + $0 * $1 + $1 * $1) % 5 + 1) }, itemCount: 10,
                ratingsMin: 10, heldOut: 0.3, seed: 4))
        let values = (0..<100).map { place -> Float in
            let (left, right) = (min(place / 10, place % 10), max(place / 10, place % 10))
            return Float((left * 7 + right * 3) % 11)
        }
        for pairs in SimilarityTrial.Pairs.allCases {
            var (x, y): ([Double], [Double]) = ([], [])
            for left in 0..<10 {
                for right in 0..<left where (pairs == .learned) == (left < trial.learned) {
                    x.append(Double(values[left * 10 + right]))
                    y.append(Double(trial.similarities[left * 10 + right]))
                }
            }
            #expect(x.count == trial.count(pairs))
            let (mx, my) = (x.reduce(0, +) / Double(x.count), y.reduce(0, +) / Double(y.count))
            let xy = zip(x, y).reduce(0) { $0 + ($1.0 - mx) * ($1.1 - my) }
            let (xx, yy) = (
                x.reduce(0) { $0 + ($1 - mx) * ($1 - mx) }, y.reduce(0) { $0 + ($1 - my) * ($1 - my) }
            )
            let own = try #require(trial.correlation(values, pairs))
            #expect(abs(own - xy / (xx * yy).squareRoot()) < 1e-9)
            let twos = try #require(
                trial.correlation(values, pairs, weights: Array(repeating: 2, count: 10)))
            #expect(abs(own - twos) < 1e-9)
            let perfect = try #require(trial.correlation(trial.similarities, pairs))
            #expect(abs(perfect - 1) < 1e-6)
            #expect(trial.correlation(Array(repeating: 1, count: 100), pairs) == nil)
        }
        let draws = trial.resampled([values, trial.similarities], .heldOut, resamples: 5, seed: 1)
        #expect(draws[0].count == 5 && Set(draws[0]).count > 1)
        #expect(draws[1].allSatisfy { $0.isNaN || abs($0 - 1) < 1e-6 })
    }

    @Test("the cosine of features counts what is shared")
    func features() throws {
        let trial = try #require(
            SimilarityTrial(
                ratings(users: 30, items: 8) { Float(($0 + $1) % 3) }, itemCount: 8, ratingsMin: 5,
                heldOut: 0.25, seed: 1))
        var features = FeatureMatrix(columns: 4)
        for row in 0..<8 { features.append(row == 0 ? [] : row == 1 ? [0, 1] : [1, 2, 3]) }
        let cosines = trial.cosines(of: features)
        #expect(cosines[1 * 8 + 2] == cosines[2 * 8 + 1])
        #expect(abs(cosines[1 * 8 + 2] - 1 / Float(6).squareRoot()) < 1e-6)
        #expect(cosines[0] == 0 && cosines[0 * 8 + 5] == 0 && abs(cosines[3 * 8 + 3] - 1) < 1e-6)
    }
}
