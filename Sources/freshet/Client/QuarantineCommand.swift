import ArgumentParser
import RESP
import Reporting
import Wording

struct QuarantineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "The latest updates that the guard dropped: of which event and model, and why.",
        discussion: """
            not-finite: a row held what is no number. past-norm: a row would have become longer than engine.norm-max. \
            no-solution: least squares had none. Of this run of the daemon, the newest first, 256 of each model at most; who \
            is forgotten is erased here too.

            EXAMPLES
              freshet quarantine --count 20
              freshet quarantine --model stars --json | jq .
            """)

    @OptionGroup var client: ClientOptions

    @Option(help: "Updates at most.") var count = 100
    @Option(help: "Of this model alone.") var model: String?

    var rpcArguments: [String] {
        ["QUARANTINE", "COUNT", String(count)] + (model.map { ["MODEL", $0] } ?? [])
    }

    private static let columns = ["token", "model", "user", "item", "why", "steps"]

    static func text(_ answer: RESPValue) throws -> String {
        guard case .array(let updates) = answer else {
            throw DaemonError(description: "answer is no array: \(answer.plainText)")
        }
        guard !updates.isEmpty else { return "nothing was dropped since the daemon started" }
        var table = Table(columns.map { Table.Column(title: $0) })
        for update in updates {
            var fields: [String: String] = [:]
            if case .map(let pairs) = update {
                for (name, value) in pairs where value != .null { fields[name.plainText] = value.plainText }
            }
            table.append(columns.map { fields[$0] ?? "" })
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
