import ArgumentParser

/// The commands that talk to a running daemon, for the root command's list.
enum ClientCommands {
    static let all: [any ParsableCommand.Type] = [
        RecommendCommand.self, SimilarCommand.self, SimilarUsersCommand.self, PredictCommand.self,
        ExplainCommand.self, TopCommand.self, RateCommand.self, HideCommand.self, UnhideCommand.self,
        StatusCommand.self, CheckpointCommand.self,
    ]
}
