/// What stock clients send to get to know the server and to name themselves.
enum ConnectionCommands {
    static let all = [ping, echo, hello, auth, client, select, reset, quit]

    static let ping = Command(
        "PING", "Answers PONG, or the message.", group: .connection, flags: [.readonly, .fast],
        arguments: [.value("message").optional()]
    ) { arguments, _, _ throws(CommandError) in
        guard !arguments.isAtEnd else { return .reply(.simple("PONG")) }
        let message = try arguments.bytes("message")
        try arguments.end()
        return .reply(.bulk(Array(message)))
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
        let first = try arguments.text("password")
        let second = arguments.isAtEnd ? nil : try arguments.text("password")
        try arguments.end()
        guard environment.options.password != nil else {
            throw .invalid("AUTH called, but this server has no password: connect without one")
        }
        try authenticate(user: second == nil ? "default" : first, password: second ?? first, environment)
        session.isAuthenticated = true
        return .reply(.simple("OK"))
    }

    static let select = Command(
        "SELECT", "Answers OK to 0, the only database there is.", group: .connection, flags: [.fast],
        arguments: [.value("index", .integer)]
    ) { arguments, _, _ throws(CommandError) in
        _ = try arguments.integer("index", in: 0...0)
        return .reply(.simple("OK"))
    }

    static let reset = Command(
        "RESET", "Takes the connection back to how it began.", group: .connection, flags: [.fast, .noAuth]
    ) { _, session, environment throws(CommandError) in
        session.reset(isAuthenticated: environment.options.password == nil)
        environment.registry.update(session)
        return .reply(.simple("RESET"))
    }

    static let quit = Command(
        "QUIT", "Closes the connection once all is answered.", group: .connection, flags: [.fast, .noAuth]
    ) { _, _, _ throws(CommandError) in
        .close(.simple("OK"))
    }

    static let client = Command(
        "CLIENT", "SETNAME, GETNAME, SETINFO, ID, INFO, LIST, NO-EVICT, NO-TOUCH.", group: .connection,
        flags: [.fast], arguments: [.value("subcommand"), .values("argument").optional()],
        run: client)
}

// MARK: HELLO and AUTH

extension ConnectionCommands {
    private static func hello(
        _ arguments: inout ArgumentReader, _ session: inout Session, _ environment: CommandEnvironment
    ) throws(CommandError) -> Outcome {
        // Nothing changes until all of it has been found right.
        var changed = session
        if !arguments.isAtEnd {
            guard let number = Int64(try arguments.text("protover")),
                let version = RESPVersion(rawValue: number)
            else { throw CommandError("NOPROTO unsupported protocol version; 2 or 3 is allowed") }
            changed.version = version
        }
        while let option = try arguments.keyword() {
            switch option {
            case "AUTH":
                let user = try arguments.text("username")
                let password = try arguments.text("password")
                if environment.options.password != nil {
                    try authenticate(user: user, password: password, environment)
                }
                changed.isAuthenticated = true
            case "SETNAME": changed.name = try clientName(&arguments)
            default: throw arguments.unexpected(option)
            }
        }
        guard changed.isAuthenticated else {
            throw CommandError(
                "NOAUTH HELLO must be called with the client already authenticated, or with AUTH: "
                    + "HELLO 3 AUTH default password")
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

    private static func authenticate(
        user: String, password: String, _ environment: CommandEnvironment
    ) throws(CommandError) {
        let isRight = isEqualInConstantTime(password, environment.options.password ?? "")
        guard isRight, user == "default" else {
            throw CommandError("WRONGPASS invalid username-password pair; the only user is 'default'")
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

// MARK: CLIENT

extension ConnectionCommands {
    private static func client(
        _ arguments: inout ArgumentReader, _ session: inout Session, _ environment: CommandEnvironment
    ) throws(CommandError) -> Outcome {
        let subcommand = try arguments.text("subcommand").uppercased()
        let answer: RESPValue
        switch subcommand {
        case "SETNAME":
            session.name = try clientName(&arguments)
            answer = .simple("OK")
        case "GETNAME": answer = session.name.isEmpty ? .null : .text(session.name)
        case "SETINFO":
            let attribute = try arguments.text("attribute").uppercased()
            let value = try word("value", &arguments)
            switch attribute {
            case "LIB-NAME": session.libraryName = value
            case "LIB-VER": session.libraryVersion = value
            default: throw arguments.unexpected(attribute)
            }
            answer = .simple("OK")
        case "ID": answer = .integer(Int64(clamping: session.id))
        case "INFO": answer = .text(session.description(socketPath: environment.options.socketPath) + "\n")
        case "LIST":
            let lines = environment.registry.sessions.map {
                $0.description(socketPath: environment.options.socketPath) + "\n"
            }
            answer = .text(lines.joined())
        case "NO-EVICT", "NO-TOUCH":
            // Nothing is ever evicted here; clients that ask for it have what they want.
            let state = try arguments.text("ON|OFF").uppercased()
            guard state == "ON" || state == "OFF" else { throw arguments.unexpected(state) }
            answer = .simple("OK")
        default: throw arguments.unexpected(subcommand)
        }
        try arguments.end()
        environment.registry.update(session)
        return .reply(answer)
    }

    private static func clientName(_ arguments: inout ArgumentReader) throws(CommandError) -> String {
        try word("clientname", &arguments)
    }

    /// `CLIENT LIST` separates by spaces and line breaks, so no word in it may hold one.
    private static func word(
        _ name: String, _ arguments: inout ArgumentReader
    ) throws(CommandError) -> String {
        let word = try arguments.text(name)
        guard word.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), word.utf8.count <= 256 else {
            throw arguments.error("\(name) holds spaces, line breaks or special characters")
        }
        return word
    }
}
