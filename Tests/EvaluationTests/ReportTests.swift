import Foundation
import Testing

@testable import Evaluation

@Suite("Intervals and comparisons")
struct ReportTests {
    private func sheet(_ name: String, baseline: Bool = false, _ values: [Double]) -> ScoreSheet {
        var sums = UserSums(users: values.count)
        for (user, value) in values.enumerated() { sums.add(value, user: user) }
        var sheet = ScoreSheet(name: name, isBaseline: baseline)
        sheet.set(.hitRate(10), sums)
        return sheet
    }

    private func spread(_ count: Int, _ shift: Double = 0) -> [Double] {
        (0..<count).map { Double(($0 * 37) % 101) / 100 + shift }
    }

    @Test("the interval is as wide as the normal theory says, and holds the mean")
    func width() throws {
        let values = spread(400)
        let comparison = Comparison([sheet("a", values)], bootstrap: Bootstrap(resamples: 2000))
        let finding = try #require(comparison.findings.first)
        let interval = try #require(finding.interval)
        let mean = values.reduce(0, +) / 400
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 400
        let expected = 2 * 1.96 * (variance / 400).squareRoot()
        #expect(interval.contains(mean))
        #expect(abs((interval.upperBound - interval.lowerBound) / expected - 1) < 0.1)
        #expect(finding.users == 400)
    }

    @Test("a seed gives the same interval again, another one another")
    func seeded() {
        func interval(_ seed: UInt64) -> ClosedRange<Double>? {
            Comparison([sheet("a", spread(50))], bootstrap: Bootstrap(resamples: 200, seed: seed))
                .findings[0].interval
        }
        #expect(interval(1) == interval(1))
        #expect(interval(1) != interval(2))
    }

    @Test("differences are paired: a small steady gain is clear though the intervals overlap")
    func paired() throws {
        let comparison = Comparison(
            [sheet("a", spread(100, 0.02)), sheet("popularity", baseline: true, spread(100))],
            bootstrap: Bootstrap(resamples: 500))
        let (a, popularity) = (comparison.findings[0], comparison.findings[1])
        let overlap = try #require(a.interval).overlaps(try #require(popularity.interval))
        #expect(overlap)
        let difference = try #require(a.againstBaseline)
        #expect(difference.against == "popularity" && isClose(difference.difference, 0.02))
        #expect(difference.isClear && a.verdict == 1)
        #expect(popularity.againstBaseline == nil)
        #expect(try #require(popularity.againstFirst).against == "a")
    }

    @Test("the best baseline is the one to beat, and for errors less is better")
    func bestBaseline() throws {
        let sheets = [
            sheet("a", spread(30, 0.1)), sheet("weak", baseline: true, spread(30)),
            sheet("strong", baseline: true, spread(30, 0.3)),
        ]
        let finding = Comparison(sheets, bootstrap: Bootstrap(resamples: 100)).findings[0]
        #expect(finding.againstBaseline?.against == "strong" && finding.verdict == -1)

        func errors(_ name: String, baseline: Bool, _ error: Double) -> ScoreSheet {
            var sums = UserSums(users: 10)
            for user in 0..<10 { sums.add(error, user: user) }
            var sheet = ScoreSheet(name: name, isBaseline: baseline)
            sheet.set(.rmse, sums)
            return sheet
        }
        let ratings = Comparison(
            [errors("sgd", baseline: false, 0.64), errors("means", baseline: true, 0.81)],
            bootstrap: Bootstrap(resamples: 100))
        #expect(isClose(ratings.findings[0].value, 0.8) && ratings.findings[0].verdict == 1)
    }

    @Test("whole users are drawn: many events of few users make a wide interval")
    func clustered() throws {
        var (clustered, independent) = (UserSums(users: 10), UserSums(users: 1000))
        for event in 0..<1000 {
            let hit = event % 10 < 5 ? 1.0 : 0.0
            clustered.add(hit, user: event % 10)
            independent.add(hit, user: event)
        }
        func width(_ sums: UserSums) throws -> Double {
            var sheet = ScoreSheet(name: "a", isBaseline: false)
            sheet.set(.recall(10), sums)
            let findings = Comparison([sheet], bootstrap: Bootstrap(resamples: 500)).findings
            let interval = try #require(findings[0].interval)
            return interval.upperBound - interval.lowerBound
        }
        #expect(try width(clustered) > 5 * width(independent))
    }

    @Test("one user has no interval, and no resamples give none")
    func noInterval() {
        let one = Comparison([sheet("a", [0.5])], bootstrap: Bootstrap())
        #expect(one.findings[0].interval == nil && one.findings[0].value == 0.5)
        let none = Comparison([sheet("a", spread(30))], bootstrap: Bootstrap(resamples: 0))
        #expect(none.findings[0].interval == nil)
    }

    @Test("variety has no winner: neither verdict nor difference")
    func variety() {
        var sheets = [sheet("a", spread(5)), sheet("random", baseline: true, spread(5))]
        sheets[0].set(.coverage(10), 0.2)
        sheets[1].set(.coverage(10), 0.9)
        let findings = Comparison(sheets, bootstrap: Bootstrap(resamples: 10)).findings
        let coverage = findings.filter { $0.metric == .coverage(10) }
        #expect(coverage.map(\.value) == [0.2, 0.9])
        #expect(coverage.allSatisfy { $0.interval == nil && $0.againstBaseline == nil && $0.verdict == 0 })
    }

    @Test("quantiles are linear between the values")
    func quantiles() {
        #expect(Bootstrap.quantile(0.5, [1, 2, 3, 4]) == 2.5)
        #expect(Bootstrap.quantile(0, [1, 2]) == 1 && Bootstrap.quantile(1, [1, 2]) == 2)
    }

    @Test("a moving mean forgets what left the window")
    func movingMean() {
        var mean = MovingMean(length: 3)
        #expect(mean.mean == nil)
        for value in [1.0, 2, 3, 4, 5] { mean.add(value) }
        #expect(mean.mean == 4 && mean.count == 3)
    }
}
