import Foundation
import Logging
import Settings
import TransportSecurity

/// What seals the daemon's connections over TCP.
struct DaemonSecurity {
    let rpc: ServerSecurity?
    let http: ServerSecurity?
    /// For what this daemon asks of others of its group.
    let peers: ClientSecurity?
    private let logger: Logger

    /// - Throws: `AccessConfigurationError` where a file is not as it has to be.
    init(_ configuration: Configuration, logger: Logger) throws {
        self.logger = logger
        rpc = try configuration.rpcSecurity()
        http = try configuration.httpSecurity()
        peers = configuration.cluster.enabled ? try configuration.peerSecurity() : nil
        tellEnds()
    }

    private var servers: [(section: String, server: ServerSecurity)] {
        [("rpc.tls", rpc), ("http.tls", http)].compactMap { section, server in server.map { (section, $0) } }
    }

    /// Certificates that were made anew; those of connections that are open stay.
    ///
    /// - Returns: shows them to whoever comes from then on.
    /// - Throws: where one is not as it has to be; then nothing has changed.
    func readAgain() throws -> () -> Void {
        let read = try servers.map { ($0.server, try $0.server.readAgain()) }
        return {
            for (server, material) in read { server.show(material) }
            tellEnds()
        }
    }

    private func tellEnds() {
        for (section, server) in servers {
            logger.log(
                level: server.endsSoon ? .warning : .info, "TLS certificate",
                metadata: ["section": "\(section)", "ends": "\(server.ends.formatted(.iso8601))"])
        }
    }
}
