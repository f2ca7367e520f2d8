import Access
import RESP

/// `COMMAND` and `CONFIG`, in Redis's shapes: redis-cli draws its hints from the first, redis-benchmark asks the second.
enum IntrospectionCommands {
    static let all = [command, config]

    static let command = Command(
        container: "COMMAND", "Describes the commands.", group: .server,
        subcommands: [
            sub("COMMAND", "COUNT", "The number of commands.") { _, _, environment throws(CommandError) in
                .reply(.integer(Int64(environment.table.commands.count)))
            },
            sub(
                "COMMAND", "LIST", "The commands' names.",
                [
                    ArgumentSpec.block(
                        "filterby", [.value("MODULE|ACLCAT|PATTERN", after: "FILTERBY"), .value("value")])
                ], run: list),
            sub("COMMAND", "INFO", "Arity and flags of commands.", [.values("name").optional()]) {
                arguments, _, environment throws(CommandError) in
                let names = try arguments.rest("name")
                guard !names.isEmpty else { return .reply(entries(environment)) }
                let hasKeys = environment.cluster != nil
                return .reply(
                    .array(
                        names.map { name in
                            environment.table.find(name).map { entry($0, hasKeys: hasKeys) } ?? .null
                        }))
            },
            sub("COMMAND", "DOCS", "Arguments and summaries of commands.", [.values("name").optional()]) {
                arguments, _, environment throws(CommandError) in
                let names = try arguments.rest("name")
                let commands =
                    names.isEmpty ? environment.table.commands : names.compactMap(environment.table.find)
                return .reply(.map(commands.map { (.text($0.fullName), documentation($0)) }))
            },
            sub(
                "COMMAND", "GETKEYS", "The keys of a command, of which there are none.",
                [.value("command"), .values("arg")], run: getKeys),
            sub(
                "COMMAND", "GETKEYSANDFLAGS", "The keys of a command, of which there are none.",
                [.value("command"), .values("arg")], run: getKeys),
        ],
        alone: { _, _, environment throws(CommandError) in .reply(entries(environment)) })

    static let config = Command(
        container: "CONFIG", "Answers CONFIG GET; the configuration is in the daemon's own file.",
        group: .server,
        subcommands: [
            sub("CONFIG", "GET", "Parameters that match.", [.values("pattern")]) {
                arguments, _, environment throws(CommandError) in
                let patterns = try arguments.rest("pattern").map { Glob($0.lowercased()) }
                let found = parameters(environment).filter { parameter in
                    patterns.contains { $0.matches(parameter.0) }
                }
                return .reply(.map(found.map { (.text($0.0), .text($0.1)) }))
            },
            sub("CONFIG", "SET", "Refused.", [.values("parameter"), .values("value")], run: set),
            sub("CONFIG", "RESETSTAT", "Sets the counters of commands back.") {
                _, _, environment throws(CommandError) in
                environment.counters.reset()
                return .reply(.simple("OK"))
            },
            sub("CONFIG", "REWRITE", "Refused.") { _, _, _ throws(CommandError) in
                throw .invalid("The server is running without a config file")
            },
        ])

    private static func sub(
        _ container: String, _ name: String, _ summary: String, _ arguments: [ArgumentSpec] = [],
        run: @escaping Command.Run
    ) -> Command {
        Command(
            name, of: container, summary, group: .server,
            flags: container == "CONFIG" ? [.readonly, .admin] : [.readonly], arguments: arguments, run: run)
    }
}

// MARK: COMMAND

extension IntrospectionCommands {
    private static func list(
        _ arguments: inout ArgumentReader, _ session: inout Session, _ environment: CommandEnvironment
    ) throws(CommandError) -> Outcome {
        var commands = environment.table.commands
        let words = try arguments.rest("filter")
        if !words.isEmpty {
            guard words.count == 3, words[0].uppercased() == "FILTERBY" else { throw .syntax }
            switch words[1].uppercased() {
            case "MODULE": commands = []
            case "ACLCAT":
                let category = words[2].lowercased()
                commands = commands.filter { category == $0.group.rawValue || category == $0.role?.rawValue }
            case "PATTERN":
                let pattern = Glob(words[2].lowercased())
                commands = commands.filter { pattern.matches($0.name.lowercased()) }
            default: throw .syntax
            }
        }
        return .reply(.array(commands.map { .text($0.name.lowercased()) }))
    }

    private static func getKeys(
        _ arguments: inout ArgumentReader, _ session: inout Session, _ environment: CommandEnvironment
    ) throws(CommandError) -> Outcome {
        guard environment.table[try arguments.text("command")] != nil else {
            throw .invalid("Invalid command specified")
        }
        throw .invalid("The command has no key arguments")
    }

    private static func entries(_ environment: CommandEnvironment) -> RESPValue {
        .array(environment.table.commands.map { entry($0, hasKeys: environment.cluster != nil) })
    }

    /// Name, arity, flags, first key, last key, step, categories, tips, key specifications, subcommands.
    ///
    /// - Parameter hasKeys: users are keys: clients of a cluster find by them whom to ask.
    private static func entry(_ command: Command, hasKeys: Bool) -> RESPValue {
        let key: Int64 = hasKeys ? command.keyPlace : 0
        let flags = command.flags.subtracting([.immediate]).map(\.rawValue).sorted()
        return .array([
            .text(command.fullName), .integer(Int64(command.arity)),
            .set(flags.map(RESPValue.simple)), .integer(key), .integer(key), .integer(min(key, 1)),
            .set(
                ([command.group.rawValue] + [command.role?.rawValue].compactMap { $0 }).map {
                    .simple("@\($0)")
                }), .set([]), .set([]),
            .set(command.subcommands.map { entry($0, hasKeys: hasKeys) }),
        ])
    }

    private static func documentation(_ command: Command) -> RESPValue {
        var pairs: [(RESPValue, RESPValue)] = [
            (.text("summary"), .text(command.summary)), (.text("since"), .text("0.1.0")),
            (.text("group"), .text(command.group.rawValue)),
            (.text("arguments"), .array(command.arguments.map(\.documentation))),
        ]
        if !command.subcommands.isEmpty {
            let subcommands = command.subcommands.map { (RESPValue.text($0.fullName), documentation($0)) }
            pairs.append((.text("subcommands"), .map(subcommands)))
        }
        return .map(pairs)
    }
}

// MARK: CONFIG

extension IntrospectionCommands {
    /// What clients and monitors ask for, as it is here. The password is not among it.
    private static func parameters(_ environment: CommandEnvironment) -> [(String, String)] {
        let options = environment.settings
        return [
            ("appendonly", "no"), ("cluster-enabled", environment.cluster == nil ? "no" : "yes"),
            ("client-output-buffer-limit", "normal \(options.clientBytesMax) 0 0"), ("databases", "1"),
            ("maxclients", String(environment.clients.counts.max)), ("maxmemory", "0"),
            ("maxmemory-clients", String(environment.clients.heldBytesMax)),
            ("maxmemory-policy", "noeviction"),
            ("port", "0"), ("proto-max-bulk-len", String(options.limits.bulkBytesMax)), ("save", ""),
            ("timeout", String(options.idleTimeout.components.seconds)), ("unixsocket", options.socketPath),
        ]
    }

    private static func set(
        _ arguments: inout ArgumentReader, _ session: inout Session, _ environment: CommandEnvironment
    ) throws(CommandError) -> Outcome {
        let words = try arguments.rest("parameter")
        guard words.count.isMultiple(of: 2) else { throw .wrongArguments(of: "config|set") }
        let known = Set(parameters(environment).map(\.0))
        for name in stride(from: 0, to: words.count, by: 2).map({ words[$0] })
        where !known.contains(name.lowercased()) {
            throw .invalid(
                "Unknown option or number of arguments for CONFIG SET - '\(name.prefix(128))'")
        }
        throw .invalid(
            "CONFIG SET failed (possibly related to argument '\(words[0].lowercased())') - can't set immutable config"
        )
    }
}
