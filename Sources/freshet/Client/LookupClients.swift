import ArgumentParser
import RPC

struct RecommendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recommend", abstract: "Items for a user, best first.",
        discussion: """
            EXAMPLES
              freshet recommend u42
              freshet recommend u42 --count 20 --tag Comedy --model likes
              freshet recommend u42 --after 0:1234      # at least as fresh as that event
            """)

    @OptionGroup var client: ClientOptions
    @Argument(help: "The user's id.") var user: String
    @Option(help: "How many items, 1 to 10000.") var count = 10
    @Option(help: "A model's name; else the default model.") var model: String?
    @Option(help: "Only items that carry this tag; may be given several times.") var tag: [String] = []
    @Option(help: "Leave this item out; may be given several times.") var exclude: [String] = []
    @Flag(help: "Include items the user has seen.") var includeSeen = false
    @Option(help: "Wait until the event of this token is learned.") var after: String?

    var rpcArguments: [String] {
        var arguments = ["RECOMMEND", user, "COUNT", "\(count)", "WITHSCORES"]
        if let model { arguments += ["MODEL", model] }
        arguments += tag.flatMap { ["TAG", $0] }
        arguments += exclude.flatMap { ["EXCLUDE", $0] }
        if includeSeen { arguments.append("INCLUDESEEN") }
        if let after { arguments += ["AFTER", after] }
        return arguments
    }

    func run() throws {
        try client.withClient {
            try ItemList(alternating: $0.ask(rpcArguments)).show(
                from: $0, scoreName: "score", asJSON: client.prefersJSON)
        }
    }
}

struct SimilarCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "similar", abstract: "Items nearest to an item, nearest first.",
        discussion: """
            EXAMPLES
              freshet similar i7
              freshet similar i7 --metric dot --count 5
            """)

    @OptionGroup var client: ClientOptions
    @Argument(help: "The item's id.") var item: String
    @Option(help: "How many items, 1 to 10000.") var count = 10
    @Option(help: "A model's name; else the default model.") var model: String?
    @Option(help: "cosine, dot or l2.") var metric = "cosine"
    @Option(help: "Only items that carry this tag; may be given several times.") var tag: [String] = []

    var rpcArguments: [String] {
        var arguments = ["SIMILAR", item, "COUNT", "\(count)", "METRIC", metric, "WITHSCORES"]
        if let model { arguments += ["MODEL", model] }
        return arguments + tag.flatMap { ["TAG", $0] }
    }

    func run() throws {
        try client.withClient {
            try ItemList(alternating: $0.ask(rpcArguments)).show(
                from: $0, scoreName: "score", asJSON: client.prefersJSON)
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

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Items over all users: most popular, greatest or least item bias.",
        discussion: """
            EXAMPLES
              freshet top
              freshet top --by -bias --count 5 --model stars
              freshet top --by bias --tag Comedy
            """)

    @OptionGroup var client: ClientOptions
    // Unconditional, or `-bias` would be taken for a flag.
    @Option(parsing: .unconditional, help: "popular, bias or -bias (least bias first).") var by = "popular"
    @Option(help: "How many items, 1 to 10000.") var count = 10
    @Option(help: "A model's name; else the default model.") var model: String?
    @Option(help: "Only items that carry this tag; may be given several times.") var tag: [String] = []

    var rpcArguments: [String] {
        var arguments = ["TOP", "\(count)", "BY", by, "WITHSCORES"]
        if let model { arguments += ["MODEL", model] }
        return arguments + tag.flatMap { ["TAG", $0] }
    }

    /// What the scores are.
    var scoreName: String { by.lowercased() == "popular" ? "users" : "bias" }

    func run() throws {
        try client.withClient {
            try ItemList(alternating: $0.ask(rpcArguments)).show(
                from: $0, scoreName: scoreName, asJSON: client.prefersJSON)
        }
    }
}
