import Factors
import Foundation
import Learners
import Testing

@testable import Blending

@Suite("Combining the scores of models")
struct BlendingTests {
    private static let shape = BlendShape(parts: [
        BlendShape.Part(name: "popular", source: .count), BlendShape.Part(name: "likes", source: .ranking),
        BlendShape.Part(name: "next", source: .succession), BlendShape.Part(name: "repeat", source: .chance),
    ])

    /// Items of random numbers, some of which parts know nothing of.
    private func sample(_ count: Int, seed: UInt64, taken: Int = 0) -> BlendSample {
        var random = KeyedRandom(seed: seed)
        var features = BlendFeatures(shape: Self.shape, count: count)
        for place in 0..<count {
            features.set(0, at: place, Float(random.nextUnit() * 5))
            features.set(1, at: place, Float(random.nextNormal()))
            features.set(1, BlendSource.past, at: place, Float(random.nextNormal()))
            if random.nextUnit() < 0.4 { features.set(2, at: place, Float(random.nextUnit() * 0.2)) }
            if random.nextUnit() < 0.2 { features.set(2, 1, at: place, Float(random.nextUnit() * 0.3)) }
            if random.nextUnit() < 0.3 {
                features.set(3, at: place, Float(random.nextUnit() * 0.1))
                features.setSeen(at: place)
            }
        }
        return BlendSample(
            features: features, weights: (0..<count).map { Float(1 + $0 % 3) }, taken: taken,
            context: BlendContext(events: 5, gap: 60_000, together: 0))
    }

    /// As it is defined, in doubles and without any care for speed.
    private func logLikelihood(_ sample: BlendSample, _ weights: [Double]) -> Double {
        let count = sample.features.count
        let scores = (0..<count).map { place in
            weights.indices.reduce(0.0) {
                $0 + weights[$1] * Double(sample.features.values[$1 * count + place])
            }
        }
        let sum = zip(scores, sample.weights).reduce(0.0) { $0 + Double($1.1) * exp($1.0) }
        return scores[sample.taken] + log(Double(sample.weights[sample.taken])) - log(sum)
    }

    @Test("slope and curvature are those of the logarithm of the likelihood", arguments: [1, 2, 3])
    func gradient(seed: UInt64) {
        let sample = sample(37, seed: seed, taken: Int(seed))
        let weights = Self.shape.firstWeights
        let step = sample.step(sample.features.scores(weights.map { Float($0) }))
        let delta = 1e-4
        func value(_ moves: [Int: Double]) -> Double {
            var moved = weights
            for (place, move) in moves { moved[place] += move }
            return logLikelihood(sample, moved)
        }
        for first in weights.indices {
            let slope = (value([first: delta]) - value([first: -delta])) / (2 * delta)
            #expect(abs(slope - step.slope[first]) < 1e-3)
            for second in weights.indices where second != first {
                let curvature =
                    (value([first: delta, second: delta]) - value([first: delta, second: -delta])
                        - value([first: -delta, second: delta]) + value([first: -delta, second: -delta]))
                    / (4 * delta * delta)
                #expect(abs(-curvature - step.curvature[first * weights.count + second]) < 2e-2)
            }
        }
    }

    @Test("scores and shares are the sums that they say")
    func scores() {
        let sample = sample(21, seed: 9)
        let weights: [Float] = [0.5, -1, 0.1, 2, 0.25, 1.5, 0.75, -0.2]
        let scores = sample.features.scores(weights)
        for place in 0..<21 {
            let plain = weights.indices.reduce(Float(0)) {
                $0 + weights[$1] * sample.features.values[$1 * 21 + place]
            }
            #expect(abs(scores[place] - plain) < 1e-5)
            #expect(abs(sample.features.shares(weights, at: place).reduce(0, +) - plain) < 1e-5)
        }
    }

    @Test("an item taken before has a number for that, and one for what the first part gives")
    func seen() {
        var features = BlendFeatures(shape: Self.shape, count: 2)
        for place in 0..<2 { features.set(0, at: place, Float(3 + place)) }
        features.setSeen(at: 1)
        var weights = [Float](repeating: 0, count: Self.shape.features)
        weights[Self.shape.seenFeature] = 10
        weights[Self.shape.seenCountFeature] = 0.5
        #expect(features.scores(weights) == [0, 12])
        #expect(features.shares(weights, at: 1).last == 12)
    }

    @Test("a part proposes by what was taken as much as that counts beside the user's row, within a bound")
    func past() {
        func ratio(_ own: Float, _ past: Float, of part: Int = 1) -> Float {
            var weights = [Float](repeating: 1, count: Self.shape.features)
            (weights[1], weights[2]) = (own, past)
            return Self.shape.pastRatio(part, weights)
        }
        #expect(ratio(0.5, 0.25) == 0.5 && ratio(0.25, 0.5) == 2)
        #expect(ratio(0.5, 0) == 0 && ratio(0.5, -1) == 0 && ratio(1, 1, of: 0) == 0)
        #expect(ratio(0, 1) == 20 && ratio(-1, 1) == 20 && ratio(1e-6, 1) == 20)
    }

    @Test("a rank counts each item as often as it stands for, and half of those level")
    func rank() {
        let sample = sample(5, seed: 4, taken: 2)
        // They stand for 1, 2, 3, 1, 2.
        #expect(sample.rank([9, 8, 7, 6, 5]) == 3)
        #expect(sample.rank([7, 8, 7, 7, 5]) == 2 + Float(1 + 1) / 2)
    }

    @Test(
        "as many are above the bound as are asked for, fewer where some are level",
        arguments: [0, 9, 10, 200])
    func least(count: Int) {
        var random = KeyedRandom(seed: 5)
        let scores = (0..<count).map { _ in Float(random.next(below: 40)) }
        guard let least = BlendSample.least(scores, first: 10) else {
            #expect(count <= 10)
            return
        }
        #expect(least == scores.sorted(by: >)[10])
    }

    @Test("weights find those that events are drawn by, whatever the scale of a feature")
    func learns() {
        let wanted: [Double] = [0.8, 1.5, 0.3, 0.4, 0, 1, -0.5, -0.4]
        var weights = BlendWeights(first: Self.shape.firstWeights)
        var found = [Double](repeating: 0, count: wanted.count)
        var random = KeyedRandom(seed: 3)
        for event in 0..<4_000 {
            var sample = sample(60, seed: UInt64(1_000 + event))
            let scores = sample.features.scores(wanted.map { Float($0) })
            let chances = zip(scores, sample.weights).map { Double($1) * exp(Double($0)) }
            var left = random.nextUnit() * chances.reduce(0, +)
            sample.taken =
                chances.firstIndex { chance in
                    left -= chance
                    return left < 0
                } ?? 59
            let now = weights.weights(in: sample.context)
            weights.take(sample.step(sample.features.scores(now)))
            // They wander with the last thousand events that they remember; their mean does not.
            if event >= 1_000 { for place in found.indices { found[place] += Double(now[place]) } }
        }
        for (found, wanted) in zip(found, wanted) {
            #expect(abs(found / 3_000 - wanted) < 0.2, "\(found / 3_000) \(wanted)")
        }
    }

    @Test("that counts say nothing of what is taken again is learned within some hundred events")
    func learnsOfTheSeen() {
        let shape = BlendShape(parts: [.init(name: "count", source: .count)])
        let wanted: [Float] = [1, 7, -1]
        var weights = BlendWeights(first: shape.firstWeights)
        let context = BlendContext(events: 5, gap: nil, together: 0)
        var random = KeyedRandom(seed: 4)
        for _ in 0..<800 {
            var features = BlendFeatures(shape: shape, count: 60)
            for place in 0..<60 {
                features.set(0, at: place, 5 + 4 * Float(random.nextUnit()))
                if place < 20 { features.setSeen(at: place) }
            }
            let chances = features.scores(wanted).map { exp(Double($0)) }
            var left = random.nextUnit() * chances.reduce(0, +)
            let taken = chances.firstIndex { chance in
                left -= chance
                return left < 0
            }
            let sample = BlendSample(
                features: features, weights: [Float](repeating: 1, count: 60), taken: taken ?? 59,
                context: context)
            weights.take(sample.step(sample.features.scores(weights.weights(in: context))))
        }
        let found = weights.weights(in: context)
        #expect(abs(found[0] + found[2]) < 0.25, "\(found)")
        #expect(abs(found[0] - wanted[0]) < 0.25, "\(found)")
        #expect(abs(found[1] + 7 * (found[0] + found[2]) - 7 * found[0]) < 0.5, "\(found)")
    }

    @Test("whoever leads by more than noise is followed; the learned weights where nobody does")
    func standings() {
        var standings = BlendStandings(parts: 2)
        #expect(standings.leader == BlendStandings.first)
        for event in 0..<400 { standings.take([event % 4 == 0 ? 1 : 0, 0, event % 2 == 0 ? 1 : 0, 0]) }
        #expect(standings.leader == BlendStandings.part(0))
        for event in 0..<8_000 { standings.take([event % 2 == 0 ? 1 : 0, 0, event % 4 == 0 ? 1 : 0, 0]) }
        #expect(standings.leader == BlendStandings.learned)
        #expect(abs(standings.recall(BlendStandings.learned) - 0.5) < 0.02)
    }

    @Test("fading logarithms are those of counts that fade")
    func fading() {
        let halfLives: [HalfLife] = [.events(50), .never, .milliseconds(10_000), .events(5)]
        let rates = FadingRates(halfLives)
        var random = KeyedRandom(seed: 8)
        var (item, counts) = (FadingLogs.untaken, [0.0, 0, 0, 0])
        var (ordinal, time) = (Int64(1_000_000), Int64(1_700_000_000_000))
        for _ in 0..<200 {
            let (events, elapsed) = (Int64(random.next(below: 9)), Int64(random.next(below: 4_000)))
            ordinal += events
            time += elapsed
            for number in 0..<4 {
                counts[number] =
                    counts[number]
                    * halfLives[number].factor(elapsed: halfLives[number].isTimed ? elapsed : events) + 1
            }
            rates.take(weight: 1, ordinal: ordinal, time: time, &item)
            let values = rates.values(item, ordinal: ordinal, time: time)
            for number in 0..<4 {
                let wanted = Float(log(counts[number] / Double(FadingRates.least)))
                #expect(abs(values[number] - wanted) < 1e-3)
            }
        }
        #expect(rates.values(.untaken, ordinal: 5, time: 5) == .zero)
    }

    @Test("what is learned comes back out of its bytes; damaged ones are refused")
    func bytes() throws {
        var weights = BlendWeights(first: Self.shape.firstWeights)
        var standings = BlendStandings(parts: 4)
        for seed in 0..<20 {
            let sample = sample(30, seed: UInt64(seed))
            weights.take(sample.step(sample.features.scores(weights.weights(in: sample.context))))
            standings.take([1, 0, 1, 0, 0, 1])
        }
        var numbers = BlendNumbers()
        weights.write(to: &numbers)
        standings.write(to: &numbers)
        var again = BlendNumbers(numbers.data)
        #expect(BlendWeights(&again, features: Self.shape.features) == weights)
        #expect(BlendStandings(&again, parts: 4) == standings)
        var short = BlendNumbers(numbers.data.prefix(200))
        #expect(BlendWeights(&short, features: Self.shape.features) == nil)
        var other = BlendNumbers(numbers.data)
        #expect(BlendWeights(&other, features: 4) == nil)
    }
}
