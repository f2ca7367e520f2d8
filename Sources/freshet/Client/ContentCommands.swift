import ArgumentParser
import RESP
import Reporting
import Wording

struct SearchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search", abstract: "Items that are about words, best first.",
        discussion: """
            The words need be on no item: they are compared by what is learned of all items' tags. A word that is no item's tag
            is guessed by its letters; standard error says which are.

            EXAMPLES
              freshet search children family animation
              freshet search 'time travel' --tag Comedy     # of those that carry the tag itself
            """)

    @OptionGroup var client: ClientOptions
    @Argument(help: "Words; in quotes those that belong together.") var words: [String]
    @Option(help: "How many items, 1 to 10000.") var count = 10
    @Option(help: "Only items that carry this tag, in whatever case; may be given several times.") var tag:
        [String] = []
    @Flag(help: "Say what the answer stands on: position, age, and why there are no more items.")
    var meta = false
    @Option(help: "Wait until the event of this token is learned.") var after: String?

    var rpcArguments: [String] {
        ["SEARCH"] + words + ["COUNT", "\(count)", "WITHSCORES"] + ["WITHMETA"]
            + tag.flatMap { ["TAG", $0] } + (after.map { ["AFTER", $0] } ?? [])
    }

    func run() throws {
        try client.withClient {
            let list = try ListAnswer($0.ask(rpcArguments))
            if case .array(let words)? = list["guessed-words"],
                let note = Notes.guessed(words.map(\.plainText))
            {
                Terminal.writeError("freshet: \(note)")
            }
            try list.show(
                from: $0, scoreName: "score", asJSON: client.prefersJSON, showsMeta: meta)
        }
    }
}

struct TagsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tags",
        abstract: "The tags most often on what a user took, on what would be recommended, or on items.",
        discussion: """
            EXAMPLES
              freshet tags u42
              freshet tags u42 --recommended 100        # on the first hundred that u42 would be shown
              freshet tags --items i7 i9 --count 5
            """)

    @OptionGroup var client: ClientOptions
    @Argument(help: "The user's id; none with --items.") var user: String?
    @Option(parsing: .upToNextOption, help: "Ids of items.") var items: [String] = []
    @Option(help: "How many tags, 1 to 10000.") var count = 10
    @Option(help: ArgumentHelp("On the first so many that the user would be shown.", valueName: "items"))
    var recommended: Int?

    func validate() throws {
        guard recommended == nil || user != nil else { throw ValidationError("--recommended needs a user.") }
        guard (user == nil) != items.isEmpty else {
            throw ValidationError("Name a user, or items by --items, and not both.")
        }
    }

    var rpcArguments: [String] {
        let among = recommended.map { ["AMONG", "\($0)"] } ?? []
        let subject = user.map { [recommended == nil ? "USER" : "RECOMMENDED", $0] } ?? ["ITEMS"] + items
        return ["TAGS"] + subject + ["COUNT", "\(count)"] + among
    }

    static func text(_ pairs: [(tag: RESPValue, items: RESPValue)]) -> String {
        var table = Table([
            Table.Column(title: "tag", widthMax: 60), Table.Column(title: "items", alignment: .right),
        ])
        for pair in pairs { table.append([pair.tag.plainText, pair.items.plainText]) }
        return table.text
    }

    static func json(_ pairs: [(tag: RESPValue, items: RESPValue)]) throws -> String {
        try JSONText.line(.array(pairs.map { .map([(.text("tag"), $0.tag), (.text("items"), $0.items)]) }))
    }

    static func pairs(_ answer: RESPValue) throws -> [(tag: RESPValue, items: RESPValue)] {
        guard case .array(let values) = answer, values.count.isMultiple(of: 2) else {
            throw DaemonError(description: "answer is no list of tags and numbers: \(answer.plainText)")
        }
        return stride(from: 0, to: values.count, by: 2).map { (values[$0], values[$0 + 1]) }
    }

    func run() throws {
        try client.withClient {
            let pairs = try Self.pairs($0.ask(rpcArguments))
            Terminal.write(client.prefersJSON ? try Self.json(pairs) : Self.text(pairs))
        }
    }
}
