import Foundation
import RESP

/// What Redis's clients and monitors ask of a server beside its data: answered as a Redis without keys, replicas or modules
/// does; for `CLUSTER` see `ClusterCommands`.
enum RedisCommands {
    static let all =
        [
            role, module, memory, latency, slowLog, debug, AccessCommands.acl, wait, time, size, lolwut,
        ]

    /// No run of its own is needed where a command is refused whatever its arguments.
    private static func refusing(_ error: CommandError) -> Command.Run {
        { _, _, _ throws(CommandError) in throw error }
    }

    private static func answering(_ value: RESPValue) -> Command.Run {
        { _, _, _ throws(CommandError) in .reply(value) }
    }

    private static func sub(
        _ container: String, _ name: String, _ summary: String, _ arguments: [ArgumentSpec] = [],
        group: Command.Group = .server, wordsMax: Int? = nil, run: @escaping Command.Run
    ) -> Command {
        Command(
            name, of: container, summary, group: group, flags: [.readonly], arguments: arguments,
            wordsMax: wordsMax, run: run)
    }

    static let role = Command(
        "ROLE", "Answers that this is a master without replicas.", group: .server, flags: [.readonly, .fast],
        run: answering(.array([.text("master"), .integer(0), .array([])])))

    static let wait = Command(
        "WAIT", "Answers 0, the number of replicas.", group: .server, flags: [],
        arguments: [.value("numreplicas", .integer), .value("timeout", .integer)]
    ) { arguments, _, _ throws(CommandError) in
        _ = try arguments.redisInteger("numreplicas")
        let timeout = try arguments.redisInteger(
            "timeout", orThrow: .invalid("timeout is not an integer or out of range"))
        guard timeout >= 0 else { throw .invalid("timeout is negative") }
        return .reply(.integer(0))
    }

    // MARK: Modules, memory, latencies

    private static func notAllowed(_ name: String) -> CommandError {
        .invalid(
            "\(name) command not allowed. If the enable-\(name.lowercased())-command option is set to \"local\", you "
                + "can run it from a local connection, otherwise you need to set this option in the configuration "
                + "file, and then restart the server.")
    }

    static let module = Command(
        container: "MODULE", "Lists modules, of which there are none.", group: .server,
        subcommands: [
            sub("MODULE", "LIST", "Answers an empty list.", run: answering(.array([]))),
            sub(
                "MODULE", "LOAD", "Refused.", [.value("path"), .values("arg").optional()],
                run: refusing(notAllowed("MODULE"))),
            sub("MODULE", "UNLOAD", "Refused.", [.value("name")], run: refusing(notAllowed("MODULE"))),
        ])

    static let memory = Command(
        container: "MEMORY", "Answers for keys, of which there are none; see STATUS.", group: .server,
        subcommands: [
            sub("MEMORY", "USAGE", "Answers null.", [.value("key"), .option("SAMPLES", "count", .integer)]) {
                arguments, _, _ throws(CommandError) in
                let words = try arguments.rest("option").dropFirst()
                guard words.isEmpty || words.count == 2, words.first?.uppercased() ?? "SAMPLES" == "SAMPLES"
                else { throw .syntax }
                guard words.isEmpty || words.last.flatMap({ Int($0) }) != nil else { throw .notAnInteger }
                return .reply(.null)
            },
            sub(
                "MEMORY", "DOCTOR", "Says where to look.",
                run: answering(.verbatim("See memory.* in STATUS and the section Memory of README.\n"))),
            sub("MEMORY", "PURGE", "Answers OK.", run: answering(.simple("OK"))),
        ])

    static let latency = Command(
        container: "LATENCY", "Answers that nothing is recorded.", group: .server,
        subcommands: [
            sub("LATENCY", "LATEST", "Answers an empty list.", run: answering(.array([]))),
            sub(
                "LATENCY", "HISTORY", "Answers an empty list.", [.value("event")], run: answering(.array([]))),
            sub(
                "LATENCY", "RESET", "Answers 0.", [.values("event").optional()], run: answering(.integer(0))),
            sub(
                "LATENCY", "HISTOGRAM", "Answers an empty map.", [.values("command").optional()],
                run: answering(.map([]))),
            sub(
                "LATENCY", "DOCTOR", "Says that nothing is recorded.",
                run: answering(.verbatim("Latencies are not recorded here; see STATUS.\n"))),
        ])

    static let slowLog = Command(
        container: "SLOWLOG", "Answers that nothing is recorded.", group: .server,
        subcommands: [
            sub(
                "SLOWLOG", "GET", "Answers an empty list.", [.value("count", .integer).optional()],
                wordsMax: 3, run: answering(.array([]))),
            sub("SLOWLOG", "LEN", "Answers 0.", run: answering(.integer(0))),
            sub("SLOWLOG", "RESET", "Answers OK.", run: answering(.simple("OK"))),
        ])

    static let debug = Command(
        "DEBUG", "Refused.", group: .server, flags: [.admin],
        arguments: [.value("subcommand"), .values("argument").optional()],
        run: refusing(notAllowed("DEBUG")))

    // MARK: Small things

    static let time = Command(
        "TIME", "Seconds since 1970, and microseconds.", group: .server, flags: [.fast]
    ) { _, _, _ throws(CommandError) in
        let microseconds = Int64(Date().timeIntervalSince1970 * 1e6)
        return .reply(
            .array([.text(String(microseconds / 1_000_000)), .text(String(microseconds % 1_000_000))]))
    }

    static let size = Command(
        "DBSIZE", "Answers 0, the number of keys; see STATUS for users and items.", group: .server,
        flags: [.readonly, .fast], run: answering(.integer(0)))

    static let lolwut = Command(
        "LOLWUT", "Says what this is.", group: .server, flags: [.readonly, .fast],
        arguments: [.values("argument").optional()]
    ) { _, _, environment throws(CommandError) in
        .reply(
            .verbatim(
                "A freshet is the flood of a stream in spring.\nFreshet ver. \(environment.settings.version)\n"
            ))
    }
}
