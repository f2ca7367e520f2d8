/// `COMMAND` and `CONFIG`, in Redis's shapes: redis-cli draws its hints from the first, redis-benchmark asks the second.
enum IntrospectionCommands {
    static let all = [command, config]

    static let command = Command(
        "COMMAND", "Describes the commands: COUNT, LIST, INFO, DOCS.", group: .server, flags: [.readonly],
        arguments: [.value("subcommand").optional(), .values("name").optional()]
    ) { arguments, _, environment throws(CommandError) in
        let table = environment.table
        guard !arguments.isAtEnd else { return .reply(.array(table.commands.map(entry))) }
        let subcommand = try arguments.text("subcommand").uppercased()
        switch subcommand {
        case "COUNT":
            try arguments.end()
            return .reply(.integer(Int64(table.commands.count)))
        case "LIST":
            try arguments.end()
            return .reply(.array(table.commands.map { .text($0.name.lowercased()) }))
        case "INFO":
            guard !arguments.isAtEnd else { return .reply(.array(table.commands.map(entry))) }
            let names = try names(&arguments)
            return .reply(.array(names.map { table[$0].map(entry) ?? .null }))
        case "DOCS":
            let commands =
                arguments.isAtEnd ? table.commands : try names(&arguments).compactMap { table[$0] }
            return .reply(.map(commands.map { (.text($0.name.lowercased()), documentation($0)) }))
        default: throw arguments.unexpected(subcommand)
        }
    }

    /// redis-benchmark asks for these two; there is neither an RDB nor an append-only file here.
    private static let parameters = [("save", ""), ("appendonly", "no")]

    static let config = Command(
        "CONFIG", "Answers CONFIG GET; the configuration is in the daemon's own file.", group: .server,
        flags: [.readonly, .admin], arguments: [.value("subcommand"), .values("parameter").optional()]
    ) { arguments, _, _ throws(CommandError) in
        let subcommand = try arguments.text("subcommand").uppercased()
        guard subcommand == "GET" else { throw arguments.unexpected(subcommand) }
        let wanted = Set(try names(&arguments).map { $0.lowercased() })
        let found = parameters.filter { wanted.contains($0.0) }
        return .reply(.map(found.map { (.text($0.0), .text($0.1)) }))
    }

    private static func names(_ arguments: inout ArgumentReader) throws(CommandError) -> [String] {
        var names: [String] = []
        repeat { names.append(try arguments.text("name")) } while !arguments.isAtEnd
        return names
    }

    /// Name, arity, flags, first key, last key, step, categories, tips, key specifications, subcommands.
    private static func entry(_ command: Command) -> RESPValue {
        let flags = command.flags.map(\.rawValue).sorted()
        return .array([
            .text(command.name.lowercased()), .integer(Int64(command.arity)),
            .array(flags.map(RESPValue.simple)), .integer(0), .integer(0), .integer(0),
            .array([.simple("@\(command.group.rawValue)")]), .array([]), .array([]), .array([]),
        ])
    }

    private static func documentation(_ command: Command) -> RESPValue {
        .map([
            (.text("summary"), .text(command.summary)), (.text("since"), .text("0.1.0")),
            (.text("group"), .text(command.group.rawValue)),
            (.text("arguments"), .array(command.arguments.map(\.documentation))),
        ])
    }
}
