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
        let isOpen = environment.options.password == nil
        guard words.count == 2 || !isOpen else {
            throw .invalid(
                "AUTH <password> called without any password configured for the default user. "
                    + "Are you sure your configuration is correct?")
        }
        try authenticate(
            user: words.count == 2 ? words[0] : "default", password: words[words.count - 1], environment)
        session.isAuthenticated = true
        return .reply(.simple("OK"))
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
        session.reset(isAuthenticated: environment.options.password == nil)
        environment.registry.update(session)
        return .reply(.simple("RESET"))
    }

    static let quit = Command(
        "QUIT", "Closes the connection once all is answered.", group: .connection,
        flags: [.fast, .noAuth, .immediate], arguments: [.value("argument").optional()]
    ) { _, _, _ throws(CommandError) in
        .close(.simple("OK"))
    }
}

// MARK: HELLO and AUTH

extension ConnectionCommands {
    private static func hello(
        _ arguments: inout ArgumentReader, _ session: inout Session, _ environment: CommandEnvironment
    ) throws(CommandError) -> Outcome {
        // Nothing changes until all of it has been found right.
        var changed = session
        if !arguments.isAtEnd {
            let number = try arguments.redisInteger(
                "protover",
                orThrow: .invalid("Protocol version is not an integer or out of range"))
            guard let version = RESPVersion(rawValue: Int64(number)) else {
                throw CommandError("NOPROTO unsupported protocol version")
            }
            changed.version = version
        }
        while !arguments.isAtEnd {
            let option = try arguments.text("option")
            let values = arguments.wordsLeft
            switch option.uppercased() {
            case "AUTH" where values >= 2:
                try authenticate(
                    user: arguments.text("username"), password: arguments.text("password"), environment)
                changed.isAuthenticated = true
            case "SETNAME" where values >= 1:
                changed.name = try ClientCommands.word(&arguments, orThrow: ClientCommands.badName)
            default: throw .invalid("Syntax error in HELLO option '\(option.prefix(128))'")
            }
        }
        guard changed.isAuthenticated else {
            throw CommandError(
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> "
                    + "AUTH <user> <pass> option can be used to authenticate the client and select the RESP "
                    + "protocol version at the same time")
        }
        session = changed
        environment.registry.update(session)
        return .reply(
            .map([
                (.text("server"), .text("freshet")),
                (.text("version"), .text(environment.options.version)),
                (.text("proto"), .integer(session.version.rawValue)),
                (.text("id"), .integer(Int64(clamping: session.id))),
                (.text("mode"), .text("standalone")),
                (.text("role"), .text("master")),
                (.text("modules"), .array([])),
            ]))
    }

    /// Where no password is set the only user has none, and any will do, as in Redis.
    private static func authenticate(
        user: String, password: String, _ environment: CommandEnvironment
    ) throws(CommandError) {
        let isRight = environment.options.password.map { isEqualInConstantTime(password, $0) } ?? true
        guard isRight, user == "default" else {
            throw CommandError(
                "WRONGPASS invalid username-password pair or user is disabled.")
        }
    }

    /// Takes as long for a guess that is right in its first bytes as for one that is wrong in all: the time depends on
    /// the guess's length alone.
    static func isEqualInConstantTime(_ guess: String, _ secret: String) -> Bool {
        let secret = Array(secret.utf8)
        var difference: UInt8 = secret.count == guess.utf8.count ? 0 : 1
        for (index, byte) in guess.utf8.enumerated() {
            difference |= byte ^ (secret.isEmpty ? 1 : secret[index % secret.count])
        }
        return difference == 0
    }
}
