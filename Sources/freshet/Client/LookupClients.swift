import ArgumentParser
import RESP
import Reporting

struct SimilarCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "similar", abstract: "Items nearest to an item, nearest first.",
        discussion: """
            EXAMPLES
              freshet similar i7
              freshet similar i7 --metric dot --count 5
              freshet similar i7 --by content           # by their tags
            """)

    @OptionGroup var client: ClientOptions
    @Argument(help: "The item's id.") var item: String
    @Option(help: "How many items, 1 to 10000.") var count = 10
    @Option(help: "A model's name; else the default model.") var model: String?
    @Option(help: "What items are compared by: model, or content (their tags).") var by = "model"
    @Option(help: "cosine, dot or l2.") var metric = "cosine"
    @Option(help: "Only items that carry this tag, in whatever case; may be given several times.") var tag:
        [String] = []
    @Flag(help: "Say what the answer stands on: model, position, age, and why there are no more items.")
    var meta = false

    var rpcArguments: [String] {
        var arguments = ["SIMILAR", item, "COUNT", "\(count)", "METRIC", metric, "WITHSCORES"]
        if let model { arguments += ["MODEL", model] }
        if by != "model" { arguments += ["BY", by] }
        arguments.append("WITHMETA")
        return arguments + tag.flatMap { ["TAG", $0] }
    }

    func run() throws {
        try client.withClient {
            try ListAnswer($0.ask(rpcArguments)).show(
                from: $0, scoreName: "score", asJSON: client.prefersJSON, showsMeta: meta)
        }
    }
}

struct SimilarUsersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "similar-users", abstract: "Users nearest to a user, nearest first.",
        discussion: """
            EXAMPLES
              freshet similar-users u42
              freshet similar-users u42 --metric l2 --count 5
            """)

    @OptionGroup var client: ClientOptions
    @Argument(help: "The user's id.") var user: String
    @Option(help: "How many users, 1 to 10000.") var count = 10
    @Option(help: "A model's name; else the default model.") var model: String?
    @Option(help: "cosine, dot or l2.") var metric = "cosine"

    var rpcArguments: [String] {
        ["SIMILAR.USERS", user, "COUNT", "\(count)", "METRIC", metric, "WITHSCORES"]
            + (model.map { ["MODEL", $0] } ?? [])
    }

    func run() throws {
        try client.withClient {
            let list = try ItemList(alternating: $0.ask(rpcArguments))
            Terminal.write(
                client.prefersJSON ? try list.json(of: "user") : list.table(of: "user", scoreName: "score"))
        }
    }
}

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Predicted ratings of items, in the order asked.",
        discussion: """
            EXAMPLES
              freshet predict u42 i7 i9
              freshet predict u42 i7 --model stars
            """)

    @OptionGroup var client: ClientOptions
    @Argument(help: "The user's id.") var user: String
    @Argument(help: "Ids of items.") var items: [String]
    @Option(help: "A model's name; else the default model.") var model: String?

    var rpcArguments: [String] {
        ["PREDICT", user] + items + (model.map { ["MODEL", $0] } ?? [])
    }

    func run() throws {
        try client.withClient {
            try ItemList(items: items, answer: $0.ask(rpcArguments)).show(
                from: $0, scoreName: "prediction", asJSON: client.prefersJSON)
        }
    }
}
