import Engine

/// What commands that answer lists have in common: how the answer looks, and what it waits for.
struct AnswerOptions: Sendable {
    static let after = ArgumentSpec.block(
        "after", [.value("token", after: "AFTER"), .option("TIMEOUT", "ms", .integer)])

    var withScores = false
    var withMeta = false
    var after: Lookup.After?

    /// Takes the option if it is one of these.
    mutating func take(
        _ option: String, _ arguments: inout ArgumentReader
    ) throws(CommandError) -> Bool {
        switch option {
        case "WITHSCORES": withScores = true
        case "WITHMETA": withMeta = true
        case "AFTER": after = try arguments.after()
        default: return false
        }
        return true
    }
}
