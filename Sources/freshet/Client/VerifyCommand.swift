import ArgumentParser
import Checkpoints
import EmbeddedEventLog
import EventLog
import Foundation
import Generations
import Reporting

struct CheckpointVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract:
            "Checks a state file: integrity, checksums of rows and tables, counts, finiteness, positions.",
        discussion: """
            Looks at the file, not at a daemon, and changes nothing: a right to read is enough, and no file is left beside it. It \
            may be run on a copy, or beside a running daemon. Some seconds for a million users.

            EXAMPLES
              freshet checkpoint verify                            # the state of the folder
              freshet checkpoint verify freshet-state/state.sqlite
              freshet checkpoint verify newest --json              # a generation, by its name
              freshet checkpoint verify --all                      # the state, all generations, the embedded log
              freshet checkpoint verify copy.sqlite && echo fine

            EXIT CODES
              0 nothing is wrong     65 something is     66 it may not be read
            """)

    @OptionGroup var place: GenerationPlace

    @Argument(
        help:
            "A state.sqlite, a copy of one, the name of a generation, newest, or current: the folder's state."
    )
    var file = "current"

    @Flag(help: "The folder's state, all its generations, and the embedded log where there is one.") var all =
        false

    private struct Answer: Encodable {
        var file: String
        var schema: Int
        var source: String
        var factors: Int
        var positions: [String: Int64]
        var events: Int64
        var users: Int
        var items: Int
        var rows: [String: Int]
        var checksums: [String: String]
        var problems: [String]
    }

    func run() throws {
        do {
            let files = all ? [place.statePath] + place.generations.all.map(\.path) : [try place.file(file)]
            var found = files.compactMap { ending(of: $0) }
            if all, FileManager.default.fileExists(atPath: place.logPath) {
                found += [endingOfLog(place.logPath)].compactMap(\.self)
            }
            // Damage is the graver news.
            if let code = found.first(where: { $0 == .data }) ?? found.first { throw ExitCode(code.rawValue) }
        } catch let error as CommandError {
            throw error.report()
        }
    }

    /// What the program ends with because of this file; `nil` where nothing is wrong.
    private func ending(of file: String) -> CommandError.Code? {
        do throws(StateError) {
            return try verify(file) ? nil : .data
        } catch {
            let told = CommandError(looking: error)
            Terminal.writeError("freshet: \(told)")
            return told.code
        }
    }

    /// Whether nothing is wrong.
    private func verify(_ file: String) throws(StateError) -> Bool {
        let report = try StateFile.verify(path: file)
        if place.json {
            Terminal.write((try? GenerationJSON.line(Self.answer(file, report))) ?? "")
        } else {
            Terminal.write((all ? "\(file)\n" : "") + Self.text(report))
        }
        guard !report.problems.isEmpty else { return true }
        Terminal.writeError(
            "freshet: '\(file)' has \(report.problems.count) \(report.problems.count == 1 ? "problem" : "problems"); "
                + Self.remedy(of: file))
        return false
    }

    private static func remedy(of file: String) -> String {
        if let remedy = StateFile.remedy(ofCopy: file) { return remedy }
        return (WayBack.text(from: file) ?? "put back a copy of it")
            + ". Or move it away and start again: the state is then learned anew from the log"
    }

    private struct LogAnswer: Encodable {
        var file: String
        var schema: Int
        var events: Int64
        var withChecksum: Int64
        var earliest: Int64
        var end: Int64
        var problems: [String]
    }

    /// The same of the embedded log.
    private func endingOfLog(_ file: String) -> CommandError.Code? {
        do {
            let report = try EmbeddedLog.verify(path: file)
            let (earliest, end) = (report.offsets.lowerBound, report.offsets.upperBound)
            if place.json {
                let answer = LogAnswer(
                    file: file, schema: report.schemaVersion, events: report.events,
                    withChecksum: report.withChecksum, earliest: earliest, end: end,
                    problems: report.problems)
                Terminal.write((try? GenerationJSON.line(answer)) ?? "")
            } else {
                Terminal.write(
                    ([
                        "\(file)\n\(report.events) events from offset \(earliest) to the end, \(end); "
                            + "\(report.withChecksum) with a checksum"
                    ]
                        + report.problems.map { "problem: \($0)" }).joined(separator: "\n"))
            }
            guard !report.problems.isEmpty else { return nil }
            Terminal.writeError(
                "freshet: '\(file)' has \(report.problems.count) \(report.problems.count == 1 ? "problem" : "problems"); put "
                    + "back a copy of it, with its -wal, or set source.on-gap: skip once to learn what lies behind"
            )
        } catch {
            Terminal.writeError("freshet: \(error.message)")
            // Refused by the system: nobody has seen yet what is in it.
            if error.code == .refused { return .cannotRead }
        }
        return .data
    }

    private static func answer(_ file: String, _ report: StateVerification) -> Answer {
        Answer(
            file: file, schema: report.schemaVersion, source: report.identity.source,
            factors: report.identity.factors,
            positions: Dictionary(uniqueKeysWithValues: report.positions.map { (String($0.key), $0.value) }),
            events: GenerationPlace.integer("events.applied", report), users: report.users,
            items: report.items, rows: report.factorRows,
            checksums: report.checksums.mapValues { String($0, radix: 16) }, problems: report.problems)
    }

    static func text(_ report: StateVerification) -> String {
        var table = Table([Table.Column(title: "what"), Table.Column(title: "found", alignment: .right)])
        table.append(["schema", String(report.schemaVersion)])
        table.append(["log", report.identity.source])
        table.append(["factors", String(report.identity.factors)])
        for (partition, position) in report.positions.sorted(by: { $0.key < $1.key }) {
            table.append(["position of partition \(partition)", String(position)])
        }
        if case .integer(let applied)? = report.scalars["events.applied"] {
            table.append(["events applied", String(applied)])
        }
        table.append(["users", String(report.users)])
        table.append(["items", String(report.items)])
        for (name, rows) in report.factorRows.sorted(by: { $0.key < $1.key }) {
            table.append(["rows of \(name)", String(rows)])
        }
        table.append([
            "checksums",
            report.checksums.isEmpty
                ? "none yet (of an earlier version)" : "\(report.checksums.count) tables",
        ])
        table.append(["problems", report.problems.isEmpty ? "none" : String(report.problems.count)])
        return ([table.text] + report.problems.map { "problem: \($0)" }).joined(separator: "\n")
    }
}
