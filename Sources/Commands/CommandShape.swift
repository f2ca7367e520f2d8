/// What a call of one command looks like, for whoever makes up calls.
package struct CommandShape: Sendable {
    package indirect enum Part: Sendable {
        case word(String)
        case text
        case integer
        case number
        /// One of them.
        case choice([Part])
        /// One after the other.
        case sequence([Part])
        case optional(Part)
        /// Once or more often.
        case repeated(Part)
    }

    /// The command's name, and that of its subcommand.
    package var name: [String]
    package var parts: [Part]
}

extension CommandTable {
    /// Of every command and subcommand.
    package var shapes: [CommandShape] {
        commands.flatMap { command in [command] + command.subcommands }.map { command in
            CommandShape(
                name: [command.container, command.name].compactMap { $0 },
                parts: command.arguments.map(\.shape))
        }
    }
}

extension ArgumentSpec {
    fileprivate var shape: CommandShape.Part {
        let value: CommandShape.Part =
            switch kind {
            case .string: .text
            case .integer: .integer
            case .double: .number
            case .pureToken: .word(token ?? name)
            case .oneOf: .choice(parts.map(\.shape))
            case .block: .sequence(parts.map(\.shape))
            }
        var whole = value
        if let token, kind != .pureToken {
            whole = .sequence([.word(token), isMultiple && !repeatsToken ? .repeated(value) : value])
        }
        if isMultiple, token == nil || repeatsToken { whole = .repeated(whole) }
        return isOptional ? .optional(whole) : whole
    }
}
