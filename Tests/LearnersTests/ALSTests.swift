import Factors
import Foundation
import Testing

@testable import Learners

@Suite("Alternating least squares")
struct ALSTests {
    private func options(_ power: Float) -> ALS.Options {
        var options = ALS.Options()
        (options.alpha, options.regularization, options.regularizationPower) = (7, 0.05, power)
        return options
    }

    @Test(
        "a solved row is the closed form's, few rows or many",
        arguments: [0, 1, 5, 64, 255, 256, 257, 600], [0, 0.5, 1] as [Float])
    func closedForm(taken: Int, power: Float) {
        let items = Rows(700, factors: 16, seed: 3)
        let weights = Dictionary(
            uniqueKeysWithValues: (0..<taken).map { ($0, 0.5 + Float($0 % 4)) })
        let expected = Reference.als(
            others: (0..<700).map { items[$0].vector }, weights: weights, options(power))
        let als = ALS(options: options(power), updateGuard: UpdateGuard(normMax: 100))
        let user = Rows(1, factors: 16)
        let result = als.solve(
            gramian: Gramian(of: items.table), others: items.table, rows: (0..<Int32(taken)),
            weights: (0..<taken).map { weights[$0] ?? 0 }, into: user[0],
            workspace: ALSWorkspace(factors: 16))
        #expect(result == .applied)
        for (a, b) in zip(user[0].vector, expected) { #expect(abs(a - b) < 2e-4) }
        #expect(user[0].bias == 0)
    }

    @Test(
        "at a solved row the numeric gradient of the weighted loss is nought, of dislikes wanted at −1 or at 0",
        arguments: [Double?.none, -1, 0])
    func gradientVanishes(disliked: Double?) {
        let items = Rows(40, factors: 8, seed: 3)
        var options = options(0)
        options.dislikesAreZero = disliked == 0
        let als = ALS(options: options, updateGuard: UpdateGuard(normMax: 100))
        let user = Rows(1, factors: 8)
        _ = als.solve(
            gramian: Gramian(of: items.table), others: items.table, rows: [1, 5, 7] as [Int32],
            weights: [1, disliked == nil ? 2 : -2, 0.5] as [Float], into: user[0],
            workspace: ALSWorkspace(factors: 8))
        let weights: [Int: Double] = [1: 1, 5: 2, 7: 0.5]
        func loss(_ x: [Double]) -> Double {
            var sum = 0.05 * x.reduce(0) { $0 + $1 * $1 }
            for item in 0..<40 {
                let score = zip(x, items[item].vector).reduce(0) { $0 + $1.0 * Double($1.1) }
                let wanted = item == 5 ? disliked ?? 1 : 1
                let error = (weights[item] == nil ? 0 : wanted) - score
                sum += (1 + 7 * (weights[item] ?? 0)) * error * error
            }
            return sum
        }
        let solved = user[0].vector.map(Double.init)
        for factor in 0..<8 {
            var (above, below) = (solved, solved)
            above[factor] += 1e-3
            below[factor] -= 1e-3
            #expect(abs(loss(above) - loss(below)) / 2e-3 < 1e-3)
            #expect(loss(above) > loss(solved) && loss(below) > loss(solved))
        }
    }

    @Test(
        "a solution that is not finite, past the bound or not there leaves the row as it was",
        arguments: [Float.nan, .infinity, 1, 0])
    func guardRestores(weight: Float) {
        let items = Rows(4, factors: 16, seed: 3)
        let user = Rows(1, factors: 16)
        let before = Reference.Values(user[0])
        var options = options(0)
        // Four rows do not span sixteen factors: without λ there is no solution.
        if weight == 0 { options.regularization = 0 }
        let als = ALS(options: options, updateGuard: UpdateGuard(normMax: weight == 1 ? 1e-3 : 100))
        let result = als.solve(
            gramian: Gramian(of: items.table), others: items.table, rows: [2] as [Int32],
            weights: [weight], into: user[0], workspace: ALSWorkspace(factors: 16))
        #expect(result == .rejected)
        #expect(Reference.Values(user[0]) == before)
    }

    @Test("a workspace forgets what it solved before")
    func workspaceClears() {
        let items = Rows(700, factors: 16, seed: 3)
        let als = ALS(options: options(1), updateGuard: UpdateGuard(normMax: 100))
        let gramian = Gramian(of: items.table)
        let workspace = ALSWorkspace(factors: 16)
        func solve(_ rows: Range<Int32>, _ workspace: ALSWorkspace) -> [Float] {
            let user = Rows(1, factors: 16)
            _ = als.solve(
                gramian: gramian, others: items.table, rows: rows, weights: rows.map { _ in 1 },
                into: user[0], workspace: workspace)
            return user[0].vector
        }
        let fresh = solve(0..<5, workspace)
        _ = solve(0..<600, workspace)
        #expect(solve(0..<5, workspace) == fresh)
    }

    @Test("each half-life halves what an event counts; off, all count alike")
    func recency() {
        var options = ALS.Options()
        #expect(options.recencyWeight(eventsAgo: 1_000) == 1)
        options.halfLifeEvents = 4
        #expect(options.recencyWeight(eventsAgo: 0) == 1)
        #expect(options.recencyWeight(eventsAgo: 4) == 0.5)
        #expect(options.recencyWeight(eventsAgo: 8) == 0.25)
    }
}

@Suite("Gramian")
struct GramianTests {
    private func plain(_ rows: Rows, _ count: Int, _ k: Int, _ l: Int) -> Double {
        (0..<count).reduce(0) { sum, index in
            let vector = rows[index].vector
            return sum + Double(vector[k]) * Double(vector[l])
        }
    }

    @Test("summed at once or row by row it is the sum of outer products")
    func sums() {
        let rows = Rows(2_500, factors: 16, seed: 4)
        let atOnce = Gramian(of: rows.table)
        var byRow = Gramian(factors: 16)
        for index in 0..<2_500 { byRow.add(rows[index]) }
        #expect(atOnce.rows == 2_500 && byRow.rows == 2_500)
        for k in 0..<16 {
            for l in 0..<16 {
                let expected = plain(rows, 2_500, k, l)
                #expect(abs(byRow[k, l] - expected) < 1e-9)
                #expect(abs(atOnce[k, l] - expected) < 1e-3)
            }
        }
        #expect(atOnce.distance(to: byRow) < 1e-3)
    }

    @Test("rows taken off and replaced ten thousand times leave next to no drift")
    func drift() {
        let rows = Rows(50, factors: 16, seed: 4)
        var gramian = Gramian(factors: 16)
        for index in 0..<50 { gramian.add(rows[index]) }
        var random = KeyedRandom(seed: 1)
        for _ in 0..<10_000 {
            let row = rows[random.next(below: 50)]
            let old = row.vector
            row.set(vector: old.map { $0 * 0.9 + Float(random.nextNormal()) * 0.1 }, bias: 0)
            gramian.replace(old, with: row)
        }
        var anew = Gramian(factors: 16)
        for index in 0..<50 { anew.add(rows[index]) }
        #expect(gramian.distance(to: anew) < 1e-9)
        for index in 0..<50 { gramian.remove(rows[index]) }
        #expect(gramian.rows == 0)
        #expect(gramian.distance(to: Gramian(factors: 16)) < 1e-9)
    }

    @Test("its blob restores it to the bit; another size or a torn blob restores nothing")
    func blob() throws {
        let gramian = Gramian(of: Rows(30, factors: 16, seed: 4).table)
        let restored = try #require(Gramian(blob: gramian.blob, factors: 16))
        #expect(restored.blob == gramian.blob)
        #expect(restored.rows == 30)
        for k in 0..<16 { for l in 0..<16 { #expect(restored[k, l] == gramian[k, l]) } }
        #expect(Gramian(blob: gramian.blob, factors: 24) == nil)
        #expect(Gramian(blob: gramian.blob.dropLast(), factors: 16) == nil)
        #expect(Gramian(blob: Data(), factors: 16) == nil)
    }
}
