package import Access
package import ClusterMembers
package import Engine
package import Events
package import RESP

/// What commands stand on; shared by all connections of a server.
package struct CommandEnvironment: Sendable {
    package let service: any LookupService
    package var settings: any ServerSettings
    let clients: any ConnectedClients
    package let counters: CommandCounters
    package let table: CommandTable
    /// Who has which users; `nil` of a daemon alone.
    let cluster: (any ClusterDirectory)?
    let startedAt = ContinuousClock.now

    /// - Parameters:
    ///   - service: the engine that is asked and fed.
    ///   - settings: of the server whose commands these are.
    ///   - clients: its connections.
    package init(
        service: any LookupService, settings: any ServerSettings, clients: any ConnectedClients,
        counters: CommandCounters = CommandCounters(), table: CommandTable = .standard
    ) {
        self.service = service
        self.settings = settings
        cluster = settings.cluster
        self.clients = clients
        self.counters = counters
        self.table = table
    }

    var access: AccessControl { settings.access }
}

/// What commands go by, or show, of how their server was set up.
package protocol ServerSettings: Sendable {
    var socketPath: String { get }
    /// Who may come in, and how much they may ask.
    var access: AccessControl { get }
    /// How times of events are read, and what bounds they have.
    var events: EventOptions { get }
    /// What `HELLO` and `INFO` say of this program.
    var version: String { get }

    // For CONFIG GET and STATUS.
    var limits: RequestLimits { get }
    var idleTimeout: Duration { get }
    /// Bytes that may be held for one client.
    var clientBytesMax: Int { get }
    /// When the certificate that is shown now ends, in seconds since 1970; `nil` where none is.
    var certificateEndsAt: Int64? { get }

    /// Who has which users; `nil` of a daemon alone.
    var cluster: (any ClusterDirectory)? { get }
    /// Whether what others have is asked of them, rather than the client sent there.
    var forwards: Bool { get }
    /// What is asked over HTTP, for the others; `nil` where that is nothing.
    var web: (any WebLookups)? { get }
}

extension ServerSettings {
    package var certificateEndsAt: Int64? { nil }
    package var cluster: (any ClusterDirectory)? { nil }
    package var forwards: Bool { false }
    package var web: (any WebLookups)? { nil }
}

/// Look-ups as they are asked over HTTP, answered for another daemon, whose clients ask it.
package protocol WebLookups: Sendable {
    /// Answers status and body, whatever is wrong; but that the user is elsewhere by now is thrown (`.moved`).
    ///
    /// - Parameter target: path and query of a `GET`.
    func lookup(_ target: String) -> Lookup
}

/// The connections of a server, as far as one client's command may ask after the others. Any thread.
package protocol ConnectedClients: Sendable {
    /// All of them as they last described themselves, and the bytes held for each; in the order in which they came.
    var all: [(session: Session, heldBytes: Int)] { get }
    var counts: ConnectionCounts { get }
    /// Bytes held for all of them.
    var heldBytes: Int { get }
    /// Bytes that may be held for all of them.
    var heldBytesMax: Int { get }

    /// Keeps what others see of a connection up to date.
    func update(_ session: Session)

    /// Closes connections without their clients' doing.
    ///
    /// - Returns: the ids of those closed.
    func close(where isWanted: (Session) -> Bool) -> [UInt64]
}

/// How many connections a server has, and has had since its start.
package struct ConnectionCounts: Sendable {
    package var open: Int64
    /// How many may be open.
    package var max: Int64
    package var accepted: Int64
    package var rejected: Int64

    package init(open: Int64, max: Int64, accepted: Int64, rejected: Int64) {
        self.open = open
        self.max = max
        self.accepted = accepted
        self.rejected = rejected
    }
}
