import ArgumentParser
import Diagnosis
import Foundation
import Reporting
import Settings

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks at configuration, machine, log and files, and says what to do.",
        discussion: """
            Takes the configuration as serve does, and may be run before the daemon is started, beside it, or when it will not \
            start; best as the daemon's user. Changes nothing. A letter is written into Kafka's dead-letter topic in a \
            transaction that is aborted, which no reader of committed records sees.

            EXAMPLES
              freshet doctor
              freshet doctor --config /etc/freshet/freshet.yaml
              sudo -u freshet freshet doctor --json | jq '.[] | select(.level != "ok")'

            EXIT CODES
              0 nothing is wrong, though there may be warnings
              1 there is an error     78 the configuration is wrong
            """)

    @Option(help: "A YAML file; see config/freshet.yaml for every key and its default.")
    var config: String?

    @Option(name: .customLong("set"), help: "key=value, over the file and the environment; may be repeated.")
    var settings: [String] = []

    @Flag(help: "Print JSON, or a line for each thing looked at; lines are the default.")
    var format: ClientOptions.Format = .table

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        let configuration = Result { () throws(ConfigurationError) in
            try Configuration.load(file: config, environment: environment, settings: settings)
        }
        let diagnosis = Diagnosis(
            of: configuration, from: origin(environment), version: Freshet.version)
        Terminal.write(
            format == .json
                ? try Self.json(diagnosis.findings)
                : Self.text(diagnosis.findings, inColour: Terminal.outputIsTerminal))
        if case .failure = configuration { throw ExitCode(ConfigurationError.exitCode) }
        if diagnosis.level == .error { throw ExitCode(CommandError.Code.failure.rawValue) }
    }

    private func origin(_ environment: [String: String]) -> String {
        let variables = environment.keys.filter { $0.hasPrefix("FRESHET_") }.count
        var parts = [config.map { "'\($0)'" } ?? "defaults"]
        if variables > 0 { parts.append(variables == 1 ? "1 variable" : "\(variables) variables") }
        if !settings.isEmpty { parts.append("\(settings.count) of --set") }
        return parts.joined(separator: ", ")
    }

    /// A line each, what to do on a line of its own, and a last line that counts.
    static func text(_ findings: [Finding], inColour: Bool) -> String {
        let width = findings.map(\.subject.count).max() ?? 0
        var lines: [String] = []
        for finding in findings {
            let level = finding.level.rawValue.padding(toLength: 7, withPad: " ", startingAt: 0)
            let subject = finding.subject.padding(toLength: width, withPad: " ", startingAt: 0)
            let colour = ["ok": "32", "warning": "33", "error": "31"][finding.level.rawValue] ?? "0"
            let head = inColour ? "\u{1B}[\(colour)m\(level)\u{1B}[0m" : level
            lines.append("\(head)  \(subject)  \(Table.printable(finding.found))")
            if let remedy = finding.remedy {
                let indent = String(repeating: " ", count: 9 + width + 2)
                lines.append("\(indent)→ \(Table.printable(remedy))")
            }
        }
        let counts = Finding.Level.allCases.reversed().compactMap { level -> String? in
            let count = findings.count { $0.level == level }
            guard count > 0, level != .ok else { return nil }
            return "\(count) \(level.rawValue)\(count == 1 ? "" : "s")"
        }
        lines.append(counts.isEmpty ? "All is well." : counts.joined(separator: ", ") + ".")
        return lines.joined(separator: "\n")
    }

    private struct Line: Encodable {
        var subject: String
        var level: String
        var found: String
        var remedy: String?
    }

    static func json(_ findings: [Finding]) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let lines = findings.map {
            Line(subject: $0.subject, level: $0.level.rawValue, found: $0.found, remedy: $0.remedy)
        }
        return String(decoding: try encoder.encode(lines), as: UTF8.self)
    }
}
