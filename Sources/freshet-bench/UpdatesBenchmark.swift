internal import ArgumentParser
internal import BenchmarkSupport
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
        let tables = Tables(
            users: table(100_000, seed: 1), items: table(20_000, seed: 2), count: count, factors: factors)
        var plain = PlainTables(users: 100_000, items: 20_000, factors: factors)
        let plainSGD = seconds { for (user, item, _) in tables.draws { plain.sgd(user, item) } }
        let plainBPR = seconds { for (user, i, j) in tables.draws { plain.bpr(user, i, j) } }
        let millions = Double(count) / 1e6
        func updates(_ name: String, _ time: Double, beside plain: Double) -> Comparison {
            Comparison(
                name: "\(name) updates, K=\(factors), one core", ours: millions / time,
                baselineName: "plain loop", baseline: millions / plain, unit: "M/s")
        }
        Report.print([
            updates("SGD", tables.sgd(.constant), beside: plainSGD),
            updates("SGD AdaGrad", tables.sgd(.adaGrad), beside: plainSGD),
            updates("BPR", tables.bpr(.constant), beside: plainBPR),
            bprEvents(tables, samples: 16),
            updates("BPR AdaGrad", tables.bpr(.adaGrad), beside: plainBPR),
            updates("WARP", tables.warp(), beside: plainBPR),
            solves(tables, rows: 10), solves(tables, rows: 100), solves(tables, rows: 1000),
        ])
    }

    private func bprEvents(_ tables: Tables, samples: Int) -> Comparison {
        let events = Double(max(1, count / samples)) / 1e3
        return Comparison(
            name: "BPR events of \(samples) negatives, K=\(factors), one core",
            ours: events / tables.bprEvents(samples: samples, atOnce: true),
            baselineName: "single steps",
            baseline: events / tables.bprEvents(samples: samples, atOnce: false),
            unit: "k/s")
    }

    private func solves(_ tables: Tables, rows: Int) -> Comparison {
        let solves = max(1, count / 50 / (rows + 100))
        let plainSolves = max(1, solves / 20)
        let gramian = Gramian(of: tables.items)
        let plain = seconds {
            for user in 0..<plainSolves { tables.plainSolve(user: user, rows: rows, gramian: gramian) }
        }
        return Comparison(
            name: "ALS rows of \(rows), K=\(factors), one core",
            ours: Double(solves) / tables.als(rows: rows, solves: solves, gramian: gramian) / 1e3,
            baselineName: "plain loop", baseline: Double(plainSolves) / plain / 1e3, unit: "k/s")
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

/// Rows at random, and the kernels over them.
private struct Tables {
    let users: FactorTable
    let items: FactorTable
    let draws: [(Int, Int, Int)]
    let scratch: Scratch
    let updateGuard = UpdateGuard(normMax: 100)

    init(users: FactorTable, items: FactorTable, count: Int, factors: Int) {
        (self.users, self.items) = (users, items)
        scratch = Scratch(factors: factors)
        var random = KeyedRandom(seed: 3)
        draws = (0..<count).map { _ in
            (
                random.next(below: users.count), random.next(below: items.count),
                random.next(below: items.count)
            )
        }
    }

    func sgd(_ schedule: RateSchedule) -> Double {
        var options = BiasedSGD.Options()
        options.schedule = schedule
        let sgd = BiasedSGD(options: options, updateGuard: updateGuard)
        return seconds {
            for (user, item, _) in draws {
                _ = sgd.update(
                    rating: 4, mean: 3.5, user: users.row(user), item: items.row(item), scratch: scratch)
            }
        }
    }

    func bpr(_ schedule: RateSchedule) -> Double {
        var options = BPR.Options()
        options.schedule = schedule
        let bpr = BPR(options: options, updateGuard: updateGuard)
        return seconds {
            for (user, positive, negative) in draws {
                _ = bpr.update(
                    weight: 1, user: users.row(user), positive: items.row(positive),
                    negative: items.row(negative), scratch: scratch)
            }
        }
    }

    /// Events against `samples` negatives each, whose rows are asked for first, as the stream does while it draws:
    /// `atOnce` in blocks, else a step at a time.
    func bprEvents(samples: Int, atOnce: Bool) -> Double {
        let bpr = BPR(options: .init(), updateGuard: updateGuard)
        let events = max(1, draws.count / samples)
        let negatives = (0..<events * samples).map { place in
            let (positive, negative) = (draws[place / samples].1, draws[place % draws.count].2)
            return negative == positive ? (negative + 1) % items.count : negative
        }
        var applied = [Bool](repeating: false, count: samples)
        return seconds {
            negatives.withUnsafeBufferPointer { negatives in
                for event in 0..<events {
                    let others = UnsafeBufferPointer(
                        rebasing: negatives[event * samples..<(event + 1) * samples])
                    let (user, positive) = (users.row(draws[event].0), items.row(draws[event].1))
                    for other in others { items.prefetch(other) }
                    if atOnce {
                        applied.withUnsafeMutableBufferPointer {
                            _ = bpr.update(
                                weight: 1, user: user, positive: positive, negatives: others, of: items,
                                scratch: scratch, applied: $0)
                        }
                        continue
                    }
                    for other in others {
                        _ = bpr.update(
                            weight: 1, user: user, positive: positive, negative: items.row(other),
                            scratch: scratch)
                    }
                }
            }
        }
    }

    func warp() -> Double {
        let warp = WARP(options: .init(), updateGuard: updateGuard)
        return seconds {
            for (index, (user, positive, negative)) in draws.enumerated() {
                _ = warp.update(
                    weight: 1, draws: 1 + index % 30, candidates: items.count, user: users.row(user),
                    positive: items.row(positive), negative: items.row(negative), scratch: scratch)
            }
        }
    }

    func als(rows: Int, solves: Int, gramian: Gramian) -> Double {
        let als = ALS(options: .init(), updateGuard: updateGuard)
        let workspace = ALSWorkspace(factors: users.factors)
        return seconds {
            for user in 0..<solves {
                workspace.clear()
                for index in 0..<rows {
                    let (_, item, _) = draws[(user * rows + index) % draws.count]
                    als.append(items.row(item), weight: 1, to: workspace)
                }
                _ = als.solve(gramian: gramian, into: users.row(user % users.count), workspace: workspace)
            }
        }
    }

    /// The same solution by loops over plain arrays.
    func plainSolve(user: Int, rows: Int, gramian: Gramian) {
        let factors = users.factors
        var matrix = (0..<factors * factors).map { Float(gramian[$0 / factors, $0 % factors]) }
        var vector = [Float](repeating: 0, count: factors)
        for index in 0..<rows {
            let q = items.row(draws[(user * rows + index) % draws.count].1).vector
            for i in 0..<factors {
                vector[i] += 11 * q[i]
                for j in 0..<factors { matrix[i * factors + j] += 10 * q[i] * q[j] }
            }
        }
        for i in 0..<factors { matrix[i * factors + i] += 0.1 }
        for pivot in 0..<factors {
            for i in pivot + 1..<factors {
                let ratio = matrix[i * factors + pivot] / matrix[pivot * factors + pivot]
                for j in pivot..<factors { matrix[i * factors + j] -= ratio * matrix[pivot * factors + j] }
                vector[i] -= ratio * vector[pivot]
            }
        }
        for i in (0..<factors).reversed() {
            for j in i + 1..<factors { vector[i] -= matrix[i * factors + j] * vector[j] }
            vector[i] /= matrix[i * factors + i]
        }
        users.row(user).set(vector: vector, bias: 0)
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
