import Factors
import Testing

@Suite("Principal components")
struct PrincipalComponentsTests {
    /// Rows that differ along two known directions alone, three times as much along the first.
    private func rows(_ count: Int, factors: Int) -> ([Float], [(Float, Float)]) {
        var random = KeyedRandom(seed: 3)
        var (rows, known): ([Float], [(Float, Float)]) = ([], [])
        for _ in 0..<count {
            let (a, b) = (3 * Float(random.nextNormal()), Float(random.nextNormal()))
            known.append((a, b))
            // Of length 1 and at right angles to each other.
            rows += (0..<factors).map { factor in
                5 + (factor == 0 ? 0.6 * a - 0.8 * b : factor == 1 ? 0.8 * a + 0.6 * b : 0)
            }
        }
        return (rows, known)
    }

    @Test("known directions are found, with the part that each explains")
    func known() throws {
        let (rows, known) = rows(5_000, factors: 16)
        let found = try #require(PrincipalComponents(of: rows, factors: 16, 3))
        #expect(abs(found.explained[0] - 0.9) < 0.01 && abs(found.explained[1] - 0.1) < 0.01)
        #expect(found.explained[2] < 1e-4)
        let means = (
            known.reduce(0) { $0 + $1.0 } / Float(known.count),
            known.reduce(0) { $0 + $1.1 } / Float(known.count)
        )
        var worst: Float = 0
        for (row, place) in known.enumerated() {
            worst = max(worst, abs(abs(found.places[0][row]) - abs(place.0 - means.0)))
        }
        #expect(worst < 0.2)
        for row in 0..<known.count { #expect(abs(found.places[2][row]) < 1e-3) }
    }

    /// numpy.linalg.svd(X - X.mean(0)) of the same 20 × 8 numbers, each axis turned so that its largest part is positive.
    @Test("singular values, parts explained and places are NumPy's to 1e-4")
    func numpy() throws {
        let (count, factors) = (20, 8)
        let rows = (0..<count * factors).map { index -> Float in
            let (row, factor) = (index / factors, index % factors)
            return Float((row * 7 + factor * 13 + row * row * factor * 3) % 23) / 10 - 1
        }
        let found = try #require(PrincipalComponents(of: rows, factors: factors, 3))
        let expected: [(singular: Float, explained: Float, places: [Float])] = [
            (
                4.184435, 0.244008,
                [
                    -0.94152, 0.38166, 1.0618, -0.17264, -1.31052, -0.91437, 0.1265, -2.00083, -0.44231,
                    -0.78231, 0.6855, -0.80528, 1.26067, 1.22205, 0.0245, -0.63787, 0.37788, 1.47166, 0.54135,
                    0.85409,
                ]
            ),
            (
                3.80048, 0.201283,
                [
                    0.07579, 0.7072, 0.6822, 0.75377, 0.50918, 0.53912, -0.22697, 0.49669, -1.76429, -1.03862,
                    -0.33776, -0.71342, -0.37701, -0.94187, 1.82019, -0.90686, 0.51509, 0.50387, 0.72183,
                    -1.01813,
                ]
            ),
            (
                3.696435, 0.190413,
                [
                    -0.93985, -1.54264, 1.55542, 0.93689, 0.86508, -0.0174, 0.65858, -1.05717, -0.72104,
                    0.3233,
                    -0.25766, 0.66785, -1.2192, 0.58001, -0.0667, 0.41472, 0.7788, -1.01553, -0.08985,
                    0.14638,
                ]
            ),
        ]
        for (axis, expected) in expected.enumerated() {
            #expect(abs(found.singularValues[axis] - expected.singular) < 1e-4)
            #expect(abs(found.explained[axis] - expected.explained) < 1e-4)
            for (own, numpy) in zip(found.places[axis], expected.places) { #expect(abs(own - numpy) < 1e-4) }
        }
    }

    @Test("the places' squares add up to what the axes explain, and axes do not correlate")
    func orthogonal() throws {
        var random = KeyedRandom(seed: 8)
        let (count, factors) = (3_000, 24)
        let rows = (0..<count * factors).map { index in
            Float(random.nextNormal()) * Float(1 + index % factors)
        }
        let found = try #require(PrincipalComponents(of: rows, factors: factors, 3))
        var total = 0.0
        for factor in 0..<factors {
            let column = (0..<count).map { Double(rows[$0 * factors + factor]) }
            let mean = column.reduce(0, +) / Double(count)
            total += column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
        }
        for (axis, explained) in zip(found.places, found.explained) {
            let variance = axis.reduce(0) { $0 + Double($1) * Double($1) } / Double(count)
            #expect(abs(variance / total - Double(explained)) < 1e-3)
        }
        let product = zip(found.places[0], found.places[1]).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        #expect(abs(product / Double(count)) < 1e-2 * total)
    }

    @Test("rows that are all alike, a single one, or no numbers have none")
    func none() {
        #expect(PrincipalComponents(of: [Float](repeating: 2, count: 80), factors: 8, 3) == nil)
        #expect(PrincipalComponents(of: [Float](repeating: 2, count: 8), factors: 8, 3) == nil)
        var rows = [Float](repeating: 2, count: 80)
        (rows[3], rows[9]) = (.nan, 1)
        #expect(PrincipalComponents(of: rows, factors: 8, 3) == nil)
    }
}
