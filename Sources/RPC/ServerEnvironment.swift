import Commands
import Engine

/// What connections stand on; shared by all of a server.
struct ServerEnvironment: Sendable {
    private(set) var options: RPCServerOptions
    let registry: ConnectionRegistry
    /// What commands see of all this.
    private(set) var commands: CommandEnvironment
    /// Connections to other daemons of the group.
    let peers: PeerLinkTable
}

extension ServerEnvironment {
    init(service: any LookupService, options: RPCServerOptions) {
        let registry = ConnectionRegistry(
            connectionsMax: options.connectionsMax, total: MemoryTotal(bytesMax: options.totalBytesMax))
        self.init(
            options: options, registry: registry,
            commands: CommandEnvironment(service: service, settings: options, clients: registry),
            peers: PeerLinkTable(options.peerCredentials, options.peerSecurity))
    }

    /// Takes over what may change while the server runs.
    mutating func change(to new: RPCServerOptions) {
        options.connectionsMax = new.connectionsMax
        options.limits = new.limits
        options.idleTimeout = new.idleTimeout
        options.clientBytesMax = new.clientBytesMax
        options.totalBytesMax = new.totalBytesMax
        options.answerTimeout = new.answerTimeout
        commands.settings = options
    }
}
