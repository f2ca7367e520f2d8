internal import LookUps
import Synchronization

/// All commands by name, and the checks that come before any of them runs.
struct CommandTable: Sendable {
    static let standard = CommandTable(
        ConnectionCommands.all + IntrospectionCommands.all + RecommendCommands.all
            + LookupCommands.all
            + ExplanationCommands.all + EventCommands.all + RecordCommands.all + ServerCommands.all)

    /// In alphabetical order.
    let commands: [Command]
    private let byName: [String: Command]

    init(_ commands: [Command]) {
        self.commands = commands.sorted { $0.name < $1.name }
        byName = Dictionary(uniqueKeysWithValues: commands.map { ($0.name, $0) })
    }

    /// By its name in whatever case; most clients send capitals.
    subscript(name: String) -> Command? { byName[name] ?? byName[name.uppercased()] }

    /// Starts a command; whatever is wrong with it becomes the answer.
    func start(_ request: RESPRequest, _ session: inout Session, _ environment: CommandEnvironment) -> Outcome
    {
        environment.counters.commands.add(1, ordering: .relaxed)
        do throws(CommandError) {
            let command = try check(request, session)
            var arguments = ArgumentReader(request, of: command)
            return try command.run(&arguments, &session, environment)
        } catch {
            environment.counters.refused.add(1, ordering: .relaxed)
            return .reply(.error(error.description))
        }
    }

    private func check(_ request: RESPRequest, _ session: Session) throws(CommandError) -> Command {
        let name = String(decoding: request[0].prefix(64), as: UTF8.self)
        let command = self[name]
        if !session.isAuthenticated, !(command?.flags.contains(.noAuth) ?? false) {
            throw CommandError("NOAUTH Authentication required.")
        }
        guard let command else { throw .invalid("unknown command '\(name)'; see COMMAND DOCS") }
        guard request.count >= command.wordsMin, request.count <= command.wordsMax ?? .max else {
            throw .invalid(
                "wrong number of arguments for '\(command.name.lowercased())'; usage: \(command.usage)")
        }
        return command
    }
}

/// Counts of one server since its start. Relaxed: each is read alone, to be shown to people.
final class CommandCounters: Sendable {
    let commands = Atomic<Int64>(0)
    /// Commands answered with a syntax error or for want of `AUTH`, before the engine was asked.
    let refused = Atomic<Int64>(0)
    /// Connections closed because the client did not read its answers.
    let cutOff = Atomic<Int64>(0)
}
