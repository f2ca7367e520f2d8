import ArgumentParser
import Checkpoints
import Foundation
import Reporting

struct CheckpointVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Checks a state file: integrity, row counts, finiteness, positions. Changes nothing.",
        discussion: """
            Looks at the file, not at a daemon; it may be run on a copy, or beside a running daemon.

            EXAMPLES
              freshet checkpoint verify freshet-state/state.sqlite
              freshet checkpoint verify copy.sqlite && echo fine

            EXIT CODES
              0 nothing is wrong     65 something is
            """)

    @Argument(help: "The state.sqlite of a state folder, or a copy of one.")
    var file: String

    func run() throws {
        let report: StateVerification
        do {
            report = try StateFile.verify(path: file)
        } catch {
            throw CommandError(error.message, code: .data).report()
        }
        Terminal.write(Self.text(report))
        guard report.problems.isEmpty else {
            throw CommandError(
                "'\(file)' has \(report.problems.count) \(report.problems.count == 1 ? "problem" : "problems"); put back a copy of it, or move it away and start "
                    + "again: the state is then learned anew from the log",
                code: .data
            ).report()
        }
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
        table.append(["problems", report.problems.isEmpty ? "none" : String(report.problems.count)])
        return ([table.text] + report.problems.map { "problem: \($0)" }).joined(separator: "\n")
    }
}
