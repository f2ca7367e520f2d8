// Instruments: what counts and measures, and how it is written down for Prometheus.
//
// Here live the registry behind swift-metrics (counters, gauges, histograms with fixed bounds) and the writer of
// Prometheus's text. Whoever counts something asks swift-metrics for a counter and never sees this room; whoever serves
// `/metrics` asks the registry for its text. What never comes in: what is counted, and where the text goes.

public import CoreMetrics
internal import Locking

/// Counters, gauges and histograms by label and dimensions: the back end of swift-metrics, without a global.
///
/// Labels are Prometheus's names, whole: `freshet_lookup_seconds`. A label says by its end what it is measured in, and so
/// which bounds its histogram has: `_seconds`, or anything else for numbers of things. To count takes an atomic addition.
public final class MetricsRegistry: MetricsFactory {
    private struct Key: Hashable {
        var label: String
        /// In the order given, which is the order of the declaration and so always the same.
        var dimensions: [String]

        init(_ label: String, _ dimensions: [(String, String)]) {
            self.label = label
            self.dimensions = dimensions.flatMap { [$0.0, $0.1] }
        }
    }

    private struct Entries {
        var counters: [Key: CountingHandler] = [:]
        var gauges: [Key: GaugeHandler] = [:]
        var histograms: [Key: HistogramHandler] = [:]
        var helps: [String: String] = [:]
    }

    private let entries = Lock(Entries())

    public init() {}

    /// Says what a label counts; without it the text has no help line.
    public func describe(_ label: String, _ help: String) { entries.withLock { $0.helps[label] = help } }

    // MARK: - For swift-metrics

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        counter(label, dimensions)
    }

    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        counter(label, dimensions)
    }

    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        if aggregate { histogram(label, dimensions) } else { gauge(label, dimensions) }
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gauge(label, dimensions)
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogram(label, dimensions)
    }

    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}

    private func counter(_ label: String, _ dimensions: [(String, String)]) -> CountingHandler {
        entries.withLock { $0.counters.value(of: Key(label, dimensions)) { CountingHandler() } }
    }

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeHandler {
        entries.withLock { $0.gauges.value(of: Key(label, dimensions)) { GaugeHandler() } }
    }

    private func histogram(_ label: String, _ dimensions: [(String, String)]) -> HistogramHandler {
        entries.withLock { entries in
            entries.histograms.value(of: Key(label, dimensions)) {
                HistogramHandler(bounds: label.hasSuffix("_seconds") ? .seconds : .counts)
            }
        }
    }

    // MARK: - For who reads

    /// What a histogram holds now, of all its dimensions together where `dimension` is `nil`.
    ///
    /// - Parameter dimension: the value of the first dimension.
    public func distribution(_ label: String, dimension: String? = nil) -> Distribution? {
        let found = entries.withLock { entries in
            entries.histograms.filter {
                $0.key.label == label
                    && (dimension == nil || $0.key.dimensions.dropFirst().first == dimension)
            }.map(\.value)
        }
        guard let first = found.first else { return nil }
        return found.dropFirst().reduce(first.distribution) { $0 + $1.distribution }
    }

    /// All of it, families and their samples in alphabetical order.
    public func write(to text: inout PrometheusText) {
        let (counters, gauges, histograms, helps) = entries.withLock {
            ($0.counters, $0.gauges, $0.histograms, $0.helps)
        }
        var samples: [String: [(labels: [(String, String)], value: PrometheusText.Value)]] = [:]
        func add(_ key: Key, _ value: PrometheusText.Value) {
            let pairs = stride(from: 0, to: key.dimensions.count, by: 2).map {
                (key.dimensions[$0], key.dimensions[$0 + 1])
            }
            samples[key.label, default: []].append((pairs, value))
        }
        for (key, handler) in counters { add(key, .counter(handler.value)) }
        for (key, handler) in gauges { add(key, .gauge(handler.value)) }
        for (key, handler) in histograms { add(key, .histogram(handler.distribution)) }
        for (label, found) in samples.sorted(by: { $0.key < $1.key }) {
            let ordered = found.sorted { $0.labels.map(\.1).lexicographicallyPrecedes($1.labels.map(\.1)) }
            text.family(label, help: helps[label] ?? "", ordered)
        }
    }
}

extension Dictionary {
    /// The value, made where there is none yet.
    fileprivate mutating func value(of key: Key, _ make: () -> Value) -> Value {
        if let value = self[key] { return value }
        let value = make()
        self[key] = value
        return value
    }
}
