import EventLog
import Foundation
import Logging
import RESP
import Reporting
import Settings

/// What `feed` can feed into.
enum FeedTargets {
    /// - Parameter credentials: whose password file comes before the configuration's password.
    static func daemon(_ configuration: Configuration, _ credentials: CredentialOptions) throws -> RPCClient {
        let configured = configuration.rpc.password
        let password =
            credentials.passwordFile == nil && !configured.isEmpty
            ? configured
            : try credentials.password(environment: ProcessInfo.processInfo.environment)
        let way = try credentials.way(
            to: configuration.socketPath, configured: configuration.rpc.tls.authorities)
        return try RPCClient(
            socketPath: configuration.socketPath, user: credentials.user, password: password, secureWay: way)
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
