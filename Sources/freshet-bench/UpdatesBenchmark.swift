internal import ArgumentParser
internal import Factors
internal import Foundation
internal import Learners

/// One core, random rows: the SIMD update rules beside the same rules a number at a time.
struct UpdatesBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "updates", abstract: "Updates per second of the learners' kernels, on one core.")

    @Option(help: "Updates per run.") var count = 1_000_000
    @Option(help: "Numbers per row; a multiple of 8.") var factors = 64

    func validate() throws {
        guard count > 0, factors > 0, factors % 8 == 0 else {
            throw ValidationError("count must be above 0, factors a positive multiple of 8")
        }
    }

    func run() {
        let (users, items) = (table(100_000, seed: 1), table(20_000, seed: 2))
        var random = KeyedRandom(seed: 3)
        let draws = (0..<count).map { _ in
            (random.next(below: 100_000), random.next(below: 20_000), random.next(below: 20_000))
        }
        let scratch = Scratch(factors: factors)
        let updateGuard = UpdateGuard(normMax: 100)
        let sgd = BiasedSGD(options: .init(), updateGuard: updateGuard)
        let bpr = BPR(options: .init(), updateGuard: updateGuard)
        let sgdTime = seconds {
            for (user, item, _) in draws {
                _ = sgd.update(
                    rating: 4, mean: 3.5, user: users.row(user), item: items.row(item), scratch: scratch)
            }
        }
        let bprTime = seconds {
            for (user, positive, negative) in draws {
                _ = bpr.update(
                    weight: 1, user: users.row(user), positive: items.row(positive),
                    negative: items.row(negative),
                    scratch: scratch)
            }
        }
        var plain = PlainTables(users: 100_000, items: 20_000, factors: factors)
        let plainSGD = seconds { for (user, item, _) in draws { plain.sgd(user, item) } }
        let plainBPR = seconds { for (user, i, j) in draws { plain.bpr(user, i, j) } }
        let millions = Double(count) / 1e6
        Report.print([
            Comparison(
                name: "SGD updates, K=\(factors), one core", ours: millions / sgdTime,
                baselineName: "plain loop", baseline: millions / plainSGD, unit: "M/s"),
            Comparison(
                name: "BPR updates, K=\(factors), one core", ours: millions / bprTime,
                baselineName: "plain loop", baseline: millions / plainBPR, unit: "M/s"),
        ])
    }

    private func table(_ rows: Int, seed: UInt64) -> FactorTable {
        let table = FactorTable(factors: factors)
        table.grow(to: rows) { index, row in
            var random = KeyedRandom(seed: seed, index: UInt64(index))
            random.initialise(row)
        }
        return table
    }
}

/// The rules a number at a time, over plain arrays, without a guard.
private struct PlainTables {
    let factors: Int
    var users: [Float]
    var items: [Float]

    init(users: Int, items: Int, factors: Int) {
        self.factors = factors
        var random = KeyedRandom(seed: 4)
        self.users = (0..<users * factors).map { _ in Float(random.nextUnit() - 0.5) * 0.05 }
        self.items = (0..<items * factors).map { _ in Float(random.nextUnit() - 0.5) * 0.05 }
    }

    mutating func sgd(_ user: Int, _ item: Int) {
        let (p, q) = (user * factors, item * factors)
        var product: Float = 0
        for k in 0..<factors { product += users[p + k] * items[q + k] }
        let error = 4 - 3.5 - product
        for k in 0..<factors {
            let old = users[p + k]
            users[p + k] += 0.08 * (error * items[q + k] - 0.02 * old)
            items[q + k] += 0.08 * (error * old - 0.02 * items[q + k])
        }
    }

    mutating func bpr(_ user: Int, _ positive: Int, _ negative: Int) {
        let (p, i, j) = (user * factors, positive * factors, negative * factors)
        var x: Float = 0
        for k in 0..<factors { x += users[p + k] * (items[i + k] - items[j + k]) }
        let g = 1 / (1 + exp(x))
        for k in 0..<factors {
            let (u, a, b) = (users[p + k], items[i + k], items[j + k])
            users[p + k] += 0.1 * (g * (a - b) - 0.02 * u)
            items[i + k] += 0.1 * (g * u - 0.02 * a)
            items[j + k] += 0.1 * (-g * u - 0.02 * b)
        }
    }
}
