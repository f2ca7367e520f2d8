// Diagnosis: what an operator should know before, or instead of, reading a log.
//
// Here live the looks at a machine and an installation that `freshet doctor` takes: configuration, libraries, processor,
// folder and files, log, sockets, clock, limits. A configuration comes in, and findings go out, each with what to do. What
// never comes in: a running daemon's parts, which is asked over its socket like anybody asks it. Nothing here changes
// anything that lasts.

/// One thing that was looked at.
public struct Finding: Sendable, Equatable {
    /// How much it matters.
    public enum Level: String, Sendable, CaseIterable {
        /// As it should be.
        case ok
        /// It works, and somebody should know.
        case warning
        /// The daemon cannot start, or cannot do its work.
        case error
    }

    /// What was looked at, one word.
    public var subject: String
    /// How much it matters.
    public var level: Level
    /// What was found.
    public var found: String
    /// What to do about it; `nil` where nothing has to be done.
    public var remedy: String?

    static func ok(_ subject: String, _ found: String) -> Finding {
        Finding(subject: subject, level: .ok, found: found)
    }

    static func warning(_ subject: String, _ found: String, _ remedy: String) -> Finding {
        Finding(subject: subject, level: .warning, found: found, remedy: remedy)
    }

    static func error(_ subject: String, _ found: String, _ remedy: String) -> Finding {
        Finding(subject: subject, level: .error, found: found, remedy: remedy)
    }
}
