// Commands: what may be asked over the socket.
//
// Here live the commands with their grammar, the table that finds and checks them, a connection's session,
// transactions, and how answers of look-ups become values of RESP. A request with its session comes in, an `Outcome`
// goes out: an answer, or work for whoever called to run. What never comes in: sockets, channels, event loops; of the
// server a command sees `ServerSettings` and `ConnectedClients`.

import Access
internal import LookUps
package import RESP
package import Synchronization

/// All commands by name, and the checks that come before any of them runs.
package struct CommandTable: Sendable {
    package static let standard = CommandTable(
        ConnectionCommands.all + TransactionCommands.all + IntrospectionCommands.all + RedisCommands.all
            + RecommendCommands.all + LookupCommands.all + ContentCommands.all + ExplanationCommands.all
            + EventCommands.all
            + RecordCommands.all + ServerCommands.all + [ClusterCommands.cluster] + ClusterCommands.modes)

    /// In alphabetical order.
    let commands: [Command]
    private let byName: [String: Command]

    init(_ commands: [Command]) {
        self.commands = commands.sorted { $0.name < $1.name }
        byName = Dictionary(uniqueKeysWithValues: commands.map { ($0.name, $0) })
    }

    /// By its name in whatever case; most clients send capitals.
    subscript(name: String) -> Command? { byName[name] ?? byName[name.uppercased()] }

    /// A command by its name, or a subcommand by `client|list`.
    func find(_ name: String) -> Command? {
        let words = name.split(separator: "|", maxSplits: 1, omittingEmptySubsequences: false)
        guard words.count == 2 else { return self[name] }
        return self[String(words[0])]?.subcommand(String(words[1]))
    }

    /// Starts a command, or queues it between `MULTI` and `EXEC`; whatever is wrong with it becomes the answer.
    package func start(_ request: RESPRequest, _ session: inout Session, _ environment: CommandEnvironment)
        -> Outcome
    {
        do throws(CommandError) {
            let command = try queueing(&session) { session throws(CommandError) in
                try check(request, session, environment.access)
            }
            if session.transaction != nil, !command.flags.contains(.immediate) {
                session.transaction?.append(request)
                return .reply(.simple("QUEUED"))
            }
            try admit(command, request, session, environment.access)
            environment.counters.commands.add(1, ordering: .relaxed)
            if let cluster = environment.cluster, let user = command.user.word(of: request),
                let elsewhere = try Routing.elsewhere(
                    user, command, request, session, environment, cluster)
            {
                return elsewhere
            }
            var arguments = ArgumentReader(request, of: command)
            return try command.run(&arguments, &session, environment)
        } catch {
            environment.counters.refused.add(1, ordering: .relaxed)
            return .reply(.error(error.description))
        }
    }

    /// A command refused while `MULTI` queues makes `EXEC` run nothing.
    private func queueing(
        _ session: inout Session, _ body: (Session) throws(CommandError) -> Command
    ) throws(CommandError) -> Command {
        do throws(CommandError) {
            return try body(session)
        } catch {
            session.transaction?.isRefused = true
            throw error
        }
    }

    private func check(
        _ request: RESPRequest, _ session: Session, _ access: AccessControl
    ) throws(CommandError) -> Command {
        let command = self[Self.word(request[0])]
        if session.identity == nil, !(command?.flags.contains(.noAuth) ?? false) {
            access.refused(command?.fullName ?? "unknown", nil, session.peer, .noName)
            throw CommandError("NOAUTH Authentication required.")
        }
        guard let command else { throw Self.unknown(request) }
        guard !command.subcommands.isEmpty, request.count > 1 else {
            return try checked(command, request, session, access)
        }
        let word = Self.word(request[1])
        guard let subcommand = command.subcommand(word) else {
            throw .invalid("unknown subcommand '\(word)'. Try \(command.name) HELP.")
        }
        return try checked(subcommand, request, session, access)
    }

    private func checked(
        _ command: Command, _ request: RESPRequest, _ session: Session, _ access: AccessControl
    ) throws(CommandError) -> Command {
        guard request.count >= command.wordsMin, request.count <= command.wordsMax ?? .max else {
            let error = CommandError.wrongArguments(of: command.fullName)
            throw command.group.isRedis ? error : CommandError("\(error); usage: \(command.usage)")
        }
        if let role = command.role, let identity = session.identity, identity.role < role {
            access.refused(command.fullName, identity, session.peer, .role(wanted: role))
            // Redis's words, and what would help.
            throw CommandError(
                "NOPERM User \(identity.name) has no permissions to run the '\(command.fullName)' command: it needs the "
                    + "role \(role.rawValue), and this user has \(identity.role.rawValue)")
        }
        if session.transaction != nil, command.flags.contains(.noMulti) {
            throw .invalid("Command not allowed inside a transaction")
        }
        return command
    }

    /// The last thing before a command runs: whether it is too soon, and whether to write it down.
    private func admit(
        _ command: Command, _ request: RESPRequest, _ session: Session, _ access: AccessControl
    ) throws(CommandError) {
        guard let role = command.role else { return }
        do throws(LimitRefusal) {
            try access.admit(commands: 1, by: session.limit)
            try access.admit(events: command.events(words: request.count), by: session.limit)
        } catch {
            access.refused(command.fullName, session.identity, session.peer, .limit(error.limit))
            throw CommandError("OVERLOADED \(error)")
        }
        if role == .admin { access.administers(command.fullName, session.identity, session.peer) }
    }

    /// Redis's words to the letter, trailing space included: clients recognise them.
    private static func unknown(_ request: RESPRequest) -> CommandError {
        var arguments = ""
        for index in 1..<max(1, request.count) where arguments.utf8.count < argumentsBytesMax {
            let text = String(
                decoding: request[index].prefix(argumentsBytesMax - arguments.utf8.count), as: UTF8.self)
            arguments += "'\(text)' "
        }
        return .invalid(
            "unknown command '\(word(request[0]))', with args beginning with: \(arguments)")
    }

    private static let argumentsBytesMax = 128

    private static func word(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix(128), as: UTF8.self)
    }
}

/// Counts of one server since its start. Relaxed: each is read alone, to be shown to people.
package final class CommandCounters: Sendable {
    let commands = Atomic<Int64>(0)
    /// Commands answered with a syntax error or for want of `AUTH`, before the engine was asked.
    let refused = Atomic<Int64>(0)
    /// Commands that another daemon has the user of: answered there, with `MOVED`, and with `TRYAGAIN`.
    let forwarded = Atomic<Int64>(0)
    let moved = Atomic<Int64>(0)
    let waiting = Atomic<Int64>(0)
    /// Connections closed because the client did not read its answers.
    package let cutOff = Atomic<Int64>(0)

    package init() {}

    /// For `CONFIG RESETSTAT`.
    func reset() {
        commands.store(0, ordering: .relaxed)
        refused.store(0, ordering: .relaxed)
        cutOff.store(0, ordering: .relaxed)
        forwarded.store(0, ordering: .relaxed)
        moved.store(0, ordering: .relaxed)
        waiting.store(0, ordering: .relaxed)
    }
}
