import ArgumentParser
import RESP
import Reporting
import Wording

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Why an item is, or is not, recommended to a user.",
        discussion: """
            Says in sentences what keeps the item out, what score it would need, and what adds to its score. --json, and what \
            is no terminal, gets the fields of the RPC's EXPLAIN.

            EXAMPLES
              freshet explain u42 i7
              freshet explain u42 i7 --model stars
              freshet explain u42 i7 --tag Comedy       # in a list of comedies
              freshet explain u42 i7 --json | jq '."why-not"'
            """)

    @OptionGroup var client: ClientOptions
    @Argument(help: "The user's id.") var user: String
    @Argument(help: "The item's id.") var item: String
    @Option(help: "A model's name; else the default model.") var model: String?
    @Option(help: "As in a list of items that carry this tag; may be given several times.")
    var tag: [String] = []
    @Option(help: "As in a list without this item; may be given several times.") var exclude: [String] = []
    @Option(help: "Wait until the event of this token is learned.") var after: String?

    var rpcArguments: [String] {
        ["EXPLAIN", user, item] + (model.map { ["MODEL", $0] } ?? []) + tag.flatMap { ["TAG", $0] }
            + exclude.flatMap { ["EXCLUDE", $0] } + (after.map { ["AFTER", $0] } ?? [])
    }

    /// The answer as it is, with user, item and title before it.
    static func described(
        _ answer: RESPValue, user: String, item: String, title: RESPValue?
    ) throws -> RESPValue {
        guard case .map(let pairs) = answer else {
            throw DaemonError(description: "answer is no map: \(answer.plainText)")
        }
        return .map(
            [
                (.text("user"), .text(user)), (.text("item"), .text(item)),
                (.text("title"), title ?? .null),
            ] + pairs)
    }

    func run() throws {
        try client.withClient {
            let answer = try $0.ask(rpcArguments)
            let title = try $0.ask(["ITEM.GET", item])["title"]
            let explanation = try Self.described(answer, user: user, item: item, title: title)
            let text = ExplanationText(answer, user: user, item: item, title: title?.string)
            Terminal.write(client.prefersJSON ? try JSONText.line(explanation) : text.text)
        }
    }
}
