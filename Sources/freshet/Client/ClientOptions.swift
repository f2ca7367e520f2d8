import ArgumentParser
import Foundation
import RESP
import Reporting
import TransportSecurity
import Wording

/// What every command that talks to a running daemon takes.
struct ClientOptions: ParsableArguments {
    static let socketDefault = "freshet-state/freshet.sock"
    /// Of the packaged unit.
    static let socketInstalled = "/run/freshet/freshet.sock"

    @Option(
        help: ArgumentHelp(
            "Socket of the running daemon, or tcp://host:port, or tls://host:port; else FRESHET_RPC_SOCKET, else freshet.sock in FRESHET_STATE_FOLDER, else "
                + "\(socketDefault), else that of the installed service, \(socketInstalled).",
            valueName: "path"))
    var socket: String?

    @OptionGroup var credentials: CredentialOptions

    enum Format: String, EnumerableFlag { case json, table }

    @Flag(
        help: "Print JSON or a table; a table is the default on a terminal, JSON in a pipe or a file.")
    var format: Format?

    var prefersJSON: Bool { format.map { $0 == .json } ?? !Terminal.outputIsTerminal }

    /// Flag, then the daemon's own environment variables, then the default: whoever starts the daemon by these
    /// variables need not name its socket again. Where nothing is said and nothing is here, the installed service is meant.
    func socketPath(
        environment: [String: String],
        exists: (String) -> Bool = { FileManager.default.fileExists(atPath: $0) }
    ) -> String {
        if let socket { return socket }
        if let path = environment["FRESHET_RPC_SOCKET"], !path.isEmpty { return path }
        if let folder = environment["FRESHET_STATE_FOLDER"], !folder.isEmpty {
            return folder + "/freshet.sock"
        }
        let isElsewhere = !exists(Self.socketDefault) && exists(Self.socketInstalled)
        return isElsewhere ? Self.socketInstalled : Self.socketDefault
    }

    /// Connects, runs `body`, and turns what fails into a message and an exit code.
    func withClient(_ body: (RPCClient) throws -> Void) throws {
        let environment = ProcessInfo.processInfo.environment
        do {
            let path = socketPath(environment: environment)
            let password = try credentials.password(environment: environment)
            let way = try credentials.way(to: path, configured: environment["FRESHET_RPC_TLS_CA"])
            try body(
                try RPCClient(
                    socketPath: path, user: credentials.user, password: password, secureWay: way))
        } catch let error as TransportSecurityError {
            throw CommandError("\(error)", code: .configuration).report()
        } catch let error as PasswordFileError {
            throw CommandError("\(error)", code: .configuration).report()
        } catch let error as RPCClientError {
            throw CommandError("\(error)", code: .unavailable).report()
        } catch let error as DaemonError {
            let hint = error.isUsage ? " (see --help)" : ""
            throw CommandError("\(error)\(hint)", code: error.isUsage ? .usage : .failure).report()
        }
    }
}

/// The daemon's answer is an error, or not what the command asked for.
struct DaemonError: Error, Equatable, CustomStringConvertible {
    let description: String
    /// Whether the command was called wrongly.
    var isUsage = false

    init(description: String) { self.description = description }

    init(_ refusal: Refusal) { (description, isUsage) = (refusal.message, refusal.isUsage) }
}

extension RPCClient {
    /// One command's answer; an error of the daemon's is thrown.
    func ask(_ arguments: [String]) throws -> RESPValue {
        try send(arguments)
        return try receiveAnswer()
    }

    func receiveAnswer() throws -> RESPValue {
        let answer = try receive()
        if case .error(let message) = answer { throw DaemonError(Refusal(message)) }
        return answer
    }
}
