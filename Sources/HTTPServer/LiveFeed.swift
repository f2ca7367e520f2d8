import Dispatch
import Engine
import Foundation
import Instruments
import Locking
import Logging
import NIOCore
import Vitals

/// What the daemon tells of itself each second, worked out once for all who look on, and kept for as long as rates and
/// curves need.
///
/// A second's work is one reading of STATUS and, while events are learned, ten of MODELS; with viewers one text more, which all
/// of them get.
final class LiveFeed: Sendable {
    /// Of a second.
    struct Sample: Sendable {
        var at = ContinuousClock.now
        var status: [StatusField] = []
        var models: [ModelStatus] = []
        var lookups: Distribution?
        var freshness: Distribution?

        subscript(_ name: String) -> Double? { status.number(name) }
    }

    typealias Viewers = [Int: AsyncStream<ByteBuffer>.Continuation]

    private struct State {
        /// The newest last.
        var samples: [Sample] = []
        var viewers: Viewers = [:]
        var nextViewer = 0
        var isStopped = false
        var curves = ScoreCurves()
        /// As the file has them.
        var kept = ScoreCurves()
        var cannotKeep = false
        var source: Source?
        var ticks = 0
        /// Events learned when the scores were last looked at.
        var applied: Int64?
    }

    private struct Source: Sendable {
        var service: any LookupService
        /// What STATUS has beside the engine's.
        var others: @Sendable () -> [StatusField]
    }

    /// Seconds that rates are taken over.
    private static let window = 10
    /// Between two looks at the scores: a backlog of a hundred thousand events is learned within a second.
    private static let tick = DispatchTimeInterval.milliseconds(100)
    private static let ticksPerSample = 10
    /// Between two times that the curves are put into their file: what a kill loses of them.
    private static let ticksPerSave = 300

    private let registry: MetricsRegistry
    private let file: CurveFile?
    private let logger: Logger
    private let queue = DispatchQueue(label: "freshet.http.live", qos: .utility)
    private let state = Lock(State())
    // Unsafe only in name: Dispatch guards its sources, and this field is never changed.
    nonisolated(unsafe) private let timer: any DispatchSourceTimer

    /// - Parameter file: where the curves are kept over restarts; `nil` where nowhere.
    init(registry: MetricsRegistry, file: CurveFile?, logger: Logger) {
        (self.registry, self.file, self.logger) = (registry, file, logger)
        timer = DispatchSource.makeTimerSource(queue: queue)
        timer.schedule(deadline: .now(), repeating: Self.tick, leeway: .milliseconds(20))
        timer.setEventHandler { [weak self] in self?.tick() }
        timer.activate()
    }

    deinit { timer.cancel() }

    var viewers: Int { state.withLock { $0.viewers.count } }
    var curves: ScoreCurves { state.withLock { $0.curves } }

    /// - Parameter others: what STATUS has beside the engine's.
    func start(_ service: any LookupService, _ others: @escaping @Sendable () -> [StatusField]) {
        queue.async { [self] in
            // What a kill has taken back is learned anew, and drawn anew.
            let kept = file?.load(until: service.eventsApplied) ?? ScoreCurves()
            state.withLock { state in
                guard !state.isStopped else { return }
                (state.source, state.ticks, state.applied) = (
                    Source(service: service, others: others), 0, nil
                )
                (state.curves, state.kept) = (kept, kept)
            }
            tick()
        }
    }

    /// On the queue.
    private func save() {
        guard let file else { return }
        let curves = state.withLock { $0.curves == $0.kept ? nil : $0.curves }
        guard let curves else { return }
        do {
            try file.save(curves)
            state.withLock { ($0.kept, $0.cannotKeep) = (curves, false) }
        } catch {
            let isNews = state.withLock { state in
                defer { state.cannotKeep = true }
                return !state.cannotKeep
            }
            guard isNews else { return }
            logger.warning(
                "the dashboard's curves are not kept over a restart",
                metadata: ["path": "\(file.path)", "error": "\(error.localizedDescription)"])
        }
    }

    /// Ends all streams.
    func stop() {
        let viewers = state.withLock { state in
            (state.isStopped, state.source) = (true, nil)
            defer { state.viewers = [:] }
            return state.viewers
        }
        timer.cancel()
        for viewer in viewers.values { viewer.finish() }
        queue.sync { save() }
    }

    private func tick() {
        let (source, isSample, saves) = state.withLock { state in
            defer { state.ticks += 1 }
            let ticks = state.ticks
            return (
                state.source, ticks % Self.ticksPerSample == 0,
                ticks % Self.ticksPerSave == Self.ticksPerSave - 1
            )
        }
        guard let source else { return }
        ThreadPriority.yieldToLookUps()
        let applied = source.service.eventsApplied
        // Where nothing was learned nothing has changed: a daemon at rest costs next to nothing.
        if isSample || state.withLock({ $0.applied != applied }) {
            let models = source.service.models()
            state.withLock {
                $0.applied = applied
                $0.curves.take(
                    models, applied: applied, time: Int64(Date().timeIntervalSince1970 * 1000))
            }
            if isSample { tell(source.service.status() + source.others(), models) }
        }
        if saves { save() }
    }

    private func tell(_ status: [StatusField], _ models: [ModelStatus]) {
        let sample = Sample(
            status: status, models: models, lookups: registry.distribution("freshet_lookup_seconds"),
            freshness: registry.distribution("freshet_freshness_seconds"))
        let (samples, viewers) = state.withLock { state in
            state.samples = state.samples.suffix(Self.window) + [sample]
            return (state.samples, state.viewers)
        }
        guard !viewers.isEmpty else { return }
        let event = Self.event(of: samples)
        for viewer in viewers.values { viewer.yield(event) }
    }

    /// Events of the stream, beginning with what is known already; `nil` where too many look on.
    ///
    /// Who is slow misses seconds, and gets the newest.
    func follow(viewersMax: Int) -> AsyncStream<ByteBuffer>? {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ByteBuffer.self, bufferingPolicy: .bufferingNewest(2))
        let samples = state.withLock { state -> [Sample]? in
            guard state.viewers.count < viewersMax, !state.isStopped else { return nil }
            let number = state.nextViewer
            state.nextViewer += 1
            state.viewers[number] = continuation
            continuation.onTermination = { [weak self] _ in self?.leave(number) }
            return state.samples
        }
        guard let samples else { return nil }
        if !samples.isEmpty { continuation.yield(Self.event(of: samples)) }
        return stream
    }

    private func leave(_ number: Int) { state.withLock { $0.viewers[number] = nil } }

    /// One of the stream (HTML, section 9.2).
    private static func event(of samples: [Sample]) -> ByteBuffer {
        var event = ByteBuffer(string: "data: ")
        event.writeImmutableBuffer(LiveSummary(samples).json.buffer)
        event.writeString("\n\n")
        return event
    }
}
