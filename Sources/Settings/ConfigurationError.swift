/// All that is wrong with a configuration, at once.
public struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    /// `EX_CONFIG` of sysexits.h: what a command exits with.
    public static let exitCode: Int32 = 78

    /// In the order in which they were found; at least one.
    public var problems: [ConfigurationProblem]

    /// All problems, a line each under their number.
    public var description: String {
        let count = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
        return (["configuration has \(count):"] + problems.map { "  \($0)" }).joined(separator: "\n")
    }
}

/// One thing that is wrong, and where it came from.
public struct ConfigurationProblem: Sendable, Equatable, CustomStringConvertible {
    /// Where a value was given.
    public enum Origin: Sendable, Equatable, CustomStringConvertible {
        case file(path: String, line: Int?)
        case environment(variable: String)
        /// The argument of `--set`.
        case flag(String)
        case builtIn

        /// As it stands in front of a problem.
        public var description: String {
            switch self {
            case .file(let path, let line): line.map { "\(path):\($0)" } ?? path
            case .environment(let variable): "environment variable \(variable)"
            case .flag(let text): "--set \(text)"
            case .builtIn: "default"
            }
        }

        /// The same, where the value may be a secret.
        var withoutValue: Origin {
            guard case .flag(let text) = self else { return self }
            return .flag(String(text.prefix { $0 != "=" }))
        }
    }

    /// `nil` where the file as a whole is wrong.
    public var key: String?
    /// The value found, and what is allowed.
    public var message: String
    /// Where it was given.
    public var origin: Origin

    /// Origin, key and message in one line.
    public var description: String {
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
