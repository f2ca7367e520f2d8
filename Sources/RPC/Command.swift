import Engine
import EventLog
internal import Events
internal import LookUps
import NIOCore

/// One command of the RPC: what it is called, what it takes, what it does.
struct Command: Sendable {
    enum Group: String, Sendable {
        case connection, server, lookup, event
    }

    enum Flag: String, Sendable {
        case readonly, write, fast, admin
        /// Answered before `AUTH`.
        case noAuth = "no_auth"
    }

    typealias Run =
        @Sendable (inout ArgumentReader, inout Session, CommandEnvironment) throws(CommandError) -> Outcome

    /// In upper case.
    let name: String
    let summary: String
    let group: Group
    let flags: Set<Flag>
    let arguments: [ArgumentSpec]
    /// Words of the shortest call, the name included.
    let wordsMin: Int
    /// Words of the longest call, where there is one.
    let wordsMax: Int?
    let run: Run

    init(
        _ name: String, _ summary: String, group: Group, flags: Set<Flag>, arguments: [ArgumentSpec] = [],
        run: @escaping Run
    ) {
        self.name = name
        self.summary = summary
        self.group = group
        self.flags = flags
        self.arguments = arguments
        wordsMin = 1 + arguments.reduce(0) { $0 + ($1.isOptional ? 0 : $1.words) }
        wordsMax = arguments.contains { $0.isOptional || $0.isMultiple } ? nil : wordsMin
        self.run = run
    }

    var usage: String { ([name] + arguments.map(\.usage)).joined(separator: " ") }

    /// As Redis counts: exact when positive, at least when negative.
    var arity: Int { wordsMax ?? -wordsMin }
}

/// How a command goes on.
enum Outcome: Sendable {
    case reply(RESPValue)
    /// Answers, then closes the connection.
    case close(RESPValue)
    /// To be worked out by the event loop, or by a thread for long look-ups.
    case lookup(Lookup)
    /// Answered later, from any thread; the closure starts the work and must not block.
    case later(@Sendable (@escaping @Sendable (RESPValue) -> Void) -> Void)
}

/// A read of the engine's state.
struct Lookup: Sendable {
    /// `AFTER token TIMEOUT ms`.
    struct After: Sendable, Equatable {
        static let timeoutDefault = Duration.milliseconds(1000)

        var token: Token
        var timeout = Self.timeoutDefault
    }

    var after: After?
    /// Never on an event loop, whatever the options say.
    var isLong = false
    let answer: @Sendable () throws(LookupError) -> RESPValue

    func evaluate() -> RESPValue {
        do throws(LookupError) {
            return try answer()
        } catch {
            return .error(error.description)
        }
    }
}

/// What commands stand on; shared by all connections of a server.
struct CommandEnvironment: Sendable {
    let service: any LookupService
    var options: RPCServerOptions
    let registry: ConnectionRegistry
    let counters: CommandCounters
    let table: CommandTable
}

/// An answer of refusal; the first word is a code that a program can test.
struct CommandError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    static func invalid(_ message: String) -> CommandError { CommandError("ERR \(message)") }
}
