/// All that is wrong with a configuration, at once.
struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    /// `EX_CONFIG` of sysexits.h: what a command exits with.
    static let exitCode: Int32 = 78

    var problems: [ConfigurationProblem]

    var description: String {
        let count = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
        return (["configuration has \(count):"] + problems.map { "  \($0)" }).joined(separator: "\n")
    }
}

/// One thing that is wrong, and where it came from.
struct ConfigurationProblem: Sendable, Equatable, CustomStringConvertible {
    /// Where a value was given.
    enum Origin: Sendable, Equatable, CustomStringConvertible {
        case file(path: String, line: Int?)
        case environment(variable: String)
        /// The argument of `--set`.
        case flag(String)
        case builtIn

        var description: String {
            switch self {
            case .file(let path, let line): line.map { "\(path):\($0)" } ?? path
            case .environment(let variable): "environment variable \(variable)"
            case .flag(let text): "--set \(text)"
            case .builtIn: "default"
            }
        }
    }

    /// `nil` where the file as a whole is wrong.
    var key: String?
    var message: String
    var origin: Origin

    var description: String {
        "\(origin): \(key.map { "\($0): " } ?? "")\(message)"
    }
}

/// What one key says of a value it does not take.
struct ConfigurationRefusal: Error {
    /// Below the key, say `likes.learner` of `models`; empty for the value itself.
    var path = ""
    var message: String
    /// Where the file says it, if that is not the value's own line.
    var line: Int?

    static func wanted(_ allowed: String, found value: ConfigurationValue, path: String = "") -> Self {
        Self(path: path, message: "found \(value.text), allowed is \(allowed)", line: value.line)
    }
}
