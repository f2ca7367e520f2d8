// HTTPServer: what is asked over HTTP, and the dashboard.
//
// Here live the listeners, the table of routes with the OpenAPI document drawn from it, answers and problems as JSON,
// metrics as Prometheus has them, health in words, the stream that the page follows, and the page itself. Requests come
// in; what stands behind them is a service that is asked and fed (`LookupService`), the same as the RPC's. What never
// comes in: how an answer is found, and the configuration file.

package import ClusterMembers
package import Commands
public import Engine
import HummingbirdCore
public import Instruments
import Locking
public import Logging
import NIOCore
import NIOPosix
package import RPC

/// Serves look-ups, events, metrics and the dashboard over HTTP.
///
/// Listens before there is anything to serve, so that whoever watches the daemon sees it restore its state. Starts once and
/// shuts down once.
public final class HTTPServer: Sendable {
    private struct Running {
        var listeners: [Listener]
        var work: Task<Void, Never>
        let eventLoops: MultiThreadedEventLoopGroup
    }

    private let options: HTTPServerOptions
    private let environment: HTTPEnvironment
    private let logger: Logger
    private let running = Lock<Running?>(nil)
    private let prepared = Lock<MultiThreadedEventLoopGroup?>(nil)

    /// - Parameter registry: what `/metrics` shows beside STATUS.
    public init(options: HTTPServerOptions, registry: MetricsRegistry, logger: Logger) {
        self.options = options
        self.logger = logger
        environment = HTTPEnvironment(options: options, registry: registry, logger: logger)
        registry.describe(
            "freshet_lookup_seconds", "What look-ups took, by command; waiting for AFTER not counted.")
        registry.describe("freshet_lookup_failures_total", "Look-ups that ended in an error, by command.")
        registry.describe("freshet_batch_events", "Events learned together.")
        registry.describe(
            "freshet_freshness_seconds",
            "From an event's coming into the log to its being seen by look-ups; the oldest of each publication."
        )
        registry.describe("freshet_http_requests_total", "Requests, by route and status.")
    }

    /// Where a browser finds the dashboard; `nil` where TCP is off.
    public var address: String? {
        running.withLock { $0?.listeners.compactMap(\.address).first.map { "\(options.scheme)://\($0)" } }
    }

    /// Makes the threads that answer before the start: they begin with the priority of the thread that calls this.
    public func prepareThreads() {
        let threads = Self.newThreads()
        prepared.withLock { $0 = threads }
    }

    private static func newThreads() -> MultiThreadedEventLoopGroup {
        MultiThreadedEventLoopGroup(numberOfThreads: 2)
    }

    /// Listens wherever it was told to; returns once it does. To all but `/healthz`, `/readyz`, `/metrics` and the page it
    /// answers that the state is being restored.
    public func start() async throws(HTTPServerError) {
        let eventLoops = prepared.withLock { $0.take() } ?? Self.newThreads()
        var listeners: [Listener] = []
        do throws(HTTPServerError) {
            listeners += try await Listener.tcp(options.listen, on: eventLoops, environment)
            if let path = options.socketPath {
                listeners.append(try await Listener.unix(path, on: eventLoops, environment))
            }
        } catch {
            for listener in listeners { await listener.close() }
            try? await eventLoops.shutdownGracefully()
            throw error
        }
        let work = Task { [listeners] in
            await withDiscardingTaskGroup { group in
                for listener in listeners { group.addTask { await listener.serve() } }
            }
        }
        running.withLock { $0 = Running(listeners: listeners, work: work, eventLoops: eventLoops) }
        tell(listeners)
    }

    private func tell(_ listeners: [Listener]) {
        for listener in listeners {
            logger.notice("HTTP listens", metadata: ["address": "\(listener.name)"])
        }
        guard case .address(let host, _) = options.listen, environment.letsInWithoutName,
            !["127.0.0.1", "::1", "localhost"].contains(host)
        else { return }
        logger.warning(
            "whoever can reach this address can read and feed: set http.token or access.default-role, or listen on 127.0.0.1",
            metadata: ["http.listen": "\(host)"])
    }

    /// The state is restored: answers from here on.
    public func serve(_ service: any LookupService) { environment.enter(.serving(service)) }

    /// The same of a daemon that is one of several. After the start.
    ///
    /// - Parameter peers: by whom those who have a user are asked; `nil` sends clients there.
    package func serve(
        _ service: any LookupService, beside directory: any ClusterDirectory, asking peers: PeerAsker?
    ) {
        environment.elsewhere = running.withLock { $0?.eventLoops }.map {
            Elsewhere(directory: directory, peers: peers, eventLoops: $0)
        }
        serve(service)
    }

    /// For other daemons, whose clients ask over HTTP for this one's users.
    package var lookups: any WebLookups { AnswersForOthers(environment: environment) }

    /// Accepts nobody more, answers what is under way, ends streams, and closes.
    ///
    /// - Parameter grace: how long to wait for answers under way and for clients to take them.
    public func shutdown(grace: Duration) async {
        environment.enter(.stopping)
        guard let running = running.withLock({ $0.take() }) else { return }
        for listener in running.listeners { await listener.close() }
        environment.connections.quiesce()
        let cutOff = Task { [environment] in
            guard (try? await Task.sleep(for: grace)) != nil else { return }
            environment.connections.closeAll()
        }
        await running.work.value
        cutOff.cancel()
        await environment.stopThreads()
        try? await running.eventLoops.shutdownGracefully()
        logger.info("HTTP stopped")
    }
}
