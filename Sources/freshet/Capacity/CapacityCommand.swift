import ArgumentParser
import Engine
import Foundation
import Reporting
import Settings
import State

/// `freshet capacity`
struct CapacityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capacity",
        abstract:
            "Says what a machine needs: memory by part, disk, and how long checkpoints and a restart take.",
        discussion: """
            Takes the configuration into account: models, factors, bounds, the kind of log. Nothing is started. Memory is \
            that of the daemon once all is learned, by the same parts as STATUS has; times are those of two cores with a \
            local disk.

            EXAMPLES
              freshet capacity --users 1000000 --items 100000 --events 4000000
              freshet capacity --users 50000 --items 8000 --events 2000000 --pairs 900000 --json
              freshet capacity --config /etc/freshet.yaml --users 5e6 --items 2e5 --events 1e9
            """)

    @Option(help: "Users.", transform: Self.number) var users: Int
    @Option(help: "Items.", transform: Self.number) var items: Int
    @Option(help: "Events in the log.", transform: Self.number) var events: Int
    @Option(
        help: "User–item pairs that are remembered; as many as events where absent.", transform: Self.number)
    var pairs: Int?
    @Option(help: "Of these, what is liked; six in ten where absent.", transform: Self.number)
    var liked: Int?
    @Option(
        help:
            "Models instead of the configured ones, parted by commas: names of configured ones, or learners.")
    var models: String?
    @Option(help: "Partitions of the topic.") var partitions = 1
    @Option(help: "Bytes of an id, on average.") var idBytes = 8
    @Option(help: "Bytes of an item's title and tags, on average.") var descriptionBytes = 0
    @Option(help: "A YAML file, as serve takes it.") var config: String?
    @Option(name: .customLong("set"), help: "key=value, over the file and the environment; may be repeated.")
    var settings: [String] = []
    @Flag(help: "Print a JSON object.") var json = false

    /// Also as `1e6`.
    static func number(_ text: String) throws -> Int {
        guard let value = Double(text), value >= 0, value <= 1e12, value == value.rounded() else {
            throw ValidationError("'\(text)' is no whole number from 0 to 1e12")
        }
        return Int(value)
    }

    func validate() throws {
        guard partitions >= 1, (1...256).contains(idBytes), descriptionBytes >= 0 else {
            throw ValidationError(
                "--partitions is from 1, --id-bytes from 1 to 256, --description-bytes from 0")
        }
    }

    func run() throws {
        let configuration: Configuration
        do {
            configuration = try Configuration.load(
                file: config, environment: ProcessInfo.processInfo.environment, settings: settings)
        } catch {
            Terminal.writeError("freshet: \(error)")
            throw ExitCode(ConfigurationError.exitCode)
        }
        let lines = Self.lines(estimate(try withModels(configuration)))
        Terminal.write(json ? try Self.json(lines) : Self.table(lines))
    }

    private func withModels(_ configuration: Configuration) throws -> Configuration {
        guard let models else { return configuration }
        var changed = configuration
        changed.models = try models.split(separator: ",").map { name in
            if let known = configuration.models.first(where: { $0.name == name }) { return known }
            guard let learner = ModelSettings.Learner(rawValue: String(name)) else {
                let learners = ModelSettings.Learner.allCases.map(\.rawValue).joined(separator: ", ")
                throw CommandError(
                    "'\(name)' is neither a configured model nor a learner; learners are \(learners)",
                    code: .usage
                ).report()
            }
            return ModelSettings(name: String(name), learner: learner)
        }
        return changed
    }

    private func estimate(_ configuration: Configuration) -> CapacityEstimate {
        var size = DeploymentSize(users: users, items: items, events: events, pairs: pairs)
        if let liked { size.liked = liked }
        (size.partitions, size.idBytes, size.descriptionBytes) = (partitions, idBytes, descriptionBytes)
        return CapacityEstimate(
            of: size, options: configuration.engineOptions, hasKafka: configuration.source.kind == .kafka)
    }

    /// A figure under its name in JSON: bytes, or seconds.
    struct Line {
        var name: String
        var words: String
        var bytes: Int?
        var seconds: Double?
    }

    private static let words = [
        "users": "users' rows", "histories": "histories", "ids": "ids", "items": "items' rows and counts",
        "catalogue": "titles and tags", "recent-events": "recent events, by which duplicates are known",
        "index": "index of items", "queue": "events waiting to be learned",
        "log": "events fetched from the log",
        "sqlite": "SQLite", "checkpoint": "checkpoint",
    ]

    static func lines(_ estimate: CapacityEstimate) -> [Line] {
        var lines = estimate.memory.named.filter { $0.name != "checkpoint" }.map {
            Line(
                name: "memory.\($0.name)-bytes", words: "memory: \(words[$0.name] ?? $0.name)",
                bytes: $0.bytes)
        }
        lines += [
            Line(
                name: "memory.other-bytes", words: "memory: code, stacks, the allocator's",
                bytes: estimate.other),
            Line(name: "memory.resident-bytes", words: "memory in all", bytes: estimate.resident),
            Line(
                name: "memory.catching-up-bytes", words: "more while a log is caught up with, up to",
                bytes: estimate.catchingUp),
            Line(name: "disk.state-bytes", words: "disk: state", bytes: estimate.stateFile),
            Line(name: "disk.log-bytes", words: "disk: embedded log", bytes: estimate.log),
            Line(
                name: "checkpoint.seconds", words: "a checkpoint of all rows", bytes: nil,
                seconds: estimate.checkpointSeconds),
            Line(name: "restore.seconds", words: "a restart", bytes: nil, seconds: estimate.restoreSeconds),
        ]
        return lines
    }

    private static func table(_ lines: [Line]) -> String {
        var table = Table([
            Table.Column(title: "what"), Table.Column(title: "how much", alignment: .right),
        ])
        for line in lines {
            if let bytes = line.bytes {
                table.append([line.words, NumberText.grouped((bytes + (1 << 19)) >> 20) + " MiB"])
            } else if let seconds = line.seconds {
                table.append([line.words, String(format: "%.1f s", seconds)])
            }
        }
        return table.text
    }

    private static func json(_ lines: [Line]) throws -> String {
        var object: [String: Any] = [:]
        for line in lines {
            if let bytes = line.bytes {
                object[line.name] = bytes
            } else if let seconds = line.seconds {
                object[line.name] = seconds
            }
        }
        let data = try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .prettyPrinted])
        return String(decoding: data, as: UTF8.self)
    }
}
