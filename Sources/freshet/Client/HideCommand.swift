import ArgumentParser
import RESP
import Reporting
import Wording

struct HideCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hide",
        abstract:
            "Never shows an item to a user again, and prints the event's token. Nothing is learned from it.",
        discussion: """
            EXAMPLES
              freshet hide u42 i7
              freshet unhide u42 i7                     # takes it back
            """)

    @OptionGroup var client: ClientOptions
    @OptionGroup var pair: HiddenPair

    var rpcArguments: [String] { ["HIDE", pair.user, pair.item] }

    func run() throws { try pair.append(rpcArguments, client) }
}

struct UnhideCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unhide",
        abstract: "Takes back that an item is hidden from a user, and prints the event's token.")

    @OptionGroup var client: ClientOptions
    @OptionGroup var pair: HiddenPair

    var rpcArguments: [String] { ["UNHIDE", pair.user, pair.item] }

    func run() throws { try pair.append(rpcArguments, client) }
}

/// Whom something is hidden from, and what.
struct HiddenPair: ParsableArguments {
    @Argument(help: "The user's id.") var user: String
    @Argument(help: "The item's id.") var item: String

    func append(_ arguments: [String], _ client: ClientOptions) throws {
        try client.withClient {
            let token = try $0.ask(arguments).plainText
            Terminal.write(
                client.prefersJSON ? try JSONText.line(.map([(.text("token"), .text(token))])) : token)
        }
    }
}
