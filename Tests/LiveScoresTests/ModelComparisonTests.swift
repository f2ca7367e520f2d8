import Evaluation
import Events
import Factors
import Foundation
import Testing

@testable import LiveScores

@Suite("Models on the same events")
struct ModelComparisonTests {
    private static let names = ["old", "new", "stars"]

    private func comparison(
        _ configured: String = "best", names: [String] = Self.names, window: Int = 20_000
    ) -> ModelComparison {
        ModelComparison(
            models: names.map { ($0, $0 == "stars") }, configured: configured, rule: PromotionRule(),
            windowEvents: window)
    }

    /// Of each model by name the probability of a hit, one event in four compared.
    private func feed(
        _ comparison: inout ModelComparison, events: Range<Int>, seed: UInt64 = 1, _ hits: [String: Double],
        then: (inout ModelComparison, Promotion?) -> Void = { _, _ in }
    ) {
        for event in events {
            var random = KeyedRandom(seed: seed, stream: 7, index: UInt64(event))
            if random.next(below: 4) == 0 {
                let draws = Dictionary(uniqueKeysWithValues: Self.names.map { ($0, random.nextUnit()) })
                let models = comparison.models
                comparison.add { (draws[models[$0]] ?? 1) < (hits[models[$0]] ?? 0) ? 1 : 0 }
            }
            let promotion = comparison.endEvent(
                Token(partition: 0, offset: Int64(event)), ordinal: Int64(event) + 1)
            then(&comparison, promotion)
        }
    }

    @Test("the model that leads for sure becomes the default, once, with the numbers that say why")
    func promotes() throws {
        var comparison = comparison()
        #expect(comparison.defaultModel.name == "old", "the first that ranks")
        var promotions: [Promotion] = []
        feed(&comparison, events: 0..<150_000, ["old": 0.3, "new": 0.4, "stars": 0.1]) {
            if let promotion = $1 { promotions.append(promotion) }
        }
        #expect(promotions.count == 1)
        let promotion = try #require(promotions.first)
        #expect(promotion.model == "new" && promotion.over == "old")
        #expect(promotion.ordinal.isMultiple(of: Int64(PromotionRule.eventsPerLook)))
        #expect(promotion.offset == promotion.ordinal - 1)
        let lead = try #require(promotion.lead)
        #expect(lead.lead > 0.02 && lead.evidence >= lead.evidenceNeeded && lead.evidenceNeeded == 200)
        #expect(comparison.defaultModel.promotions == 1 && comparison.defaultModel.promoted == promotion)
        #expect(promotion.because.hasPrefix("recall@10 higher by 0."))
    }

    @Test("models that are level, or lead by less than the margin, stay where they are")
    func stays() {
        for (number, hits) in [(1, 0.3), (2, 0.304)] as [(UInt64, Double)] {
            var comparison = comparison()
            feed(&comparison, events: 0..<120_000, seed: number, ["old": 0.3, "new": hits, "stars": 0.3])
            #expect(comparison.defaultModel.name == "old" && comparison.defaultModel.promotions == 0)
        }
    }

    @Test("a model that falls behind gives way again, and one that led long ago does not become the default")
    func givesWay() {
        var comparison = comparison()
        feed(&comparison, events: 0..<60_000, ["old": 0.3, "new": 0.4])
        #expect(comparison.defaultModel.name == "new")
        feed(&comparison, events: 60_000..<160_000, ["old": 0.4, "new": 0.3])
        #expect(comparison.defaultModel.name == "old" && comparison.defaultModel.promotions == 2)
    }

    @Test("saved and restored at any moment, the models in another order, it goes on as if nothing had been")
    func restarts() throws {
        let hits = ["old": 0.3, "new": 0.36, "stars": 0.2]
        var undisturbed = comparison()
        feed(&undisturbed, events: 0..<80_000, hits)
        #expect(undisturbed.defaultModel.name == "new")
        var restarted = comparison()
        var names = Self.names
        feed(&restarted, events: 0..<80_000, hits) { current, _ in
            guard current.pairs.eventsInBlock == 357 else { return }
            names.swapAt(0, 2)
            var next = self.comparison(names: names)
            let restored = next.restore(current.blob, json: current.defaultModel.json)
            #expect(restored)
            current = next
        }
        #expect(restarted.defaultModel.promoted == undisturbed.defaultModel.promoted)
        #expect(restarted.defaultModel.json == undisturbed.defaultModel.json)
        let (mine, theirs) = (restarted.models, undisturbed.models)
        for name in Self.names where name != "new" {
            let (my, their) = (
                try #require(mine.firstIndex(of: name)), try #require(theirs.firstIndex(of: name))
            )
            #expect(restarted.lead(of: my) == undisturbed.lead(of: their))
        }
        var same = comparison()
        let restored = same.restore(undisturbed.blob, json: undisturbed.defaultModel.json)
        #expect(restored && same == undisturbed)
    }

    @Test(
        "a lead is the difference of the same events, over the window and over all, and turns with the default"
    )
    func leads() throws {
        var comparison = comparison("stars", window: 2_000)
        for event in 0..<10_000 {
            // `new` hits twice of three at first, and never in the end; `stars` once; `old` is not always asked.
            comparison.add { model in
                switch model {
                case 0: event % 2 == 0 ? 1 : .nan
                case 1: event < 7_000 && event % 3 > 0 ? 1 : 0
                default: event % 3 == 0 ? 1 : 0
                }
            }
            _ = comparison.endEvent(Token(partition: 0, offset: Int64(event)), ordinal: Int64(event) + 1)
        }
        let lead = try #require(comparison.lead(of: 1))
        #expect(lead.over == "stars" && lead.measure == .recall)
        #expect(lead.total.count == 10_000 && abs(lead.total.mean - (0.7 * 2 / 3 - 1.0 / 3)) < 1e-3)
        #expect(lead.window.count <= 2_000 && lead.window.count >= 1_900)
        #expect(abs(lead.window.mean + 1.0 / 3) < 1e-3)
        #expect(comparison.lead(of: 0)?.total.count == 5_000)
        #expect(comparison.lead(of: 2) == nil)
        let promotion = comparison.promote("new", at: Token(partition: 2, offset: 9), ordinal: 10_001)
        #expect(promotion?.over == "stars" && promotion?.lead == nil && promotion?.token.description == "2:9")
        #expect(comparison.lead(of: 2)?.total.mean == -lead.total.mean)
        let nobody = comparison.promote("nobody", at: Token(partition: 0, offset: 0), ordinal: 1)
        #expect(nobody == nil)
    }

    @Test(
        "without best nothing is promoted by itself; a promotion asked for stands until the configuration changes"
    )
    func configured() {
        var comparison = comparison("old")
        feed(&comparison, events: 0..<60_000, ["old": 0.1, "new": 0.5])
        #expect(comparison.defaultModel.name == "old")
        _ = comparison.promote("new", at: Token(partition: 0, offset: 60_000), ordinal: 60_001)
        let json = comparison.defaultModel.json

        var same = self.comparison("old")
        let stands = same.restore(comparison.blob, json: json)
        #expect(stands)
        #expect(same.defaultModel.name == "new" && same.defaultModel.overruled == nil)
        #expect(same.defaultModel.promoted?.token == Token(partition: 0, offset: 60_000))
        var changed = self.comparison("stars")
        let gives = changed.restore(comparison.blob, json: json)
        #expect(gives)
        #expect(changed.defaultModel.name == "stars" && changed.defaultModel.overruled == "new")
        #expect(changed.defaultModel.promoted == nil && changed.defaultModel.promotions == 1)
        var automatic = self.comparison("best")
        let begins = automatic.restore(comparison.blob, json: json)
        #expect(begins)
        #expect(automatic.defaultModel.isAutomatic && automatic.defaultModel.name == "old")
        // Of a state that knew nothing of this, what the configuration says holds.
        var older = self.comparison("new")
        let isOlder = older.restore(nil, json: nil)
        #expect(isOlder && older.defaultModel.name == "new")
    }

    @Test("what is cut short or changed in a file is refused, and nothing worse")
    func malformed() {
        var comparison = comparison()
        feed(&comparison, events: 0..<9_000, ["old": 0.3, "new": 0.4])
        let blob = comparison.blob
        for length in stride(from: 0, to: blob.count, by: 5) {
            var other = self.comparison()
            let isTaken = other.restore(blob.prefix(length), json: nil)
            #expect(!isTaken)
        }
        var random = KeyedRandom(seed: 9)
        for _ in 0..<2_000 {
            var changed = blob
            changed[random.next(below: blob.count)] = UInt8(random.next(below: 256))
            var other = self.comparison()
            _ = other.restore(changed, json: Data(changed.prefix(40)))
            _ = other.endEvent(Token(partition: 0, offset: 0), ordinal: 1)
        }
    }

    @Test("best begins with the model that is named first of all, or with the first that ranks")
    func beginning() {
        func first(_ name: String?) -> String {
            ModelComparison(
                models: [("stars", true), ("likes", false), ("blend", false)], configured: "best",
                first: name,
                rule: PromotionRule(), windowEvents: 100
            ).defaultModel.name
        }
        #expect(first(nil) == "likes" && first("blend") == "blend" && first("gone") == "likes")
    }

    @Test(
        "models that all predict ratings are compared by the variance explained, bounded at three deviations")
    func explained() {
        let comparison = ModelComparison(
            models: [("a", true), ("b", true)], configured: "a", rule: PromotionRule(), windowEvents: 100)
        #expect(comparison.measure == .explained && comparison.measure.unit == 9)
        #expect(CommonMeasure.worth(ofError: 0) == 1 && CommonMeasure.worth(ofError: -50) == 0)
        let difference = CommonMeasure.worth(ofError: 0.5) - CommonMeasure.worth(ofError: 1)
        #expect(abs(Double(difference) * comparison.measure.unit - 0.75) < 1e-6)
    }
}
