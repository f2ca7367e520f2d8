import Factors
import Testing

@testable import Learners

/// A network of one or two layers on plain arrays, in double precision; units kept are given.
private struct PlainLayers {
    let (units, upper, inputs): (Int, Int, Int)
    /// W, b, w, W₂, b₂.
    var numbers: [Double]
    /// What is kept of each unit of the first and of the second layer.
    var kept: [Double]
    var keptAbove: [Double]

    init(_ network: RatingNetwork) {
        (units, upper, inputs) = (network.units, network.upperUnits, 2 * network.factors)
        numbers = network.numbers[0].map(Double.init)
        kept = Array(repeating: 1, count: units)
        keptAbove = Array(repeating: 1, count: upper)
    }

    func output(_ input: [Double]) -> Double {
        let (biases, outputs) = (units * inputs, units * (inputs + 1))
        let hidden = (0..<units).map { unit in
            kept[unit]
                * max(
                    0,
                    (0..<inputs).reduce(numbers[biases + unit]) {
                        $0 + numbers[unit * inputs + $1] * input[$1]
                    })
        }
        guard upper > 0 else {
            return (0..<units).reduce(0) { $0 + numbers[outputs + $1] * hidden[$1] }
        }
        let (weights, last) = (outputs + upper, outputs + upper + upper * units)
        return (0..<upper).reduce(0) { sum, unit in
            let before = (0..<units).reduce(numbers[last + unit]) {
                $0 + numbers[weights + unit * units + $1] * hidden[$1]
            }
            return sum + numbers[outputs + unit] * keptAbove[unit] * max(0, before)
        }
    }
}

@Suite("A network of two layers, and one that leaves units out")
struct DeepNetworkTests {
    private let factors = 8

    private func rule(second: Int, dropout: Float, mix: Float = 0) -> NeuralRating {
        var options = NeuralRating.Options()
        (options.hidden, options.secondHidden, options.dropout, options.mix) = (20, second, dropout, mix)
        options.rows.learningRate = 0.05
        options.rows.userLearningRate = 0.05
        options.rows.regularization = 0
        options.rows.biasRegularization = 0
        return NeuralRating(options: options, updateGuard: UpdateGuard(normMax: 100))
    }

    private func network(_ rule: NeuralRating) -> RatingNetwork {
        RatingNetwork(
            hidden: rule.options.hidden, second: rule.options.secondHidden, factors: factors, seed: 5)
    }

    private func room(_ network: RatingNetwork) -> NetworkRoom {
        NetworkRoom(hidden: network.hidden, second: network.second, factors: factors)
    }

    private func input(_ rows: Rows) -> [Double] { (rows[0].vector + rows[1].vector).map(Double.init) }

    @Test("predicts what a plain one does, by all units whatever is left out in learning, one item or many")
    func predicts() {
        for (second, dropout) in [(12, 0), (12, 0.4), (0, 0.4)] as [(Int, Float)] {
            let rule = rule(second: second, dropout: dropout)
            let (network, rows) = (network(rule), Rows(2, factors: factors, seed: 3))
            let wanted = PlainLayers(network).output(input(rows)) + Double(rows[0].bias + rows[1].bias)
            let room = room(network)
            let predicted = rule.predict(user: rows[0], item: rows[1], network: network, room: room)
            #expect(abs(Double(predicted) - wanted) < 1e-4)
            let halves = ItemHalves(units: network.units)
            halves.grow(to: 3)
            for row in 0..<3 { halves.set(row, rows[1], network) }
            let user = NeuralUser(rows[0].vector, rule, network)
            for output in user.outputs(halves, from: 0, count: 3) {
                #expect(abs(Double(output + rows[0].bias + rows[1].bias) - wanted) < 1e-4)
            }
            let (told, result) = rule.update(
                rating: 1, user: rows[0], item: rows[1], network: network,
                sums: NetworkSums(hidden: 20, second: second, factors: factors), room: room, key: 9)
            #expect(result == .applied && abs(Double(told) - wanted) < 1e-4)
            #expect(!room.isDropping)
        }
    }

    @Test(
        "rows and network ascend by the gradient of the network that is left", arguments: [0, 0.2] as [Float])
    func gradients(mix: Float) {
        for (second, dropout) in [(12, 0), (12, 0.4), (0, 0.4)] as [(Int, Float)] {
            let rule = rule(second: second, dropout: dropout, mix: mix)
            let (network, rows) = (network(rule), Rows(2, factors: factors, seed: 4))
            let own = room(network)
            var plain = PlainLayers(network)
            if dropout > 0 {
                own.drop(dropout, key: 77)
                plain.kept = (0..<network.units).map { Double(own.kept[$0]) }
                plain.keptAbove = (0..<network.upperUnits).map { Double(own.keptAbove[$0]) }
                own.keepAll()
                #expect(plain.kept.contains(0) && plain.kept.contains { $0 > 1.6 && $0 < 1.7 })
            }
            let (before, biases) = (input(rows), Double(rows[0].bias + rows[1].bias))
            let rating = 1.7
            func loss(_ input: [Double], _ network: PlainLayers) -> Double {
                let error = rating - biases - network.output(input)
                let dot = (0..<factors).reduce(0) { $0 + input[$1] * input[factors + $1] }
                let dotError = rating - biases - dot
                return mix > 0 ? (dotError * dotError + Double(mix) * error * error) / 2 : error * error / 2
            }
            func slope(_ at: (Double) -> Double) -> Double { -(at(1e-5) - at(-1e-5)) / 2e-5 }
            let sums = NetworkSums(hidden: 20, second: second, factors: factors)
            let (_, result) = rule.update(
                rating: Float(rating), user: rows[0], item: rows[1], network: network, sums: sums, room: own,
                key: 77)
            #expect(result == .applied && sums.count == 1)
            var worst = 0.0
            for place in before.indices {
                let wanted = slope { by in
                    var moved = before
                    moved[place] += by
                    return loss(moved, plain)
                }
                let row = rows[place / factors].vector[place % factors]
                worst = max(worst, abs(Double(row) - before[place] - 0.05 * wanted))
            }
            #expect(worst < 1e-5)
            worst = 0
            for (place, sum) in sums.numbers.enumerated() {
                let wanted = slope { by in
                    var other = plain
                    other.numbers[place] += by
                    return loss(before, other)
                }
                worst = max(worst, abs(Double(sum) - wanted))
            }
            #expect(worst < 1e-4)
        }
    }

    @Test("what is left out is a function of the key, and as much as was asked on average")
    func keys() {
        let room = NetworkRoom(hidden: 100, second: 50, factors: factors)
        var (dropped, all) = (0, 0)
        for key in 0..<200 as Range<UInt64> {
            room.drop(0.25, key: key)
            dropped += (0..<112).count { room.kept[$0] == 0 }
            all += 112
        }
        #expect(abs(Double(dropped) / Double(all) - 0.25) < 0.02)
        room.drop(0.25, key: 3)
        let first = (0..<112).map { room.kept[$0] }
        room.drop(0.25, key: 4)
        #expect(first != (0..<112).map { room.kept[$0] })
        room.drop(0.25, key: 3)
        #expect(first == (0..<112).map { room.kept[$0] })
    }

    @Test("a second layer is copied, told from another, saved and read, and refuses what is of another shape")
    func keeping() {
        let network = network(rule(second: 12, dropout: 0))
        let sums = NetworkSums(hidden: 20, second: 12, factors: factors)
        let rule = rule(second: 12, dropout: 0.2)
        let (own, rows) = (room(network), Rows(2, factors: factors, seed: 6))
        for step in 0..<5 {
            _ = rule.update(
                rating: 2, user: rows[0], item: rows[1], network: network, sums: sums, room: own,
                key: UInt64(step))
            #expect(network.step(sums, rule.options.network, rule.updateGuard) == .applied)
        }
        let copy = network.copy()
        #expect(copy.numbers == network.numbers && copy.steps == 5 && copy.second == 12)
        let other = RatingNetwork(hidden: 20, second: 12, factors: factors, seed: 9)
        #expect(other.restore(network.numbers, steps: 5))
        let predicted = rule.predict(user: rows[0], item: rows[1], network: network, room: own)
        #expect(predicted == rule.predict(user: rows[0], item: rows[1], network: other, room: own))
        #expect(!RatingNetwork(hidden: 20, factors: factors, seed: 9).restore(network.numbers, steps: 5))
        // Padding stays nothing.
        let plain = PlainLayers(network)
        let outputs = network.units * (2 * factors + 1)
        #expect((12..<16).allSatisfy { plain.numbers[outputs + $0] == 0 })
        var guarded = rule.options.network
        guarded.learningRate = 1
        _ = rule.update(rating: 9, user: rows[0], item: rows[1], network: network, sums: sums, room: own)
        #expect(network.step(sums, guarded, UpdateGuard(normMax: 0.5)) == .rejected)
        #expect(network.numbers[0] == copy.numbers[0])
    }
}
