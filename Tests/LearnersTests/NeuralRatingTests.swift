import Factors
import Foundation
import Testing

@testable import Learners

/// The same network on plain arrays, in double precision, a number at a time.
private struct PlainNetwork {
    var weights: [[Double]]
    var biases: [Double]
    var outputs: [Double]

    init(_ network: RatingNetwork) {
        let (numbers, inputs) = (network.numbers[0].map(Double.init), 2 * network.factors)
        weights = (0..<network.units).map { Array(numbers[$0 * inputs..<($0 + 1) * inputs]) }
        let rest = network.units * inputs
        biases = Array(numbers[rest..<rest + network.units])
        outputs = Array(numbers[(rest + network.units)...])
    }

    func output(_ input: [Double]) -> Double {
        weights.indices.reduce(0) { sum, unit in
            sum + outputs[unit]
                * max(0, biases[unit] + zip(weights[unit], input).reduce(0) { $0 + $1.0 * $1.1 })
        }
    }

    var parameters: [Double] { weights.flatMap(\.self) + biases + outputs }

    mutating func set(_ place: Int, _ value: Double) {
        let inputs = weights[0].count
        if place < weights.count * inputs {
            weights[place / inputs][place % inputs] = value
        } else if place < weights.count * (inputs + 1) {
            biases[place - weights.count * inputs] = value
        } else {
            outputs[place - weights.count * (inputs + 1)] = value
        }
    }
}

@Suite("A network over the rows of users and items")
struct NeuralRatingTests {
    private func rule(mix: Float = 0, normMax: Float = 100) -> NeuralRating {
        var options = NeuralRating.Options()
        options.hidden = 20
        options.mix = mix
        options.rows.learningRate = 0.05
        options.rows.userLearningRate = 0.1
        options.rows.biasLearningRate = 0.03
        options.rows.userBiasLearningRate = 0.04
        options.rows.regularization = 0.02
        options.rows.biasRegularization = 0.05
        return NeuralRating(options: options, updateGuard: UpdateGuard(normMax: normMax))
    }

    private func network(_ rule: NeuralRating, factors: Int, seed: UInt64 = 5) -> RatingNetwork {
        RatingNetwork(hidden: rule.options.hidden, factors: factors, seed: seed)
    }

    private func room(_ network: RatingNetwork) -> NetworkRoom {
        NetworkRoom(hidden: network.hidden, factors: network.factors)
    }

    private func input(_ rows: Rows) -> [Double] { (rows[0].vector + rows[1].vector).map(Double.init) }

    /// ½ of the loss that a step descends, with the rows' numbers and the network's given.
    private func loss(
        _ rule: NeuralRating, rating: Double, _ user: [Double], _ item: [Double], biases: Double,
        _ network: PlainNetwork
    ) -> Double {
        let dotError = rating - biases - zip(user, item).reduce(0) { $0 + $1.0 * $1.1 }
        let error = rating - biases - network.output(user + item)
        let mix = Double(rule.options.mix)
        return mix > 0 ? (dotError * dotError + mix * error * error) / 2 : error * error / 2
    }

    @Test("predicts what a plain one does, of any number of factors", arguments: [8, 16, 24, 64, 136])
    func predicts(factors: Int) {
        for mix in [0, 0.2, 1] as [Float] {
            let rule = rule(mix: mix)
            let (network, rows) = (network(rule, factors: factors), Rows(2, factors: factors, seed: 3))
            let dot = Double(rows[0].dot(rows[1]))
            let output = PlainNetwork(network).output(input(rows))
            let mixed = mix > 0 ? (dot + Double(mix) * output) / (1 + Double(mix)) : output
            let wanted = Double(rows[0].bias + rows[1].bias) + mixed
            let predicted = rule.predict(
                user: rows[0], item: rows[1], network: network, room: room(network))
            #expect(abs(Double(predicted) - wanted) < 1e-4)
        }
    }

    @Test("rows and network ascend by the loss's own gradient", arguments: [0, 0.2, 1] as [Float])
    func gradients(mix: Float) throws {
        let (rule, factors) = (rule(mix: mix), 8)
        let (network, rows) = (network(rule, factors: factors), Rows(2, factors: factors, seed: 4))
        let plain = PlainNetwork(network)
        let (user, item) = (rows[0].vector.map(Double.init), rows[1].vector.map(Double.init))
        let (userBias, itemBias) = (Double(rows[0].bias), Double(rows[1].bias))
        func slope(_ at: (Double) -> Double) -> Double { -(at(1e-5) - at(-1e-5)) / 2e-5 }
        func moved(_ values: [Double], _ place: Int, _ by: Double) -> [Double] {
            var values = values
            values[place] += by
            return values
        }
        let rating = 1.7
        func whole(_ user: [Double], _ item: [Double], _ biases: Double, _ network: PlainNetwork) -> Double {
            loss(rule, rating: rating, user, item, biases: biases, network)
        }
        let sums = NetworkSums(hidden: network.hidden, factors: factors)
        let (_, result) = rule.update(
            rating: Float(rating), user: rows[0], item: rows[1], network: network, sums: sums,
            room: room(network))
        #expect(result == .applied && sums.count == 1)
        for place in 0..<factors {
            let ofUser = slope { whole(moved(user, place, $0), item, userBias + itemBias, plain) }
            let ofItem = slope { whole(user, moved(item, place, $0), userBias + itemBias, plain) }
            let (p, q) = (user[place], item[place])
            #expect(abs(Double(rows[0].vector[place]) - (p + 0.1 * (ofUser - 0.02 * p))) < 1e-5)
            #expect(abs(Double(rows[1].vector[place]) - (q + 0.05 * (ofItem - 0.02 * q))) < 1e-5)
        }
        let ofBias = slope { whole(user, item, userBias + itemBias + $0, plain) }
        #expect(abs(Double(rows[0].bias) - (userBias + 0.04 * (ofBias - 0.05 * userBias))) < 1e-5)
        #expect(abs(Double(rows[1].bias) - (itemBias + 0.03 * (ofBias - 0.05 * itemBias))) < 1e-5)
        let parameters = plain.parameters
        for (place, sum) in sums.numbers.enumerated() {
            let wanted = slope {
                var other = plain
                other.set(place, parameters[place] + $0)
                return whole(user, item, userBias + itemBias, other)
            }
            #expect(abs(Double(sum) - wanted) < 1e-3, "of the network's number \(place)")
        }
        // Units that only fill up a vector stay out.
        #expect(network.units == 32 && plain.outputs[20...].allSatisfy { $0 == 0 })
    }

    @Test("a step is Adam's")
    func adam() {
        let (rule, factors) = (rule(), 8)
        let network = network(rule, factors: factors)
        let sums = NetworkSums(hidden: network.hidden, factors: factors)
        let options = NeuralRating.Adam()
        var (values, first, second) = (
            network.numbers[0].map(Double.init), [Double](repeating: 0, count: network.numbers[0].count),
            [Double](repeating: 0, count: network.numbers[0].count)
        )
        let rows = Rows(2, factors: factors, seed: 6)
        for step in 1...5 {
            for rating in [1, -1, 0.5] as [Float] {
                _ = rule.update(
                    rating: rating, user: rows[0], item: rows[1], network: network, sums: sums,
                    room: room(network))
            }
            let ascents = sums.numbers.map { Double($0) / 3 }
            #expect(network.step(sums, options, UpdateGuard(normMax: 100)) == .applied)
            for place in values.indices {
                let ascent = ascents[place] - 1e-4 * values[place]
                first[place] = 0.9 * first[place] + 0.1 * ascent
                second[place] = 0.999 * second[place] + 0.001 * ascent * ascent
                let (mean, square) = (
                    first[place] / (1 - pow(0.9, Double(step))),
                    second[place] / (1 - pow(0.999, Double(step)))
                )
                values[place] += 0.001 * mean / (square.squareRoot() + 1e-8)
            }
            #expect(sums.count == 0 && sums.numbers.allSatisfy { $0 == 0 })
        }
        // A gradient of nearly nothing has no sign to speak of, and Adam makes a whole step of it.
        let off = zip(network.numbers[0], values).map { abs(Double($0) - $1) }
        #expect(off.count { $0 > 1e-5 } < values.count / 50 && off.allSatisfy { $0 < 0.011 })
        #expect(network.steps == 5)
    }

    @Test("what comes out beyond all bounds changes nothing", arguments: [Float.infinity, .nan, 1e38, -1e38])
    func refuses(rating: Float) {
        let rule = rule()
        let (network, rows) = (network(rule, factors: 16), Rows(2, factors: 16, seed: 2))
        let before = (rows[0].vector, rows[1].vector, rows[0].bias, rows[1].bias)
        let sums = NetworkSums(hidden: network.hidden, factors: 16)
        let (_, result) = rule.update(
            rating: rating, user: rows[0], item: rows[1], network: network, sums: sums, room: room(network))
        #expect(result == .rejected && sums.count == 0 && sums.numbers.allSatisfy { $0 == 0 })
        #expect(
            rule.replay(rating: rating, user: rows[0], item: rows[1], network: network, room: room(network))
                == .rejected)
        #expect(before == (rows[0].vector, rows[1].vector, rows[0].bias, rows[1].bias))
    }

    @Test("a step that would go too far leaves the weights as they were, and Adam begins anew")
    func guards() {
        let rule = rule()
        let (network, rows) = (network(rule, factors: 16), Rows(2, factors: 16, seed: 2))
        let sums = NetworkSums(hidden: network.hidden, factors: 16)
        let before = network.numbers
        var options = NeuralRating.Adam()
        options.learningRate = 10
        for normMax in [1, .infinity] as [Float] {
            if normMax == .infinity { options.learningRate = .infinity }
            _ = rule.update(
                rating: 2, user: rows[0], item: rows[1], network: network, sums: sums, room: room(network))
            #expect(network.step(sums, options, UpdateGuard(normMax: normMax)) == .rejected)
            #expect(network.numbers == before && network.steps == 0 && sums.count == 0)
        }
    }

    @Test("sums of several shards, added up, are those of one")
    func addsUp() {
        let rule = rule()
        let (network, rows) = (network(rule, factors: 16), Rows(2, factors: 16, seed: 2))
        let parts = (0..<3).map { _ in NetworkSums(hidden: network.hidden, factors: 16) }
        let room = room(network)
        for (number, part) in parts.enumerated() {
            for _ in 0...number {
                _ = rule.update(
                    rating: Float(number), user: rows[0], item: rows[1], network: network, sums: part,
                    room: room)
            }
        }
        let wanted = parts.map(\.numbers)
        for part in parts.dropFirst() { parts[0].take(from: part) }
        #expect(parts[0].count == 6 && parts[1].count == 0)
        for place in wanted[0].indices {
            #expect(abs(parts[0].numbers[place] - wanted.reduce(0) { $0 + $1[place] }) < 1e-5)
        }
    }

    @Test("restores what it was, and nothing of another shape or what is no number")
    func restores() {
        let rule = rule()
        let (network, rows) = (network(rule, factors: 16), Rows(2, factors: 16, seed: 2))
        let sums = NetworkSums(hidden: network.hidden, factors: 16)
        _ = rule.update(
            rating: 2, user: rows[0], item: rows[1], network: network, sums: sums, room: room(network))
        _ = network.step(sums, NeuralRating.Adam(), UpdateGuard(normMax: 100))
        let other = self.network(rule, factors: 16, seed: 9)
        #expect(other.restore(network.numbers, steps: network.steps))
        #expect(other.numbers == network.numbers && other.steps == 1)
        func predict(_ network: RatingNetwork) -> Float {
            rule.predict(user: rows[0], item: rows[1], network: network, room: room(network))
        }
        #expect(predict(other) == predict(network))
        var bad = network.numbers
        bad[1][3] = .nan
        #expect(!other.restore(bad, steps: 1) && !other.restore([[1]], steps: 1))
        #expect(other.numbers == network.numbers)
    }

    @Test("a session's row gives back what the session said", arguments: [0, 1] as [Float])
    func foldsIn(mix: Float) throws {
        let rule = rule(mix: mix)
        let (network, rows) = (network(rule, factors: 16), Rows(8, factors: 16, seed: 11))
        var (likes, dislikes) = (FoldInItems(factors: 16), FoldInItems(factors: 16))
        for row in 0..<8 {
            likes.append(vector: rows[row].vector, bias: 0, value: row < 4 ? 2 : -2)
            dislikes.append(vector: rows[row].vector, bias: 0, value: row < 4 ? -2 : 2)
        }
        func lead(_ items: FoldInItems) throws -> Float {
            let user = try #require(rule.foldIn(items, network: network))
            let asked = NeuralUser(user.vector, rule, network)
            let halves = ItemHalves(units: network.units)
            halves.grow(to: 8)
            for row in 0..<8 { halves.set(row, rows[row], network) }
            let matches = asked.outputs(halves, from: 0, count: 8).enumerated().map { row, output in
                rows[row].vector.withUnsafeBufferPointer { asked.match(output: output, vector: $0) }
            }
            return matches[..<4].reduce(0, +) - matches[4...].reduce(0, +)
        }
        #expect(try lead(likes) > lead(dislikes) + 0.1)
        #expect(rule.foldIn(FoldInItems(factors: 16), network: network) == nil)
    }
}
