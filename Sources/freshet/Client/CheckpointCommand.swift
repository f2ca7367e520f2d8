import ArgumentParser
import RESP
import Reporting
import Wording

struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract:
            "Makes the running daemon's state durable; checks state files and goes back to earlier ones.",
        subcommands: [
            CheckpointNowCommand.self, CheckpointListCommand.self, CheckpointVerifyCommand.self,
            CheckpointRestoreCommand.self, CheckpointDiffCommand.self,
        ],
        defaultSubcommand: CheckpointNowCommand.self)
}

struct CheckpointNowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "now", abstract: "Checkpoints at once, and prints the positions it stands at.",
        discussion: """
            EXAMPLES
              freshet checkpoint
              freshet checkpoint now --json
            """)

    @OptionGroup var client: ClientOptions

    /// Next offset by partition.
    static func text(_ answer: RESPValue) throws -> String {
        guard case .map(let pairs) = answer else {
            throw DaemonError(description: "answer is no map: \(answer.plainText)")
        }
        var table = Table([
            Table.Column(title: "partition", alignment: .right),
            Table.Column(title: "next offset", alignment: .right),
        ])
        for (partition, position) in pairs { table.append([partition.plainText, position.plainText]) }
        return table.text
    }

    func run() throws {
        try client.withClient {
            let answer = try $0.ask(["CHECKPOINT"])
            Terminal.write(client.prefersJSON ? try JSONText.line(answer) : try Self.text(answer))
        }
    }
}
