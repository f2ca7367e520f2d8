import ArgumentParser
import Foundation
import RESP
import Reporting

struct TopCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "The running daemon in a terminal; with --by, items over all users.",
        discussion: """
            By itself it shows how the daemon is, each second anew, until q is pressed: what it learns, how far behind it is, what \
            it is asked, and what its models are worth. In a pipe it writes a line each second, until --samples of them are \
            written or the daemon ends.

            With --by it prints a list over all users: most popular, trending, greatest or least item bias.

            EXAMPLES
              freshet top
              freshet top --interval 5 --samples 12 | tee minute.txt
              freshet top --by popular
              freshet top --by -bias --count 5 --model stars
              freshet top --by bias --among 200          # of the 200 most taken
              freshet top --by bias --tag Comedy
            """)

    @OptionGroup var client: ClientOptions
    // Unconditional, or `-bias` would be taken for a flag.
    @Option(parsing: .unconditional, help: "A list: popular, trending, bias or -bias (least bias first).")
    var by: String?
    @Option(help: "How many items of a list, 1 to 10000.") var count = 10
    @Option(help: "Of biases: rank only so many of the most taken items.") var among: Int?
    @Option(help: "A model's name; else the default model.") var model: String?
    @Option(help: "Only items that carry this tag, in whatever case; may be given several times.") var tag:
        [String] = []
    @Flag(help: "Say what the answer stands on: model, position, age, and why there are no more items.")
    var meta = false
    @Option(help: ArgumentHelp("Without a list: time between two looks.", valueName: "seconds"))
    var interval = 1.0
    @Option(help: "Without a list, in a pipe: how many lines; without an end where absent.") var samples: Int?

    func validate() throws {
        guard (0.1...3600).contains(interval) else {
            throw ValidationError("--interval is \(interval), allowed is 0.1 to 3600 seconds")
        }
        if let samples, samples < 1 { throw ValidationError("--samples is \(samples), allowed is 1 or more") }
    }

    /// Whatever is asked only of a list asks for one.
    private var wantsList: Bool { by != nil || among != nil || model != nil || meta || !tag.isEmpty }

    var rpcArguments: [String] {
        var arguments = ["TOP", "\(count)", "BY", by ?? "popular", "WITHSCORES"]
        if let among { arguments += ["AMONG", "\(among)"] }
        if let model { arguments += ["MODEL", model] }
        arguments.append("WITHMETA")
        return arguments + tag.flatMap { ["TAG", $0] }
    }

    /// What the scores are.
    var scoreName: String {
        switch (by ?? "popular").lowercased() {
        case "popular": "popularity"
        case "trending": "trend"
        default: "bias"
        }
    }

    func run() throws {
        guard wantsList else { return try watch() }
        try client.withClient {
            try ListAnswer($0.ask(rpcArguments)).show(
                from: $0, scoreName: scoreName, asJSON: client.prefersJSON, showsMeta: meta)
        }
    }

    private func watch() throws {
        let environment = ProcessInfo.processInfo.environment
        let address = client.socketPath(environment: environment)
        let password: String?
        let way: (any ClientWay)?
        do {
            way = try client.credentials.way(to: address, configured: environment["FRESHET_RPC_TLS_CA"])
            password = try client.credentials.password(environment: environment)
        } catch {
            throw CommandError("\(error)", code: .configuration).report()
        }
        do {
            try TopDashboard(
                socketPath: address, user: client.credentials.user, password: password, secureWay: way,
                interval: .milliseconds(Int(interval * 1000)), samplesMax: samples
            ).run()
        } catch {
            throw CommandError(error.message, code: .unavailable).report()
        }
    }
}
