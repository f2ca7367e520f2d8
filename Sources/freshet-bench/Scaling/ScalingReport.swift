internal import BenchmarkSupport
internal import Engine
internal import Foundation
internal import LiveScores
internal import State
internal import StreamLearning

/// What a stream took to learn on so many shards.
struct ScalingReport: Codable {
    struct Part: Codable {
        var seconds: Double
        /// Of the stages by name: seconds of wall time, and of the processor.
        var wall: [String: Double]
        var processor: [String: Double]
        /// Of the whole process; `nil` where only the stages are known.
        var processorSeconds: Double?
        /// Live scores of the models, over the last fifth.
        var scores: [String: Double]

        init(seconds: Double, stages: [StageTimes.Stage: StageTimes.Times], scores: [String: Double]) {
            self.seconds = seconds
            self.scores = scores
            wall = Dictionary(uniqueKeysWithValues: stages.map { ($0.key.rawValue, $0.value.wallSeconds) })
            processor = Dictionary(
                uniqueKeysWithValues: stages.map { ($0.key.rawValue, $0.value.processorSeconds) })
        }

        init(seconds: Double, stages: [StageTimes.Stage: StageTimes.Times], state: LearnedState) {
            let scores = state.models.compactMap { model -> (String, Double)? in
                let window = model.score.window
                guard window.count > 0 else { return nil }
                let mean = window.model / Double(window.count)
                return (model.options.name, model.rule.predictsRatings ? mean.squareRoot() : mean)
            }
            self.init(
                seconds: seconds, stages: stages, scores: Dictionary(uniqueKeysWithValues: scores))
        }
    }

    struct Run: Codable {
        var shards: Int
        var learning: Part
        var whole: Part
    }

    var events: Int
    var cores: Int
    var runs: [Run] = []

    /// RMSE or sampled recall of each model, as `STATUS` has them.
    static func scores(_ status: [StatusField]) -> [String: Double] {
        var scores: [String: Double] = [:]
        for field in status where field.name.hasPrefix("model.") {
            guard case .double(let value) = field.value else { continue }
            for kind in [".rmse", ".recall@10"] where field.name.hasSuffix(kind) {
                scores[String(field.name.dropFirst(6).dropLast(kind.count))] = value
            }
        }
        return scores
    }
}

extension ScalingReport {
    func print(asJSON: Bool) throws {
        if asJSON {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            return Swift.print(String(decoding: try encoder.encode(self), as: UTF8.self))
        }
        guard let first = runs.first else { return }
        for run in runs {
            Report.print([
                comparison("learning alone", run.shards, run.learning, first.shards, first.learning),
                comparison("the whole way", run.shards, run.whole, first.shards, first.whole),
            ])
        }
        Swift.print("")
        Swift.print("seconds".padded(34) + runs.map { "\($0.shards) shards".padded(12) }.joined())
        table("learning alone: ", \.learning, ["prepare", "wait", "learn"])
        line("learning alone: shards idle") { run in
            // All shards together, from when they are set to work until the last is done.
            let wait = run.learning.wall["wait"] ?? 0
            return wait * Double(min(run.shards, cores)) - (run.learning.processor["learn"] ?? 0)
        }
        table("the whole way: ", \.whole, ["fetch", "decode", "prepare", "wait", "learn", "publish"])
        line("the whole way: all processor time") { $0.whole.processorSeconds }
        for name in first.whole.scores.keys.sorted() {
            line("score of \(name), learning alone") { $0.learning.scores[name] }
            line("score of \(name), the whole way") { $0.whole.scores[name] }
        }
        Swift.print("")
        for run in runs { bound(run) }
    }

    private func comparison(
        _ what: String, _ shards: Int, _ part: Part, _ baselineShards: Int, _ baseline: Part
    ) -> Comparison {
        Comparison(
            name: "\(what), \(shards) shards", ours: Double(events) / part.seconds,
            baselineName: "\(baselineShards) shards", baseline: Double(events) / baseline.seconds,
            unit: "events/s")
    }

    private func table(_ prefix: String, _ part: (Run) -> Part, _ stages: [String]) {
        for stage in stages { line(prefix + stage) { part($0).wall[stage] } }
    }

    private func line(_ name: String, _ value: (Run) -> Double?) {
        let values = runs.map { run in
            (value(run).map { String(format: "%.3f", $0) } ?? "").padded(12)
        }
        Swift.print(name.padded(34) + values.joined())
    }

    /// No order of the work takes less than its processor time shared out over all cores, nor less than its longest chain:
    /// a batch is learned, and then published.
    private func bound(_ run: Run) {
        guard let processor = run.whole.processorSeconds else { return }
        let shared = processor / Double(cores)
        let busy = min(run.shards, cores)
        let chain =
            (run.whole.processor["learn"] ?? 0) / Double(busy) + (run.whole.processor["publish"] ?? 0)
        Swift.print(
            String(
                format:
                    "%d shards: %.2f s of processor time on %d cores are %.2f s at least; learning on %d cores and then "
                    + "publishing are %.2f s; it took %.2f s",
                run.shards, processor, cores, shared, busy, chain, run.whole.seconds))
    }
}
