internal import ArgumentParser
internal import BenchmarkSupport
internal import Foundation
internal import Learners
internal import Training

/// Trains each algorithm by its preset and measures it on data that neither the training nor the choice of the preset
/// has seen, beside what others reach on the same.
struct QualityBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quality",
        abstract: "What each algorithm reaches on MovieLens by its preset, beside what others reach.",
        discussion: """
            The settings were chosen on a part set aside of the training data: a random tenth of it for sgd, each \
            user's last item but one for the others. ml-latest-small had no part in the choice. The protocols:

              RMSE            a random tenth held out; predictions are held within the scale of the ratings
              HR, NDCG @10    each user's latest item held out, all ratings count as taken; ranked among 99 negatives \
            that the data set gives (He et al. 2017; flatters every model), or among all items not taken (full)
              ROC-AUC         ratings of 4 and 5 against all other cells of users x items, on the training data \
            itself: says how well it is learned, not how well the model foresees

            'others' are Surprise SVD, implicit ALS and BPR, and the notebook whose ROC-AUC is measured the same way.

            EXAMPLES
              swift run -c release freshet-bench quality ../shared/data
              swift run -c release freshet-bench quality ../shared/data --only als,bpr
            """)

    @Argument(help: "The folder that holds ml-1m and ml-latest-small.") var folder: String
    @Option(help: "Numbers per row; a multiple of 8.") var factors = 64
    @Option(help: "Training shards. The figures differ a little with their number.") var shards = 1
    @Option(help: "Keys initial rows, order and draws.") var seed: UInt64 = 1
    @Option(help: "Algorithms, by comma.") var only = "sgd,bpr,warp,als"

    func validate() throws {
        guard factors > 0, factors % 8 == 0, shards > 0 else {
            throw ValidationError("factors must be a positive multiple of 8, shards above 0")
        }
    }

    func run() throws {
        let names = try only.split(separator: ",").map { text in
            guard let name = Algorithm.Name(rawValue: String(text)) else {
                throw ValidationError("no algorithm '\(text)'; there are sgd, bpr, warp and als")
            }
            return name
        }
        let data = URL(filePath: folder)
        let large = try RatingsData(path: data.appending(path: "ml-1m/ratings.csv.gz").path)
        if names.contains(.sgd) {
            try rate("ML-1M", large, scale: 1...5, others: 0.842)
            let small = try RatingsData(path: data.appending(path: "ml-latest-small/ratings.csv").path)
            try rate("ml-latest-small", small, scale: 0.5...5, others: .nan)
        }
        let split = try LeaveOneOut(ncf: data.appending(path: "ml-1m"), data: large)
        for name in names where !name.predictsRatings { try rank(name, split) }
        if names.contains(.bpr) { try separate(data) }
    }

    private func train(
        _ label: String, _ preset: Algorithm.Preset, _ interactions: Interactions
    ) throws -> FactorModel {
        let trainer = preset.trainer(factors: factors, seed: seed, shards: shards)
        let clock = ContinuousClock()
        let start = clock.now
        var updates = 0
        let model = try trainer.train(interactions, epochsMax: preset.epochs) { report, _ in
            updates += report.updates
            return true
        }
        let time = (clock.now - start).seconds
        Report.say(
            String(
                format:
                    "\(label): \(preset.epochs) epochs over %d events in %.1f s, %.3g s each, %.3g updates/s",
                interactions.count, time, time / Double(preset.epochs), Double(updates) / time))
        return model
    }

    private func rate(
        _ name: String, _ data: RatingsData, scale: ClosedRange<Float>, others: Double
    ) throws {
        let (train, test) = RatingsData.tenth(of: data.ratings, seed: 1)
        let model = try self.train("sgd on \(name)", .preset(.sgd), train)
        Report.bar("\(name), random 90/10, RMSE", QualityMeasures.rmse(model, test, scale: scale), others)
    }

    private func rank(_ name: Algorithm.Name, _ split: LeaveOneOut) throws {
        var presets = [(name.rawValue, Algorithm.Preset.preset(name))]
        if name == .als { presets.append(("als classical", .alsClassical)) }
        // Of implicit, on the same split: sampled HR and NDCG, full HR and NDCG.
        let others = name == .als ? [0.714, 0.440, 0.103, 0.051] : [0.612, 0.363, 0.074, 0.038]
        for (label, preset) in presets {
            let ranking = QualityMeasures.ranking(try train("\(label) on ML-1M", preset, split.train), split)
            Report.bar("\(label), 99 given negatives, HR@10", ranking.hitRate, others[0])
            Report.bar("\(label), 99 given negatives, NDCG@10", ranking.ndcg, others[1])
            Report.bar("\(label), full ranking, HR@10", ranking.fullHitRate, others[2])
            Report.bar("\(label), full ranking, NDCG@10", ranking.fullNDCG, others[3])
        }
    }

    /// The third seed's matrix is as large as the largest ids, users and items without a rating included.
    private func separate(_ data: URL) throws {
        let ratings = try RatingsData.byNumber(path: data.appending(path: "ml-1m/ratings.csv.gz").path)
        let likes = ratings.filter { ratings.values[$0] >= 4 }.mapValues { _ in 1 }
        let model = try train("bpr on ML-1M's ratings of 4 and 5", .preset(.bpr), likes)
        Report.bar("bpr, all cells, ROC-AUC", QualityMeasures.rocAUC(model, likes), 0.856)
    }
}

extension Report {
    static func say(_ text: String) { Swift.print(text) }

    /// A figure beside that of others; NaN where there is none.
    static func bar(_ name: String, _ value: Double, _ others: Double) {
        let beside = others.isNaN ? "" : String(format: "   others %.3f", others)
        let padding = String(repeating: " ", count: max(1, 46 - name.count))
        Swift.print("  " + name + padding + String(format: "%.4f", value) + beside)
    }
}
