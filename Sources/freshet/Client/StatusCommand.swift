import ArgumentParser
import RESP
import Reporting
import Wording

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Positions, counters, live scores and memory of the running daemon.",
        discussion: """
            A table on a terminal, JSON in a pipe or a file, as all commands that ask the daemon; --table and --json decide.

            EXAMPLES
              freshet status
              freshet status --table | less
              freshet status --json | jq '."events.applied"'
              freshet status --digest                   # a pass over all state: seconds on a large one
            """)

    @OptionGroup var client: ClientOptions
    @Flag(help: "Add a digest of all learned state.") var digest = false

    var rpcArguments: [String] { digest ? ["STATUS", "DIGEST"] : ["STATUS"] }

    /// Name and value, a line each, with an empty line between sections.
    static func text(_ answer: RESPValue) throws -> String {
        guard case .map(let pairs) = answer else {
            throw DaemonError(description: "answer is no map: \(answer.plainText)")
        }
        var table = Table([Table.Column(title: "name"), Table.Column(title: "value", widthMax: 100)])
        var section: Substring?
        for (name, value) in pairs {
            let name = name.plainText
            let next = name.prefix { $0 != "." }
            if let section, section != next { table.append([]) }
            section = next
            table.append([name, value.plainText])
        }
        return table.text
    }

    func run() throws {
        try client.withClient {
            let answer = try $0.ask(rpcArguments)
            Terminal.write(client.prefersJSON ? try JSONText.line(answer) : try Self.text(answer))
        }
    }
}
