internal import ArgumentParser
internal import BenchmarkSupport
internal import Factors
internal import FeatureMaps
internal import Foundation

/// What it costs to work out anew what features say of items' rows.
struct PriorsBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "priors",
        abstract: "Time of solving what features say of items' rows, and of moving all rows.",
        discussion: """
            Items have features drawn by a power of their number, as tags are. Baselines: LAPACK's spotrf and spotrs alone, on a \
            dense system of the same order and as many right sides (OpenBLAS, one thread), and the same regression \
            by conjugate gradients from nothing.

            EXAMPLES
              swift run -c release freshet-bench priors
              swift run -c release freshet-bench priors --features 2000 --items 50000 --models 2
            """)

    @Option(help: "Features of the catalogue.") var features = 1_200
    @Option(help: "Items.") var items = 10_000
    @Option(help: "Features of an item.") var each = 12
    @Option(help: "Models that are solved together.") var models = 1
    @Option(help: "Numbers per row; a multiple of 8.") var factors = 64

    func validate() throws {
        guard features > 0, items > 0, each > 0, models > 0, factors > 0, factors % 8 == 0 else {
            throw ValidationError("numbers must be above 0, factors a positive multiple of 8")
        }
    }

    func run() {
        var random = KeyedRandom(seed: 1)
        let lists = (0..<items).map { _ in
            (0..<each).map { _ -> String in
                let share = random.nextUnit()
                return "tag\(Int(share * share * Double(features)))"
            }
        }
        let tables = (0..<models).map { model in
            let table = FactorTable(factors: factors)
            table.grow(to: items) { index, row in
                var random = KeyedRandom(seed: UInt64(model), stream: 1, index: UInt64(index))
                random.initialise(row)
            }
            return ItemPriors.Table(table, hasBias: true)
        }
        var options = ItemPriors.Options()
        options.itemsMin = 1
        let priors = ItemPriors(models: models, options: options)
        for (item, list) in lists.enumerated() { priors.setFeatures(list, of: item) }
        let users = { (item: Int) in Int32(item % 200) }
        let summing = least {
            priors.move(upTo: .max, tables, items: items, users: users) { _, _, _, _ in }
        } of: {
            priors.begin(after: 1, tables, items: items, users: users)
        }
        let moving = least {
            priors.move(upTo: .max, tables, items: items, users: users) { _, _, _, _ in }
            priors.begin(after: 1, tables, items: items, users: users)
            _ = priors.storedPending
        } of: {
            priors.move(upTo: .max, tables, items: items, users: users) { _, _, _, _ in }
        }
        let whole = seconds { priors.solve(tables, users: users) { _, _, _, _ in } }
        let matrix = FeatureMatrix(of: lists, rowsMin: 1)
        var (single, regression) = (FeatureRegression.Options(), FeatureRegression.Options())
        (single.isSingle, regression.choleskyMax) = (true, 0)
        let width = models * (factors + 1)
        let targets = [Float](repeating: 0, count: items * width).indices.map { Float($0 % 17) - 8 }
        let weights = (0..<items).map { Float($0 % 200) / Float($0 % 200 + 50) }
        let regressionTime = seconds(runs: 5) {
            _ = FeatureRegression(single).solve(
                matrix, targets: targets, width: width, weights: weights)
        }
        let stepwise = seconds(runs: 1) {
            _ = FeatureRegression(regression).solve(matrix, targets: targets, width: width, weights: weights)
        }
        let lapack = lapack(priors.names.count, columns: width)
        print(
            String(
                format: "while nothing is learned: rows summed up %.2f ms, all rows moved %.2f ms",
                summing * 1e3,
                moving * 1e3))
        Report.print([
            Comparison(
                name: "\(priors.names.count) features, \(items) items, \(models) models", ours: whole * 1e3,
                baselineName: "spotrf and spotrs alone", baseline: lapack * 1e3, unit: "ms",
                moreIsBetter: false),
            Comparison(
                name: "the regression alone", ours: regressionTime * 1e3,
                baselineName: "spotrf and spotrs alone", baseline: lapack * 1e3, unit: "ms",
                moreIsBetter: false),
            Comparison(
                name: "\(priors.names.count) features, \(items) items, \(models) models", ours: whole * 1e3,
                baselineName: "conjugate gradients alone", baseline: stepwise * 1e3, unit: "ms",
                moreIsBetter: false),
        ])
    }

    /// Seconds of `body`, the least of some, each behind `prepare`.
    private func least(_ prepare: () -> Void, of body: () -> Void) -> Double {
        (0..<5).map { _ in
            prepare()
            return seconds(runs: 1, body)
        }.min() ?? 0
    }

    /// Seconds of factorising a dense system of this order and solving it for so many right sides.
    private func lapack(_ order: Int, columns: Int) -> Double {
        var random = KeyedRandom(seed: 3)
        var matrix = [Float](repeating: 0, count: order * order)
        for column in 0..<order {
            for row in column..<order { matrix[column * order + row] = Float(random.nextUnit() - 0.5) }
            matrix[column * (order + 1)] = Float(order)
        }
        let right = (0..<order * columns).map { _ in Float(random.nextUnit()) }
        return (0..<5).map { _ -> Double in
            var (factor, solution) = (matrix, right)
            // Copied before the clock runs.
            factor[0] += 1
            solution[0] += 1
            return seconds(runs: 1) {
                _ = LinearAlgebra().solvePositiveDefinite(
                    matrix: &factor, right: &solution, order: order, columns: columns)
            }
        }.min() ?? 0
    }
}
