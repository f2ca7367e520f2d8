import Configuration
import EventLog
import Logging
import RPC
import Reporting

/// What `feed` can feed into.
enum FeedTargets {
    static func daemon(_ configuration: Configuration) throws -> RPCClient {
        let client = try RPCClient(socketPath: configuration.socketPath)
        guard !configuration.rpc.password.isEmpty else { return client }
        if case .error(let why) = try client.call(["AUTH", configuration.rpc.password]) {
            throw CommandError("the daemon refuses rpc.password: \(why)", code: .configuration)
        }
        return client
    }

    static func kafka(_ configuration: Configuration) throws -> any EventLog {
        var logger = Logger(label: "freshet", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .warning
        do {
            return try configuration.openKafka(logger: logger)
        } catch {
            throw CommandError(error.message, code: .unavailable)
        }
    }
}
