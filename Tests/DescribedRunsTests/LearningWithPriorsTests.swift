import Testing

@testable import DescribedRuns

@Suite("What descriptions cost learning")
struct LearningWithPriorsTests {
    @Test("a described stream is learned to its end with and without priors, in turn")
    func both() throws {
        let learning = try LearningWithPriors(users: 20, items: 30, events: 1_500, tags: 12)
        // Descriptions come beside the events.
        #expect(learning.events == 1_530)
        let result = try learning.measure(runs: 2)
        #expect(result.with.count == 2 && result.without.count == 2)
        #expect((result.with + result.without).allSatisfy { $0 > 0 && $0.isFinite })
        #expect(result.best.with == result.with.max() && result.best.without == result.without.max())
    }
}
