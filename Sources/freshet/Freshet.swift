import ArgumentParser

/// The one binary.
@main
struct Freshet: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "freshet",
        abstract: "Learns from a live stream of ratings and answers with recommendations.",
        discussion: """
            EXAMPLES
              freshet serve                                       the daemon, on its embedded log
              freshet simulate --events 20000 | freshet feed -    feeds it an invented world
              freshet recommend u1                                asks it
              redis-cli -s freshet-state/freshet.sock             asks it from any Redis client

            What asks the daemon prints a table on a terminal and JSON in a pipe or a file; --table and --json decide.
            """,
        version: version,
        groupedSubcommands: [
            CommandGroup(
                name: "Daemon",
                subcommands: [
                    ServeCommand.self, CheckpointCommand.self, DoctorCommand.self, CapacityCommand.self,
                    PasswordCommand.self,
                ]),
            CommandGroup(
                name: "Events",
                subcommands: [
                    FeedCommand.self, SimulateCommand.self, RateCommand.self, HideCommand.self,
                    UnhideCommand.self, PromoteCommand.self,
                ]),
            CommandGroup(name: "History", subcommands: [TrainCommand.self, EvaluateCommand.self]),
            CommandGroup(
                name: "Look-ups",
                subcommands: [
                    RecommendCommand.self, SimilarCommand.self, SimilarUsersCommand.self,
                    PredictCommand.self, ExplainCommand.self, TopCommand.self, SearchCommand.self,
                    TagsCommand.self, StatusCommand.self, ModelsCommand.self, QuarantineCommand.self,
                ]),
            CommandGroup(name: "For other tools", subcommands: [ExportCommand.self, MapCommand.self]),
        ])
}
