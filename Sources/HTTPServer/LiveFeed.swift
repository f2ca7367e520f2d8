import Dispatch
import Engine
import Foundation
import Instruments
import Locking
import NIOCore

/// What the daemon tells of itself each second, worked out once for all who look on, and kept for as long as rates and
/// curves need.
///
/// A second's work is ten readings of STATUS and MODELS, some fifty microseconds each; with viewers one text more, which
/// all of them get.
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
        var source: Source?
        var ticks = 0
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

    private let registry: MetricsRegistry
    private let queue = DispatchQueue(label: "freshet.http.live", qos: .utility)
    private let state = Lock(State())
    // Unsafe only in name: Dispatch guards its sources, and this field is never changed.
    nonisolated(unsafe) private let timer: any DispatchSourceTimer

    init(registry: MetricsRegistry) {
        self.registry = registry
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
        state.withLock { ($0.source, $0.ticks) = (Source(service: service, others: others), 0) }
        queue.async { self.tick() }
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
    }

    private func tick() {
        let (source, isSample) = state.withLock { state in
            defer { state.ticks += 1 }
            return (state.source, state.ticks % Self.ticksPerSample == 0)
        }
        guard let source else { return }
        ThreadPriority.yieldToLookUps()
        let (status, models) = (source.service.status(), source.service.models())
        state.withLock {
            $0.curves.take(
                models, applied: Int64(status.number("events.applied") ?? 0),
                time: Int64(Date().timeIntervalSince1970 * 1000))
        }
        if isSample { tell(status + source.others(), models) }
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

extension [StatusField] {
    /// `nil` of a field that is not there, or is no number.
    func number(_ name: String) -> Double? {
        switch first(where: { $0.name == name })?.value {
        case .integer(let number): Double(number)
        case .double(let number): number.isFinite ? number : nil
        case .bool(let flag): flag ? 1 : 0
        case .text, nil: nil
        }
    }

    func text(_ name: String) -> String {
        if case .text(let text)? = first(where: { $0.name == name })?.value { text } else { "" }
    }
}
