import ArgumentParser
import Foundation
import RPC

/// What every command that talks to a running daemon takes.
struct ClientOptions: ParsableArguments {
    static let socketDefault = "freshet-state/freshet.sock"

    @Option(
        help: ArgumentHelp(
            "Socket of the running daemon; else FRESHET_SOCKET, else \(socketDefault).", valueName: "path"))
    var socket: String?

    @Flag(help: "Print JSON; the default where the output is not a terminal.")
    var json = false

    var prefersJSON: Bool { json || isatty(STDOUT_FILENO) == 0 }

    /// Flag, then environment, then default.
    func socketPath(environment: [String: String]) -> String {
        if let socket { return socket }
        guard let path = environment["FRESHET_SOCKET"], !path.isEmpty else { return Self.socketDefault }
        return path
    }

    /// Connects, runs `body`, and turns what fails into a message and an exit code.
    func withClient(_ body: (RPCClient) throws -> Void) throws {
        let environment = ProcessInfo.processInfo.environment
        do {
            let path = socketPath(environment: environment)
            let client = try RPCClient(socketPath: path, password: environment["FRESHET_PASSWORD"])
            try body(client)
        } catch let error as RPCClientError {
            Terminal.writeError("freshet: \(error)")
            throw ClientExit.cannotConnect
        } catch let error as DaemonError {
            Terminal.writeError("freshet: \(error)")
            throw ClientExit.refused
        }
    }
}

enum ClientExit {
    /// The daemon answered with an error.
    static let refused = ExitCode(1)
    /// No daemon at the socket, or the connection broke.
    static let cannotConnect = ExitCode(3)
}

/// The daemon's answer is an error, or not what the command asked for.
struct DaemonError: Error, Equatable, CustomStringConvertible {
    let description: String
}

extension RPCClient {
    /// One command's answer; an error of the daemon's is thrown.
    func ask(_ arguments: [String]) throws -> RESPValue {
        try send(arguments)
        return try receiveAnswer()
    }

    func receiveAnswer() throws -> RESPValue {
        let answer = try receive()
        if case .error(let message) = answer { throw DaemonError(description: message) }
        return answer
    }
}
