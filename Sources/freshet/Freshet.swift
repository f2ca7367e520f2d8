import ArgumentParser

/// The one binary.
@main
struct Freshet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "freshet",
        abstract: "Learns from a live stream of ratings and answers with recommendations.",
        subcommands: [FeedCommand.self, SimulateCommand.self])
}
