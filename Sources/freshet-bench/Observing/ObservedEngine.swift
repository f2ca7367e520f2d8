internal import BenchmarkSupport
internal import Checkpoints
internal import CoreMetrics
internal import Engine
internal import EventLog
internal import Events
internal import Foundation
internal import HTTPServer
internal import Instruments
internal import InventedWorlds
internal import Logging
internal import State

/// An engine in this process, with the dashboard's server beside it or without.
final class ObservedEngine {
    let engine: Engine
    private let server: HTTPServer?
    private let logger = Logger(label: "freshet-bench", factory: { _ in SwiftLogNoOpLogHandler() })

    /// - Parameter isObserved: whether it is measured, and served over HTTP.
    init(_ file: StateFile, _ log: any EventLog, isObserved: Bool) async throws {
        let registry = MetricsRegistry()
        let metrics: any MetricsFactory = isObserved ? registry : NOOPMetricsHandler.instance
        engine = try Engine(options: EngineOptions(), file: file, log: log, logger: logger, metrics: metrics)
        guard isObserved else {
            server = nil
            return
        }
        var options = HTTPServerOptions()
        options.listen = .address(host: "127.0.0.1", port: 0)
        let server = HTTPServer(options: options, registry: registry, logger: logger)
        try await server.start()
        server.serve(MeasuredLookups(engine, metrics: registry))
        self.server = server
    }

    var site: PlainHTTP {
        get throws { try PlainHTTP(server?.address ?? "") }
    }

    func stop() async throws {
        await server?.shutdown(grace: .zero)
        try engine.stop()
    }

    /// Events of a world, as a log has them.
    static func records(events: Int) throws -> [[UInt8]] {
        var world = try InventedWorld(InventedWorld.Options(users: 6_000, items: 4_000, events: events))
        var records: [[UInt8]] = []
        while let event = try world.next() {
            records.append(EventEncoder.encode(event, options: EventOptions()))
        }
        return records
    }

    static func identity(source: String) -> StateIdentity {
        let options = StateOptions()
        let models = options.models.map { ($0.name, $0.learnerName) }
        return StateIdentity(
            factors: options.factors, models: Dictionary(uniqueKeysWithValues: models), source: source)
    }
}
