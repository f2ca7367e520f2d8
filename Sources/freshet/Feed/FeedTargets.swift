import EventLog
import Logging
import RESP
import Reporting
import Settings

/// What `feed` can feed into.
enum FeedTargets {
    static func daemon(_ configuration: Configuration) throws -> RPCClient {
        let password = configuration.rpc.password
        return try RPCClient(
            socketPath: configuration.socketPath, password: password.isEmpty ? nil : password)
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
