import Foundation
import Reporting
import Settings
import Training

/// What is to be trained: the configuration that `serve` will take too, and what holds for the epochs alone.
struct TrainingPlan {
    /// As `serve` takes it.
    let configuration: Configuration
    /// The same with `--batch` on top.
    private let batch: Configuration
    /// What has to be said to `serve`, in the order given; the place of the state comes last, and so wins.
    private let config: String?
    private let serveSettings: [String]

    init(_ request: TrainingRequest, environment: [String: String]) throws {
        var settings = try AlgorithmShortcut.settings(request.algorithms)
        settings += request.settings
        if let factors = request.factors { settings.append("engine.factors=\(factors)") }
        if let seed = request.seed { settings.append("engine.seed=\(seed)") }
        (config, serveSettings) = (request.config, settings)
        if let shards = request.shards { settings.append("engine.shards=\(shards)") }
        configuration = try Configuration.load(
            file: request.config, environment: environment, settings: settings)
        batch = try Configuration.load(
            file: request.config, environment: environment,
            settings: settings + request.batchSettings.map { "models.\($0)" })
        try requireSameModels()
    }

    /// A model that only `--batch` names would be trained and never served.
    private func requireSameModels() throws {
        for (model, other) in zip(batch.models, configuration.models) where model.learner != other.learner {
            throw CommandError(
                "--batch cannot change the learner of '\(model.name)'; say it by --algorithm or --set",
                code: .configuration)
        }
        guard
            let unknown = batch.models.map(\.name).first(where: {
                !configuration.models.map(\.name).contains($0)
            })
        else { return }
        throw CommandError(
            "--batch names the model '\(unknown)'; there are "
                + configuration.models.map(\.name).joined(separator: ", "),
            code: .configuration)
    }

    func serveArguments(folder: String) -> [String] {
        let kept = serveSettings.filter { !$0.hasPrefix("state.folder=") } + ["state.folder=\(folder)"]
        return (config.map { ["--config", $0] } ?? []) + kept.flatMap { ["--set", $0] }
    }

    func batch(of model: Int) -> BatchSettings? { BatchSettings(batch.models[model]) }

    /// As `EventLog.source` says it.
    var source: String {
        switch configuration.source.kind {
        case .embedded: "embedded"
        case .kafka: "kafka:\(configuration.source.kafka.topic)"
        }
    }
}

/// `[name=]learner[:key=value,…]`, as settings of the configuration.
enum AlgorithmShortcut {
    static func settings(_ texts: [String]) throws(CommandError) -> [String] {
        var (models, names): ([String], [String]) = ([], [])
        for text in texts {
            let (name, fields) = try parse(text)
            guard !names.contains(name) else {
                throw CommandError(
                    "--algorithm \(text): there is a model '\(name)' already; give this one another name, "
                        + "say other=\(text)",
                    code: .configuration)
            }
            names.append(name)
            models.append("\(name): {\(fields.map { "\($0): \(quoted($1))" }.joined(separator: ", "))}")
        }
        guard let first = names.first else { return [] }
        return ["models={\(models.joined(separator: ", "))}", "default-model=\(first)"]
    }

    private static func parse(_ text: String) throws(CommandError) -> (name: String, [(String, String)]) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        let head = parts[0].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        let (name, learner) = (head[0], head[head.count - 1])
        guard ModelSettings.isName(name) else {
            throw CommandError(
                "--algorithm \(text): '\(name)' is no model's name, allowed is \(ModelSettings.nameAllowed)",
                code: .configuration)
        }
        var fields = [("learner", learner)]
        for field in parts.count > 1 ? parts[1].split(separator: ",") : [] {
            let pair = field.split(separator: "=", maxSplits: 1).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard pair.count == 2 else {
                throw CommandError("--algorithm \(text): '\(field)' is not key=value", code: .configuration)
            }
            fields.append((pair[0], pair[1]))
        }
        return (name, fields)
    }

    /// As a YAML scalar, whatever it holds.
    private static func quoted(_ text: String) -> String {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "."), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        return isPlain && !text.isEmpty
            ? text : "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}
