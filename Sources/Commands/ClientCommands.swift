import RESP

/// `CLIENT`: what a client says of its connection, and what it asks about others.
enum ClientCommands {
    static let client = Command(
        container: "CLIENT", "Names, lists, describes and closes connections.", group: .connection,
        subcommands: [
            sub("ID", "Answers this connection's id.") { _, session, _ throws(CommandError) in
                .reply(.integer(Int64(clamping: session.id)))
            },
            sub("SETNAME", "Names this connection.", [.value("connection-name")], run: setName),
            sub("GETNAME", "Answers this connection's name.") { _, session, _ throws(CommandError) in
                .reply(session.name.isEmpty ? .null : .text(session.name))
            },
            sub(
                "SETINFO", "Says which library this is.",
                [.value("LIB-NAME|LIB-VER"), .value("value")], run: setInfo),
            sub("INFO", "Describes this connection.") { _, session, environment throws(CommandError) in
                let bytes = environment.clients.all.first { $0.session.id == session.id }?.heldBytes
                return .reply(.verbatim(line(session, bytes ?? 0, environment)))
            },
            sub(
                "LIST", "Describes all connections.",
                [ArgumentSpec.option("TYPE", "type"), .list("ID", "client-id", .integer)], flags: [.admin],
                run: list),
            sub("KILL", "Closes connections.", [.values("filter")], flags: [.admin], run: ClientKill.run),
            sub(
                "REPLY", "Says which commands are answered.", [.value("ON|OFF|SKIP")], flags: [.noMulti],
                run: reply),
            sub("NO-EVICT", "Answers OK; no connection is spared.", [.value("ON|OFF")], run: onOrOff),
            sub("NO-TOUCH", "Answers OK; a look-up touches nothing.", [.value("ON|OFF")], run: onOrOff),
            sub("UNPAUSE", "Answers OK; nothing is ever paused.") { _, _, _ throws(CommandError) in
                .reply(.simple("OK"))
            },
            sub("UNBLOCK", "Answers 0; nothing blocks.", [.value("client-id", .integer)]) {
                arguments, _, _ throws(CommandError) in
                _ = try arguments.redisInteger("client-id")
                return .reply(.integer(0))
            },
            sub(
                "TRACKING", "Tells of changed keys, of which there are none.",
                [.value("ON|OFF"), .values("option").optional()], run: ClientTracking.tracking),
            sub("TRACKINGINFO", "What TRACKING was told.", [], run: ClientTracking.info),
            sub(
                "CACHING", "Whether the keys of the next command are tracked.", [.value("YES|NO")],
                run: ClientTracking.caching),
            sub("GETREDIR", "The connection that is told of changed keys.", [], run: ClientTracking.redirect),
        ])

    static let badName = CommandError(
        "ERR Client names cannot contain spaces, newlines or special characters.")

    private static func sub(
        _ name: String, _ summary: String, _ arguments: [ArgumentSpec] = [],
        flags: Set<Command.Flag> = [], run: @escaping Command.Run
    ) -> Command {
        Command(
            name, of: "CLIENT", summary, group: .connection, flags: flags.union([.fast]),
            arguments: arguments, run: run)
    }

    /// The next argument, which may stand in a line of `CLIENT LIST`: it holds no space, line break or `=`.
    static func word(
        _ arguments: inout ArgumentReader, orThrow error: CommandError
    ) throws(CommandError) -> String {
        let bytes = try arguments.bytes("name")
        guard bytes.allSatisfy({ (0x21...0x7E).contains($0) }), bytes.count <= 256 else { throw error }
        return String(decoding: bytes, as: UTF8.self)
    }
}

// MARK: This connection

extension ClientCommands {
    private static func setName(
        _ arguments: inout ArgumentReader, _ session: inout Session, _ environment: CommandEnvironment
    ) throws(CommandError) -> Outcome {
        session.name = try word(&arguments, orThrow: badName)
        environment.clients.update(session)
        return .reply(.simple("OK"))
    }

    private static func setInfo(
        _ arguments: inout ArgumentReader, _ session: inout Session, _ environment: CommandEnvironment
    ) throws(CommandError) -> Outcome {
        let attribute = try arguments.text("attribute")
        let name = attribute.lowercased()
        let error = CommandError("ERR \(name) cannot contain spaces, newlines or special characters.")
        switch name {
        case "lib-name": session.libraryName = try word(&arguments, orThrow: error)
        case "lib-ver": session.libraryVersion = try word(&arguments, orThrow: error)
        default: throw .invalid("Unrecognized option '\(attribute.prefix(128))'")
        }
        environment.clients.update(session)
        return .reply(.simple("OK"))
    }

    private static func reply(
        _ arguments: inout ArgumentReader, _ session: inout Session, _ environment: CommandEnvironment
    ) throws(CommandError) -> Outcome {
        switch try arguments.text("mode").uppercased() {
        case "ON": session.replies = .on
        case "OFF": session.replies = .off
        case "SKIP": if session.replies == .on { session.replies = .skipNext }
        default: throw .syntax
        }
        return .reply(.simple("OK"))
    }

    private static func onOrOff(
        _ arguments: inout ArgumentReader, _ session: inout Session, _ environment: CommandEnvironment
    ) throws(CommandError) -> Outcome {
        guard ["ON", "OFF"].contains(try arguments.text("state").uppercased()) else { throw .syntax }
        return .reply(.simple("OK"))
    }
}

// MARK: All connections

extension ClientCommands {
    /// Redis's types; every connection here is a normal one.
    static let types: Set<String> = ["normal", "master", "replica", "slave", "pubsub"]

    private static func list(
        _ arguments: inout ArgumentReader, _ session: inout Session, _ environment: CommandEnvironment
    ) throws(CommandError) -> Outcome {
        var isWanted: (Session) -> Bool = { _ in true }
        let words = try arguments.rest("filter")
        switch words.first?.uppercased() {
        case nil: break
        case "TYPE" where words.count == 2:
            let type = words[1].lowercased()
            guard types.contains(type) else { throw .invalid("Unknown client type '\(words[1])'") }
            isWanted = { _ in type == "normal" }
        case "ID" where words.count > 1:
            var ids: Set<UInt64> = []
            for word in words.dropFirst() {
                guard let id = UInt64(word) else { throw .invalid("Invalid client ID") }
                ids.insert(id)
            }
            isWanted = { ids.contains($0.id) }
        default: throw .syntax
        }
        let lines = environment.clients.all.filter { isWanted($0.session) }
            .map { line($0.session, $0.heldBytes, environment) }
        return .reply(.verbatim(lines.joined()))
    }

    private static func line(
        _ session: Session, _ heldBytes: Int, _ environment: CommandEnvironment
    ) -> String {
        session.description(socketPath: environment.settings.socketPath, heldBytes: heldBytes) + "\n"
    }
}
