import Access
import RESP

/// What stock clients send to get to know the server and to name themselves.
enum ConnectionCommands {
    static let all = [ping, echo, hello, auth, ClientCommands.client, select, reset, quit]

    static let ping = Command(
        "PING", "Answers PONG, or the message.", group: .connection, flags: [.readonly, .fast],
        arguments: [.value("message").optional()], wordsMax: 2
    ) { arguments, _, _ throws(CommandError) in
        guard !arguments.isAtEnd else { return .reply(.simple("PONG")) }
        return .reply(.bulk(Array(try arguments.bytes("message"))))
    }

    static let echo = Command(
        "ECHO", "Answers the message.", group: .connection, flags: [.readonly, .fast],
        arguments: [.value("message")]
    ) { arguments, _, _ throws(CommandError) in
        // Any bytes: redis-cli --pipe ends its load with random ones.
        .reply(.bulk(Array(try arguments.bytes("message"))))
    }

    static let hello = Command(
        "HELLO", "Chooses the version of RESP; says what this server is.", group: .connection,
        flags: [.fast, .noAuth],
        arguments: [
            .block(
                "arguments",
                [
                    .value("protover", .integer),
                    .block("auth", [.value("username", after: "AUTH"), .value("password")]),
                    .option("SETNAME", "clientname"),
                ])
        ],
        run: hello)

    static let auth = Command(
        "AUTH", "Opens a server that has a password.", group: .connection, flags: [.fast, .noAuth],
        arguments: [.value("username").optional(), .value("password")]
    ) { arguments, session, environment throws(CommandError) in
        let words = try arguments.rest("password")
        guard words.count <= 2 else { throw .syntax }
        let credentials = AccessControl.Credentials(
            name: words.count == 2 ? words[0] : Identity.standardName, password: words[words.count - 1])
        guard words.count == 2 || environment.access.rules.hasPassword(Identity.standardName)
        else {
            throw .invalid(
                "AUTH <password> called without any password configured for the default user. "
                    + "Are you sure your configuration is correct?")
        }
        return try Authenticating.outcome(credentials, &session, environment) {
            session, identity throws(CommandError) in
            session.become(identity, environment.access)
            environment.clients.update(session)
            return .simple("OK")
        }
    }

    static let select = Command(
        "SELECT", "Answers OK to 0, the only database there is.", group: .connection, flags: [.fast],
        arguments: [.value("index", .integer)]
    ) { arguments, _, _ throws(CommandError) in
        guard try arguments.redisInteger("index") == 0 else { throw .invalid("DB index is out of range") }
        return .reply(.simple("OK"))
    }

    static let reset = Command(
        "RESET", "Takes the connection back to how it began.", group: .connection,
        flags: [.fast, .noAuth, .immediate]
    ) { _, session, environment throws(CommandError) in
        session.reset(environment.access)
        environment.clients.update(session)
        return .reply(.simple("RESET"))
    }

    static let quit = Command(
        "QUIT", "Closes the connection once all is answered.", group: .connection,
        flags: [.fast, .noAuth, .immediate], arguments: [.value("argument").optional()]
    ) { _, _, _ throws(CommandError) in
        .close(.simple("OK"))
    }
}

// MARK: HELLO

extension ConnectionCommands {
    /// Nothing changes until all of it has been found right.
    private struct Greeting: Sendable {
        var version: RESPVersion?
        var credentials: AccessControl.Credentials?
        var name: String?

        init(_ arguments: inout ArgumentReader) throws(CommandError) {
            if !arguments.isAtEnd {
                let number = try arguments.redisInteger(
                    "protover",
                    orThrow: .invalid("Protocol version is not an integer or out of range"))
                guard let version = RESPVersion(rawValue: Int64(number)) else {
                    throw CommandError("NOPROTO unsupported protocol version")
                }
                self.version = version
            }
            while !arguments.isAtEnd {
                let option = try arguments.text("option")
                let values = arguments.wordsLeft
                switch option.uppercased() {
                case "AUTH" where values >= 2:
                    credentials = AccessControl.Credentials(
                        name: try arguments.text("username"), password: try arguments.text("password"))
                case "SETNAME" where values >= 1:
                    name = try ClientCommands.word(&arguments, orThrow: ClientCommands.badName)
                default: throw .invalid("Syntax error in HELLO option '\(option.prefix(128))'")
                }
            }
        }
    }

    private static func hello(
        _ arguments: inout ArgumentReader, _ session: inout Session, _ environment: CommandEnvironment
    ) throws(CommandError) -> Outcome {
        let greeting = try Greeting(&arguments)
        guard let credentials = greeting.credentials else {
            return .reply(try welcome(greeting, session.identity, &session, environment))
        }
        return try Authenticating.outcome(credentials, &session, environment) {
            session, identity throws(CommandError) in
            try welcome(greeting, identity, &session, environment)
        }
    }

    private static func welcome(
        _ greeting: Greeting, _ identity: Identity?, _ session: inout Session,
        _ environment: CommandEnvironment
    ) throws(CommandError) -> RESPValue {
        guard let identity else {
            throw CommandError(
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> "
                    + "AUTH <user> <pass> option can be used to authenticate the client and select the RESP "
                    + "protocol version at the same time")
        }
        if greeting.credentials != nil { session.become(identity, environment.access) }
        if let version = greeting.version { session.version = version }
        if let name = greeting.name { session.name = name }
        environment.clients.update(session)
        return .map([
            (.text("server"), .text("freshet")),
            (.text("version"), .text(environment.settings.version)),
            (.text("proto"), .integer(session.version.rawValue)),
            (.text("id"), .integer(Int64(clamping: session.id))),
            (.text("mode"), .text(environment.cluster == nil ? "standalone" : "cluster")),
            (.text("role"), .text("master")),
            (.text("modules"), .array([])),
        ])
    }
}
