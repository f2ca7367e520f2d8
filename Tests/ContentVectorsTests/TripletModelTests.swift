import Factors
import Foundation
import Testing

@testable import ContentVectors

@Suite("Triplet model")
struct TripletModelTests {
    private struct Example {
        let anchor: TagMean
        let positive: TagMean
        let negative: TagMean
    }

    /// Inputs of letters, and of one to three out of ten tags.
    private func examples(_ count: Int, seed: UInt64 = 3) -> [Example] {
        var random = KeyedRandom(seed: seed)
        func input() -> TagMean {
            var vector = [Float](repeating: 0, count: TextEmbedding.dimensions)
            for _ in 0..<12 {
                vector[random.next(below: vector.count)] = Float(random.nextNormal()) * 0.3
            }
            let keys = Set((0..<1 + random.next(below: 3)).map { _ in UInt64(random.next(below: 10)) })
            return TagMean(letters: vector, keys: keys.sorted())
        }
        return (0..<count).map { _ in .init(anchor: input(), positive: input(), negative: input()) }
    }

    /// Some are like others' positives and negatives.
    private func isLike(_ triplet: Int, _ other: Int, _ asNegative: Bool) -> Bool {
        (triplet * 3 + other * 5 + (asNegative ? 1 : 0)) % 4 == 0
    }

    private func block(_ examples: [Example]) -> TripletBlock {
        var block = TripletBlock()
        for example in examples {
            block.append(anchor: example.anchor, positive: example.positive, negative: example.negative)
        }
        block.compare(isLike)
        return block
    }

    /// The loss as its formula says, in double and a number at a time: what the fast one is held against.
    private func simpleLoss(
        _ weights: [Double], _ examples: [Example], own: [UInt64: [Double]] = [:]
    ) -> Double {
        let width = TripletModel.width
        func unit(_ input: TagMean) -> [Double] {
            var sum = Array(weights.suffix(width))
            for (place, value) in input.letters.enumerated() where value != 0 {
                for output in 0..<width { sum[output] += weights[place * width + output] * Double(value) }
            }
            for key in input.keys {
                for (output, value) in (own[key] ?? []).enumerated() {
                    sum[output] += value / Double(input.keys.count)
                }
            }
            let length = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return sum.map { $0 / length }
        }
        func likeness(_ left: [Double], _ right: [Double]) -> Double {
            zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let (anchors, positives, negatives) = (
            examples.map { unit($0.anchor) }, examples.map { unit($0.positive) },
            examples.map { unit($0.negative) }
        )
        let sum = examples.indices.reduce(0) { sum, triplet in
            var all = 0.0
            for other in examples.indices {
                if other == triplet || !isLike(triplet, other, false) {
                    all += exp(likeness(anchors[triplet], positives[other]) / 0.1)
                }
                if other == triplet || !isLike(triplet, other, true) {
                    all += exp(likeness(anchors[triplet], negatives[other]) / 0.1)
                }
            }
            return sum + log(all) - likeness(anchors[triplet], positives[triplet]) / 0.1
        }
        return sum / Double(examples.count)
    }

    private func numbers(_ lanes: [TripletModel.Lane]) -> [Double] {
        lanes.flatMap { lane in (0..<8).map { Double(lane[$0]) } }
    }

    @Test("the gradient is that of the loss, worked out numerically")
    func gradient() {
        let model = TripletModel(seed: 5)
        let examples = examples(6)
        let weights = numbers(model.map.weights)
        #expect(abs(simpleLoss(weights, examples) - Double(model.loss(block(examples)))) < 1e-4)
        let pass = TripletPass(block(examples), model.map)
        let gradient = numbers(pass.gradient())
        let scale = gradient.map(abs).max() ?? 0
        #expect(scale > 1e-3)
        let bias = TextEmbedding.dimensions * TripletModel.width
        let greatest = gradient.indices.sorted { abs(gradient[$0]) > abs(gradient[$1]) }.prefix(40)
        for index in greatest + [bias, bias + 7, bias + 49] {
            var (above, below) = (weights, weights)
            above[index] += 1e-4
            below[index] -= 1e-4
            let numeric = (simpleLoss(above, examples) - simpleLoss(below, examples)) / 2e-4
            #expect(abs(numeric - gradient[index]) < 1e-3 * scale, "of weight \(index)")
        }
        let tags = pass.tagGradient()
        #expect(Set(tags.keys).count == tags.keys.count && tags.keys.count > 5)
        let ofTags = numbers(tags.gradient)
        let width = TripletModel.width
        for (place, key) in tags.keys.enumerated() {
            for output in [0, 11, 49] {
                func loss(_ value: Double) -> Double {
                    var own = [Double](repeating: 0, count: width)
                    own[output] = value
                    return simpleLoss(weights, examples, own: [key: own])
                }
                // Summed over the triplets.
                let numeric = 6 * (loss(1e-4) - loss(-1e-4)) / 2e-4
                #expect(abs(numeric - ofTags[place * width + output]) < 1e-3 * 6 * scale, "of \(key)")
            }
        }
    }

    @Test("steps take the loss down, and what fills the last lane up stays zero")
    func learns() {
        var model = TripletModel(seed: 5)
        let examples = examples(32)
        let before = model.loss(block(examples))
        for _ in 0..<60 { model.learn(block(examples)) }
        #expect(model.loss(block(examples)) < before / 3)
        #expect(model.steps == 60)
        let width = TripletModel.width
        for (index, number) in numbers(model.map.weights).enumerated()
        where index % width >= TripletModel.outputs {
            #expect(number == 0)
        }
    }

    @Test("inputs that are zero, equal or not finite make no number that is not finite")
    func degenerate() {
        var model = TripletModel(seed: 5)
        let zero = TagMean(letters: Array(repeating: 0, count: TextEmbedding.dimensions))
        let all = examples(4)
        var endless = zero
        endless.letters[3] = .infinity
        model.learn(block([.init(anchor: zero, positive: zero, negative: zero)]))
        model.learn(
            block([.init(anchor: endless, positive: all[1].positive, negative: all[2].negative)] + all))
        model.learn(
            block([.init(anchor: all[0].anchor, positive: all[0].anchor, negative: all[0].anchor)]))
        #expect(numbers(model.map.weights).allSatisfy { $0.isFinite })
        #expect(all.allSatisfy { model.map.project($0.anchor).allSatisfy { $0.sum().isFinite } })
    }
}
