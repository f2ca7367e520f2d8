import Factors
import Foundation
import Testing

@testable import LiveScores

@Suite("A model's live score")
struct PrequentialScoreTests {
    @Test(
        "a model that learns nothing is flagged once its window tells it from noise, and no longer when level"
    )
    func flag() {
        var score = PrequentialScore(windowEvents: 2_000)
        var random = KeyedRandom(seed: 5)
        func add(_ events: Int, model: Double, baseline: Double) {
            for _ in 0..<events {
                score.add(
                    ScoreSample(
                        model: random.nextUnit() < model ? 1 : 0,
                        baseline: random.nextUnit() < baseline ? 1 : 0))
            }
        }
        func loses(before: Bool = false) -> Bool { score.window.loses(lessIsBetter: false, before: before) }
        add(400, model: 0.1, baseline: 0.6)
        #expect(!loses(), "too few events for a verdict")
        add(1_600, model: 0.3, baseline: 0.3)
        #expect(loses())
        add(4_000, model: 0.3, baseline: 0.3)
        #expect(!loses(), "level but for noise")
        add(2_000, model: 0.3, baseline: 0.5)
        #expect(loses())
        add(4_000, model: 0.5, baseline: 0.3)
        #expect(!loses(before: true))
        #expect(score.window.loses(lessIsBetter: true, before: false), "as errors, more is worse")
    }

    @Test(
        "the score comes back from its blob; one of the first layout keeps its totals and starts a new window"
    )
    func scoreBlob() {
        var score = PrequentialScore(windowEvents: 300)
        for number in 0..<1_000 {
            score.add(ScoreSample(model: Float(number % 3), baseline: Float(number % 2)))
        }
        var back = PrequentialScore(windowEvents: 300)
        back.restore(score.blob)
        #expect(back == score)

        let words: [UInt64] = [
            3, 1, 7, (2.5).bitPattern, (1.5).bitPattern, 7, (2.5).bitPattern, (1.5).bitPattern,
        ]
        let old = Data(words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) } })
        var restored = PrequentialScore(windowEvents: 300)
        restored.restore(old)
        #expect(restored.total.count == 7 && restored.total.model == 2.5)
        #expect(restored.window.count == 0)
        for length in 0..<score.blob.count { back.restore(score.blob.prefix(length)) }
    }
}
