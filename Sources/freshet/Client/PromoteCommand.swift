import ArgumentParser
import RESP
import Reporting
import Wording

struct PromoteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote",
        abstract: "Makes a model the default, as an event of the log, and prints the event's token.",
        discussion: """
            From its place in the log on the model is asked where a look-up names none, also after a restart and in every
            replay. With several partitions it holds for the daemon that reads the token's partition.

            EXAMPLES
              freshet models                            # each model's lead over the default
              freshet promote next
            """)

    @OptionGroup var client: ClientOptions
    @Argument(help: "The model's name.") var model: String

    var rpcArguments: [String] { ["PROMOTE", model] }

    func run() throws {
        try client.withClient {
            let token = try $0.ask(rpcArguments).plainText
            Terminal.write(
                client.prefersJSON ? try JSONText.line(.map([(.text("token"), .text(token))])) : token)
        }
    }
}
