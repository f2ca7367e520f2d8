import ArgumentParser
import RESP
import Reporting
import Wording

struct RateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rate", abstract: "Appends a rating to the log, and prints its token.",
        discussion: """
            EXAMPLES
              freshet rate u42 i7 4.5
              freshet rate u42 i7 4.5 --wait            # until it is learned
              freshet recommend u42 --after 0:1234      # with the token printed
            """)

    /// Milliseconds that `--wait` waits.
    private static let waitMax = 30_000

    @OptionGroup var client: ClientOptions
    @Argument(help: "The user's id.") var user: String
    @Argument(help: "The item's id.") var item: String
    @Argument(help: "The rating, on the operator's scale.") var value: String
    @Flag(help: "Wait until the rating is learned, and print what is predicted then.") var wait = false

    var rpcArguments: [String] { ["RATE", user, item, value] }

    /// A look-up that answers only once the rating is learned.
    func waitArguments(token: String) -> [String] {
        ["PREDICT", user, item, "AFTER", token, "TIMEOUT", "\(Self.waitMax)"]
    }

    func run() throws {
        try client.withClient { connection in
            let token = try connection.ask(rpcArguments).plainText
            var prediction: RESPValue?
            if wait, case .array(let values) = try connection.ask(waitArguments(token: token)) {
                prediction = values.first
            }
            if client.prefersJSON {
                let fields =
                    [("token", RESPValue.text(token))] + (prediction.map { [("prediction", $0)] } ?? [])
                Terminal.write(try JSONText.line(.map(fields.map { (.text($0.0), $0.1) })))
            } else {
                Terminal.write(token)
                if let prediction { Terminal.write("learned; predicted now: \(prediction.plainText)") }
            }
        }
    }
}
