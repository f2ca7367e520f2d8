import ArgumentParser
import RESP
import Reporting
import Wording

struct RecommendCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recommend", abstract: "Items for users, or for a session, best first.",
        discussion: """
            EXAMPLES
              freshet recommend u42
              freshet recommend u42 --count 20 --tag Comedy --model likes
              freshet recommend u42 --after 0:1234      # at least as fresh as that event
              freshet recommend u42 --meta              # and what the answer stands on
              freshet recommend u1 u2 u3
              freshet recommend u42 --by content        # by the tags of what u42 took
              freshet recommend u42 --by match --model stars   # what u42 likes beyond what everybody does
              freshet recommend --items i7 i9           # for somebody who took these, oldest first
              freshet recommend --items i7 i9 --weights 5 2 --model stars
            """)

    @OptionGroup var client: ClientOptions
    @Argument(help: "Ids of users; none with --items.") var users: [String] = []
    @Option(parsing: .upToNextOption, help: "Ids of items that stand for somebody unknown, oldest first.")
    var items: [String] = []
    @Option(
        parsing: .upToNextOption, help: "One number for each of --items: a rating, or how much it was liked.")
    var weights: [String] = []
    @Option(help: "How many items, 1 to 10000.") var count = 10
    @Option(help: "A model's name; else the default model.") var model: String?
    @Option(
        help: """
            What is asked: model, content (items of such tags as the user's have), or match (the user's own part of the \
            model's score).
            """)
    var by = "model"
    @Option(help: "Only items that carry this tag, in whatever case; may be given several times.") var tag:
        [String] = []
    @Option(help: "Leave this item out; may be given several times.") var exclude: [String] = []
    @Flag(help: "Include items the user has seen, or those of --items.") var includeSeen = false
    @Option(help: "Whether what users took may be answered: exclude, allow, or 'after 3 d', say.")
    var seen: String?
    @Flag(help: "Say what the answer stands on: model, position, age, and why there are no more items.")
    var meta = false
    @Option(help: "Wait until the event of this token is learned.") var after: String?

    func validate() throws {
        guard users.isEmpty != items.isEmpty else {
            throw ValidationError("Name users, or items by --items, and not both.")
        }
        guard items.isEmpty || by == "model" else {
            throw ValidationError("--by \(by) is for users; it goes with no --items.")
        }
        guard weights.isEmpty || weights.count == items.count else {
            throw ValidationError("\(weights.count) weights for \(items.count) items.")
        }
    }

    var rpcArguments: [String] {
        var arguments =
            switch (users.count, items.count) {
            case (1, _): ["RECOMMEND", users[0]]
            case (0, let number): ["RECOMMEND.ITEMS", "\(number)"] + items
            default: ["MRECOMMEND"] + users
            }
        if !weights.isEmpty { arguments += ["WEIGHTS"] + weights }
        arguments += ["COUNT", "\(count)", "WITHSCORES"]
        if let model { arguments += ["MODEL", model] }
        if by != "model" { arguments += ["BY", by] }
        arguments += tag.flatMap { ["TAG", $0] }
        arguments += exclude.flatMap { ["EXCLUDE", $0] }
        if includeSeen { arguments.append("INCLUDESEEN") }
        if let seen { arguments += ["SEEN", seen] }
        // Always: it tells who is not known.
        arguments.append("WITHMETA")
        if let after { arguments += ["AFTER", after] }
        return arguments
    }

    func run() throws {
        try client.withClient { connection in
            let answer = try connection.ask(rpcArguments)
            guard users.count > 1 else {
                let list = try ListAnswer(answer)
                try say(of: list, for: users.first, asking: connection)
                return try list.show(
                    from: connection, scoreName: "score", asJSON: client.prefersJSON, showsMeta: meta)
            }
            guard case .array(let answers) = answer, answers.count == users.count else {
                throw DaemonError(description: "answer is not one list a user: \(answer.plainText)")
            }
            let lists = try zip(users, answers).map { user, answer in
                var list = try ListAnswer(answer)
                try say(of: list, for: user, asking: connection)
                if !meta { list = list.withoutMeta }
                try list.items.addTitles(from: connection)
                return list
            }
            Terminal.write(
                client.prefersJSON
                    ? try Self.json(users, lists) : Self.text(users, lists))
        }
    }

    /// What the list alone does not show, on standard error: that the user is a stranger, and which items are.
    private func say(of list: ListAnswer, for user: String?, asking connection: RPCClient) throws {
        if let user, list["fallback"]?.string == "popular" {
            try connection.send(["USER.GET", user, "COUNT", "1"])
            var isKnown = true
            if case .error = try connection.receive() { isKnown = false }
            let model = list["model"]?.plainText ?? ""
            Terminal.writeError(
                "freshet: " + Notes.popularInstead(of: user, isKnown: isKnown, model: model))
        }
        if list["fallback"]?.string == "model" {
            Terminal.writeError("freshet: " + Notes.standIn(list["model"]?.plainText ?? ""))
        }
        if case .array(let ignored)? = list["ignored"], !ignored.isEmpty {
            Terminal.writeError(
                "freshet: left out, as nothing is known of them: "
                    + ignored.map(\.plainText).joined(separator: ", "))
        }
    }

    static func json(_ users: [String], _ lists: [ListAnswer]) throws -> String {
        try JSONText.line(
            .array(
                zip(users, lists).map { user, list in
                    .map(
                        [
                            (.text("user"), .text(user)),
                            (.text("items"), list.items.value(scoreName: "score")),
                        ]
                            + list.meta)
                }))
    }

    static func text(_ users: [String], _ lists: [ListAnswer]) -> String {
        zip(users, lists).map { "\(Table.printable($0)):\n\($1.text(scoreName: "score"))" }
            .joined(separator: "\n\n")
    }
}
