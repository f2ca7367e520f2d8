import FeatureMaps
import Histories
import Learners
import State
import Testing

@testable import LookUps

@Suite("Items' features as look-ups see them")
struct PublishedFeaturesTests {
    @Test("a taste made before features got other numbers says nothing, and reads past no end")
    func newSolution() throws {
        let (priors, published) = (ItemPriors(models: 1, options: ItemPriors.Options()), PublishedFeatures())
        func solve(_ range: Range<Int>) {
            for item in range { priors.setFeatures(["tag \(item / 5)"], of: item) }
            priors.solve([nil], users: { _ in 3 }) { _, _, _, _ in }
            published.take(priors)
        }
        solve(0..<10)
        var history = History()
        history.set(HistoryEntry(item: 0, value: 1, time: 0, order: 0, kind: .signal))
        let taste = try #require(published.taste(of: history, PositiveRule(ratingMin: 4)))
        #expect(published.likings(taste, [0, 5], .tag).first ?? 0 > 0)
        solve(10..<500)
        #expect(published.likings(taste, [0, 5, 499], .tag) == [0, 0, 0])
        #expect(published.shares(taste, of: 499, weight: { _ in 1 }, ofLast: 1).isEmpty)
    }
}
