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
