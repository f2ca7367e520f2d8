import ArgumentParser
import Foundation
import RESP
import Reporting

struct ExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Why an item is, or is not, recommended to a user.",
        discussion: """
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

    /// A line each, and the items that carry it in a table of their own below.
    static func text(_ explanation: RESPValue) -> String {
        guard case .map(let pairs) = explanation else { return explanation.plainText }
        var table = Table([Table.Column(title: "what"), Table.Column(title: "value", widthMax: 80)])
        var tables: [String] = []
        for (name, value) in pairs {
            switch (name.plainText, value) {
            case ("carried-by", .array(let items)):
                if !items.isEmpty { tables.append(carriers(items)) }
            case ("parts", .map(let parts)):
                for (part, share) in parts { table.append(["part: \(part.plainText)", share.plainText]) }
            case ("features", .map(let features)):
                for (name, share) in features {
                    table.append(["feature: \(name.plainText)", share.plainText])
                }
            case ("tags", .map(let tags)):
                for (name, share) in tags { table.append(["tag: \(name.plainText)", share.plainText]) }
            case ("why-not", .array([])): continue
            case ("seen-ts", .integer(let milliseconds)):
                let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
                table.append(["seen-ts", "\(milliseconds) (\(date.formatted(.iso8601)))"])
            case (let name, let value): table.append([name, value.plainText])
            }
        }
        return ([table.text] + tables).joined(separator: "\n\n")
    }

    private static func carriers(_ items: [RESPValue]) -> String {
        let hasShares = items.contains { $0["share"] != nil }
        var table = Table(
            [
                Table.Column(title: "carried by", widthMax: 40), Table.Column(title: "title"),
                Table.Column(title: "similarity", alignment: .right),
                Table.Column(title: "value", alignment: .right),
            ] + (hasShares ? [Table.Column(title: "share", alignment: .right)] : []))
        for item in items {
            table.append([
                item["item"]?.plainText ?? "", item["title"]?.string ?? "",
                item["similarity"]?.plainText ?? "", item["value"]?.plainText ?? "",
                item["share"]?.plainText ?? "",
            ])
        }
        return table.text
    }

    func run() throws {
        try client.withClient {
            let answer = try $0.ask(rpcArguments)
            let title = try $0.ask(["ITEM.GET", item])["title"]
            let explanation = try Self.described(answer, user: user, item: item, title: title)
            Terminal.write(client.prefersJSON ? try JSONText.line(explanation) : Self.text(explanation))
        }
    }
}
