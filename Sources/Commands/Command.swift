package import Access
package import Events
package import LookUps
package import RESP

/// One command of the RPC: what it is called, what it takes, what it does.
struct Command: Sendable {
    enum Group: String, Sendable {
        // Redis's own, answered in Redis's words.
        case connection, server, transactions, cluster
        // Freshet's.
        case daemon, lookup, event

        var isRedis: Bool {
            switch self {
            case .connection, .server, .transactions, .cluster: true
            case .daemon, .lookup, .event: false
            }
        }
    }

    enum Flag: String, Sendable {
        case readonly, write, fast, admin
        /// Answered before `AUTH`.
        case noAuth = "no_auth"
        /// Refused between `MULTI` and `EXEC`.
        case noMulti = "no_multi"
        /// Runs at once between `MULTI` and `EXEC`, rather than being queued.
        case immediate
    }

    typealias Run =
        @Sendable (inout ArgumentReader, inout Session, CommandEnvironment) throws(CommandError) -> Outcome

    /// In upper case; of a subcommand its own word.
    let name: String
    /// The command that this is a subcommand of.
    let container: String?
    let summary: String
    let group: Group
    let flags: Set<Flag>
    let arguments: [ArgumentSpec]
    let subcommands: [Command]
    /// Words of the shortest call, the name included.
    let wordsMin: Int
    /// Words of the longest call, where there is one.
    let wordsMax: Int?
    /// Whom it is about, where that is one user.
    let user: UserWord
    let run: Run

    /// - Parameter wordsMax: where it is not what `arguments` say.
    init(
        _ name: String, of container: String? = nil, _ summary: String, group: Group, flags: Set<Flag>,
        arguments: [ArgumentSpec] = [], wordsMax: Int? = nil, user: UserWord = .none, run: @escaping Run
    ) {
        self.name = name
        self.container = container
        self.summary = summary
        self.group = group
        self.flags = flags
        self.arguments = arguments
        self.user = user
        subcommands = []
        wordsMin = (container == nil ? 1 : 2) + arguments.reduce(0) { $0 + ($1.isOptional ? 0 : $1.words) }
        self.wordsMax =
            wordsMax ?? (arguments.contains { $0.isOptional || $0.isMultiple } ? nil : wordsMin)
        self.run = run
    }

    /// A command whose second word says what is done. `HELP` is one of them.
    ///
    /// - Parameter alone: what the name does by itself, where it does anything.
    init(
        container name: String, _ summary: String, group: Group, subcommands: [Command], alone: Run? = nil
    ) {
        let all = subcommands + [Self.help(of: name, subcommands, group)]
        self.name = name
        container = nil
        self.summary = summary
        self.group = group
        flags = subcommands.first?.flags.intersection([.fast, .admin]) ?? []
        arguments = [.value("subcommand"), .values("argument").optional()]
        self.subcommands = all
        user = .none
        wordsMin = alone == nil ? 2 : 1
        wordsMax = nil
        run = alone ?? Self.refuseAlone
    }

    /// Never reached: the call has a word too few.
    private static let refuseAlone: Run = { _, _, _ throws(CommandError) in throw .syntax }

    /// What somebody needs to call it; `nil` of what is answered before `AUTH`.
    var role: Role? {
        if flags.contains(.noAuth) { return nil }
        if flags.contains(.admin) { return .admin }
        return flags.contains(.write) ? .feed : .read
    }

    /// Of a call with as many words, the events that it appends.
    func events(words: Int) -> Int {
        guard group == .event else { return 0 }
        return arguments.first?.isMultiple == true ? words - wordsMin + 1 : 1
    }

    /// `client|list`, as Redis calls a subcommand.
    var fullName: String { (container.map { $0 + "|" } ?? "").lowercased() + name.lowercased() }

    var usage: String {
        ([container, name].compactMap { $0 } + arguments.map(\.usage)).joined(separator: " ")
    }

    /// As Redis counts: exact when positive, at least when negative.
    var arity: Int { wordsMax == wordsMin ? wordsMin : -wordsMin }

    /// By its word in whatever case.
    func subcommand(_ word: String) -> Command? {
        let name = word.uppercased()
        return subcommands.first { $0.name == name }
    }

    private static func help(of container: String, _ subcommands: [Command], _ group: Group) -> Command {
        Command(
            "HELP", of: container, "Prints this help.", group: group, flags: [.readonly, .fast]
        ) { _, _, _ throws(CommandError) in
            let title = "\(container) <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"
            let lines = subcommands.sorted { $0.name < $1.name }.flatMap { command in
                [([command.name] + command.arguments.map(\.usage)).joined(separator: " "), command.summary]
            }
            let own = ["HELP", "Print this help."]
            return .reply(
                .array(
                    [.simple(title)]
                        + (lines + own).enumerated().map {
                            .simple(($0.offset.isMultiple(of: 2) ? "" : "    ") + $0.element)
                        }))
        }
    }
}

/// How a command goes on.
package enum Outcome: Sendable {
    case reply(RESPValue)
    /// Answers, then closes the connection.
    case close(RESPValue)
    /// Answered by another daemon, which has the user.
    case forward(Forwarding)
    /// Answered by several, each for its users.
    case gather(Gathering)
    /// Runs the commands that `MULTI` queued.
    case execute(Transaction)
    /// To be worked out by the event loop, or by a thread for long look-ups.
    case lookup(Lookup)
    /// Goes on once it is known whether a name and its password belong together. Until then the connection begins nothing
    /// else.
    case authenticate(Authentication)
    /// Answered later, from any thread; the closure starts the work and must not block.
    case later(@Sendable (@escaping @Sendable (RESPValue) -> Void) -> Void)
}

/// A password that takes its time to be checked.
package struct Authentication: Sendable {
    package let credentials: AccessControl.Credentials
    /// On the connection's event loop; answers.
    package let finish: @Sendable (AccessControl.Verdict, inout Session) -> RESPValue
}

/// A read of the engine's state.
package struct Lookup: Sendable {
    /// `AFTER token TIMEOUT ms`.
    package struct After: Sendable, Equatable {
        package static let timeoutDefault = Duration.milliseconds(1000)

        package var token: Token
        package var timeout = Self.timeoutDefault

        package init(token: Token, timeout: Duration = Self.timeoutDefault) {
            (self.token, self.timeout) = (token, timeout)
        }
    }

    package var after: After?
    /// Never on an event loop, whatever the options say.
    package var isLong = false
    let answer: @Sendable () throws(LookupError) -> RESPValue

    init(
        after: After? = nil, isLong: Bool = false,
        answer: @escaping @Sendable () throws(LookupError) -> RESPValue
    ) {
        (self.after, self.isLong, self.answer) = (after, isLong, answer)
    }

    /// Of another room.
    package init(
        after: After?, isLong: Bool = false, result: @escaping @Sendable () -> Result<RESPValue, LookupError>
    ) {
        self.init(after: after, isLong: isLong) { () throws(LookupError) in try result().get() }
    }

    package func evaluate() -> RESPValue {
        do throws(LookupError) {
            return try answer()
        } catch {
            return .error(error.description)
        }
    }
}

/// An answer of refusal; the first word is a code that a program can test.
struct CommandError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    static func invalid(_ message: String) -> CommandError { CommandError("ERR \(message)") }

    // Redis's own words, which clients test.
    static let syntax = CommandError("ERR syntax error")
    static let notAnInteger = CommandError("ERR value is not an integer or out of range")

    static func wrongArguments(of fullName: String) -> CommandError {
        .invalid("wrong number of arguments for '\(fullName)' command")
    }
}
