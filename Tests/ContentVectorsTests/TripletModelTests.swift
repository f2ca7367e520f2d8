import Factors
import Testing

@testable import ContentVectors

@Suite("Triplet model")
struct TripletModelTests {
    private func examples(_ count: Int, seed: UInt64 = 3) -> [TripletModel.Example] {
        var random = KeyedRandom(seed: seed)
        func input() -> [Float] {
            var vector = [Float](repeating: 0, count: TextEmbedding.dimensions)
            for _ in 0..<12 {
                vector[random.next(below: vector.count)] = Float(random.nextNormal()) * 0.3
            }
            return vector
        }
        return (0..<count).map { _ in .init(anchor: input(), positive: input(), negative: input()) }
    }

    /// The loss as its formula says, in double and a number at a time: what the fast one is held against.
    private func simpleLoss(_ weights: [Double], _ examples: [TripletModel.Example]) -> Double {
        let width = TripletModel.width
        func unit(_ input: [Float]) -> [Double] {
            var sum = Array(weights.suffix(width))
            for (place, value) in input.enumerated() where value != 0 {
                for output in 0..<width { sum[output] += weights[place * width + output] * Double(value) }
            }
            let length = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return sum.map { $0 / length }
        }
        func distance(_ left: [Double], _ right: [Double]) -> Double {
            zip(left, right).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
        }
        let sum = examples.reduce(0) { sum, example in
            let (anchor, positive, negative) = (
                unit(example.anchor), unit(example.positive), unit(example.negative)
            )
            return sum + max(0, distance(anchor, positive) - distance(anchor, negative) + 0.3)
        }
        return sum / Double(examples.count)
    }

    private func numbers(_ lanes: [TripletModel.Lane]) -> [Double] {
        lanes.flatMap { lane in (0..<8).map { Double(lane[$0]) } }
    }

    @Test("the gradient is that of the loss, worked out numerically")
    func gradient() throws {
        let model = TripletModel(seed: 5)
        let examples = examples(6)
        let weights = numbers(model.map.weights)
        #expect(abs(simpleLoss(weights, examples) - Double(model.loss(examples))) < 1e-5)
        let gradient = numbers(try #require(model.gradient(examples).gradient))
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
    }

    @Test("steps take the loss down, and what fills the last lane up stays zero")
    func learns() {
        var model = TripletModel(seed: 5)
        let examples = examples(32)
        let before = model.loss(examples)
        for _ in 0..<60 { model.learn(examples) }
        #expect(model.loss(examples) < before / 3)
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
        let zero = [Float](repeating: 0, count: TextEmbedding.dimensions)
        let all = examples(4)
        var endless = zero
        endless[3] = .infinity
        model.learn([.init(anchor: zero, positive: zero, negative: zero)])
        model.learn([.init(anchor: endless, positive: all[1].positive, negative: all[2].negative)])
        model.learn([.init(anchor: all[0].anchor, positive: all[0].anchor, negative: all[0].anchor)])
        #expect(numbers(model.map.weights).allSatisfy { $0.isFinite })
    }
}
