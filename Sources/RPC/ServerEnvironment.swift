import Commands
import Engine

/// What connections stand on; shared by all of a server.
struct ServerEnvironment: Sendable {
    let options: RPCServerOptions
    let registry: ConnectionRegistry
    /// What commands see of all this.
    let commands: CommandEnvironment
}

extension ServerEnvironment {
    init(service: any LookupService, options: RPCServerOptions) {
        let registry = ConnectionRegistry(
            connectionsMax: options.connectionsMax, total: MemoryTotal(bytesMax: options.totalBytesMax))
        self.init(
            options: options, registry: registry,
            commands: CommandEnvironment(service: service, settings: options, clients: registry))
    }
}
