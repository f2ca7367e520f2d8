import Engine
import HTTPTypes
import Instruments
import Locking
import Logging
import LookUps
import NIOCore
import NIOPosix
import Synchronization
import TransportSecurity
import Vitals

/// What requests stand on; shared by all connections of a server.
final class HTTPEnvironment: Sendable {
    /// How far the daemon is.
    enum Stage: Sendable {
        case restoring
        case serving(any LookupService)
        case stopping
    }

    /// Look-ups that wait or run; past it one is told to come again.
    private static let lookupsMax = 256

    let options: HTTPServerOptions
    let registry: MetricsRegistry
    let connections: ConnectionLimits
    let live: LiveFeed
    let maps = MapCache()
    let logger: Logger
    private let stage = Lock(Stage.restoring)
    private let group = Lock<Elsewhere?>(nil)
    private let forwarded = Atomic<Int64>(0)
    private let threads: NIOThreadPool
    private let lookups = Atomic<Int>(0)

    init(options: HTTPServerOptions, registry: MetricsRegistry, logger: Logger) {
        self.options = options
        self.registry = registry
        self.logger = logger
        connections = ConnectionLimits(connectionsMax: options.connectionsMax)
        threads = NIOThreadPool(numberOfThreads: options.lookupThreads)
        threads.start()
        live = LiveFeed(
            registry: registry, file: options.curvesPath.map(CurveFile.init(path:)), logger: logger)
    }

    var current: Stage { stage.withLock { $0 } }

    /// Users of other daemons; `nil` of a daemon alone.
    var elsewhere: Elsewhere? {
        get { group.withLock { $0 } }
        set { group.withLock { $0 = newValue } }
    }

    func countForwarded() { forwarded.add(1, ordering: .relaxed) }

    func enter(_ next: Stage) {
        stage.withLock { $0 = next }
        if case .serving(let service) = next {
            live.start(service) { [weak self] in self.map { $0.options.otherStatus() + $0.ownStatus } ?? [] }
        }
        if case .stopping = next { live.stop() }
    }

    func service() throws(Problem) -> any LookupService {
        switch current {
        case .serving(let service): return service
        case .restoring:
            var problem = Problem(.serviceUnavailable, "LOADING", "the state is being restored")
            problem.headers[.retryAfter] = "1"
            throw problem
        case .stopping: throw Problem(.serviceUnavailable, "UNAVAILABLE", "freshet is shutting down")
        }
    }

    /// Runs work that takes a processor, where nobody but other such work waits for it.
    func onThreads<Answer: Sendable>(_ body: @escaping @Sendable () throws -> Answer) async throws -> Answer {
        guard lookups.add(1, ordering: .relaxed).newValue <= Self.lookupsMax else {
            lookups.subtract(1, ordering: .relaxed)
            throw Problem(
                LookupError(
                    .overloaded, "\(Self.lookupsMax) look-ups are under way; ask again in a moment"))
        }
        defer { lookups.subtract(1, ordering: .relaxed) }
        return try await threads.runIfActive(body)
    }

    func stopThreads() async { try? await threads.shutdownGracefully() }

    /// As STATUS has those of the RPC.
    var ownStatus: [StatusField] {
        let counts = connections.counts
        let own = [
            StatusField("http.connections", .integer(Int64(counts.open))),
            StatusField("http.connections.max", .integer(Int64(options.connectionsMax))),
            StatusField("http.connections.accepted", .integer(Int64(counts.accepted))),
            StatusField("http.connections.rejected", .integer(Int64(counts.rejected))),
            StatusField("http.connections.cut-off", .integer(Int64(counts.cutOff))),
            StatusField("http.viewers", .integer(Int64(live.viewers))),
            StatusField("http.forwarded", .integer(forwarded.load(ordering: .relaxed))),
        ]
        guard let security = options.security else { return own }
        return own + [StatusField("http.tls.ends-at", .integer(security.endsAt))]
    }

    /// All that is known of the daemon.
    func status(_ service: any LookupService) -> [StatusField] {
        service.status() + options.otherStatus() + ownStatus
    }
}
