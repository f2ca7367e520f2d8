import EventLog
import Feeding
import Foundation
public import Reporting
import Settings

/// What `train` says at its end, for people and for programs.
public struct TrainSummary {
    let output: StateOutput
    let plan: TrainingPlan
    let source: HistorySource
    let history: HistorySummary
    let outcomes: [ModelTraining.Outcome]
    let fromLog: Bool
    let elapsed: Duration

    /// What to end with though the state is written: lines of files that were passed over. Those of the log are put
    /// aside there, and lost to nobody.
    public var passedOver: CommandError? {
        fromLog ? nil : PassedOver.failure(lines: source.bad, first: source.firstBadLines)
    }

    /// Starts a daemon on the result; to be pasted into a shell.
    var serveCommand: String {
        let folder = output.isServable ? output.folder : "FOLDER"
        return (["freshet", "serve"] + plan.serveArguments(folder: folder)).map(Self.shellQuoted).joined(
            separator: " ")
    }

    // MARK: - For people

    /// What was learned, a table of the models, and how to start a daemon on the result.
    public var text: String {
        let count = { (name: String) in NumberText.grouped(Int(history.counters["events.\(name)"] ?? 0)) }
        var lines = [
            "learned from \(NumberText.grouped(source.events)) events of \(NumberText.grouped(history.users)) users and "
                + "\(NumberText.grouped(history.items)) items: \(count("ratings")) ratings, \(count("signals")) signals, "
                + "\(count("duplicates")) duplicates"
        ]
        if source.bad > 0 {
            lines.append("passed over \(NumberText.grouped(source.bad)) lines or records that are no events")
        }
        if source.backwards > 0 {
            lines.append(
                "\(NumberText.grouped(source.backwards)) events are older than the one in front of them; they were taken "
                    + "in the order in which they came")
        }
        lines += ["", table.text, ""]
        lines.append("wrote \(output.path) in \(Self.seconds(elapsed)) s; to go on from it:")
        if !output.isServable {
            lines.append("  mkdir -p FOLDER && mv \(Self.shellQuoted(output.path)) FOLDER/state.sqlite")
        }
        if let logCopy { lines.append("  \(logCopy)") }
        lines.append("  \(serveCommand)")
        if let note { lines.append(note) }
        return lines.joined(separator: "\n")
    }

    private var table: Table {
        var table = Table([
            Table.Column(title: "model"), Table.Column(title: "learner"),
            Table.Column(title: "learned from", alignment: .right),
            Table.Column(title: "epochs", alignment: .right),
            Table.Column(title: "training loss", alignment: .right), Table.Column(title: "validation"),
            Table.Column(title: "updates/s", alignment: .right), Table.Column(title: "s", alignment: .right),
        ])
        for outcome in outcomes {
            table.append([
                outcome.name, outcome.learner, NumberText.grouped(outcome.interactions), epochs(outcome),
                outcome.loss.map { "\($0.name) \(EpochProgress.number($0.value))" } ?? "–",
                outcome.validation.map(Self.validation) ?? "–",
                NumberText.grouped(Int(outcome.updatesPerSecond)), Self.seconds(outcome.duration),
            ])
        }
        return table
    }

    private func epochs(_ outcome: ModelTraining.Outcome) -> String {
        let atBound = outcome.validation != nil && outcome.epochs == outcome.epochsMax
        return "\(outcome.epochs)\(atBound ? " (the bound)" : "")"
    }

    private static func validation(_ figure: ValidationFigure) -> String {
        let of = figure.metric == .rmse ? "ratings" : "users"
        return
            "\(figure.metric.rawValue) \(EpochProgress.number(figure.value)) of \(NumberText.grouped(figure.count)) \(of)"
    }

    /// The embedded log stays where it is, and a daemon looks for it beside its state.
    private var logCopy: String? {
        let folder = plan.configuration.state.folder
        guard fromLog, plan.configuration.source.kind == .embedded else { return nil }
        let target = output.isServable ? output.folder : "FOLDER"
        guard URL(filePath: target).standardizedFileURL != URL(filePath: folder).standardizedFileURL else {
            return nil
        }
        return "cp \(Self.shellQuoted(folder + "/log.sqlite")) \(Self.shellQuoted(target + "/"))    "
            + "# once no daemon writes it"
    }

    private var note: String? {
        guard !fromLog else { return nil }
        let log = output.folder + "/log.sqlite"
        if plan.configuration.source.kind == .embedded, output.isServable,
            FileManager.default.fileExists(atPath: log)
        {
            return "note: \(log) is there; the daemon will learn all of it on top"
        }
        guard plan.configuration.source.kind == .kafka, plan.configuration.source.kafka.start == .earliest
        else {
            return nil
        }
        return "note: the daemon reads the topic from its beginning; where it holds the same events, add "
            + "--set source.kafka.start=latest, or a time"
    }

    private static func seconds(_ duration: Duration) -> String {
        String(format: "%.1f", duration / .seconds(1))
    }

    static func shellQuoted(_ text: String) -> String {
        let isPlain = text.unicodeScalars.allSatisfy { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "-", "_", ".", "/", "=", ":", ",": true
            default: false
            }
        }
        return isPlain && !text.isEmpty ? text : "'" + text.replacing("'", with: "'\\''") + "'"
    }

    // MARK: - For programs

    /// The same as one JSON object; throws only what the encoder throws.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(Report(self)), as: UTF8.self)
    }

    private struct Report: Encodable {
        let output: String
        let serve: String
        let seconds: Double
        let events: Int
        let bad: Int
        let backwards: Int
        let endedInMidLine: [String]
        let users: Int
        let items: Int
        let counters: [String: Int64]
        /// Next offset by partition; empty for a state from files.
        let positions: [String: Int64]
        let models: [Model]

        init(_ summary: TrainSummary) {
            output = summary.output.path
            serve = summary.serveCommand
            seconds = summary.elapsed / .seconds(1)
            (events, bad) = (summary.source.events, summary.source.bad)
            (backwards, endedInMidLine) = (summary.source.backwards, summary.source.endedInMidLine)
            (users, items, counters) = (
                summary.history.users, summary.history.items, summary.history.counters
            )
            positions = Dictionary(
                uniqueKeysWithValues: summary.history.positions.map { (String($0.key), $0.value) })
            models = summary.outcomes.map(Model.init)
        }
    }

    private struct Model: Encodable {
        struct Validation: Encodable {
            let metric: String
            let value: Double
            let count: Int
        }
        let name: String
        let learner: String
        let interactions: Int
        let heldBack: Int
        let epochs: Int
        let epochsTried: Int
        let trainingLoss: Double?
        let trainingLossName: String?
        let validation: Validation?
        let updates: Int
        let updatesPerSecond: Double
        let seconds: Double

        init(_ outcome: ModelTraining.Outcome) {
            (name, learner) = (outcome.name, outcome.learner)
            (interactions, heldBack) = (outcome.interactions, outcome.heldBack)
            (epochs, epochsTried) = (outcome.epochs, outcome.epochsTried)
            (trainingLoss, trainingLossName) = (outcome.loss?.value, outcome.loss?.name)
            validation = outcome.validation.map {
                Validation(metric: $0.metric.rawValue, value: $0.value, count: $0.count)
            }
            (updates, updatesPerSecond) = (outcome.updates, outcome.updatesPerSecond)
            seconds = outcome.duration / .seconds(1)
        }
    }
}
