import Engine
import Vitals

/// The newest samples, and what they come to.
package struct WatchedCourse: Sendable {
    /// As many as a line has columns for.
    private static let samplesMax = 120
    /// Over which rates are taken.
    private static let rateSamples = 5

    package private(set) var samples: [WatchedSample] = []

    package init() {}

    package mutating func add(_ sample: WatchedSample) {
        // Another process begins to count anew.
        if samples.last?["server.pid"] != sample["server.pid"] { samples = [] }
        samples = (samples + [sample]).suffix(Self.samplesMax)
    }

    package var last: WatchedSample? { samples.last }

    /// Per second, of the newest samples; `nil` before there are two.
    package func rate(_ name: String) -> Double? {
        Self.rate(name, samples.suffix(Self.rateSamples))
    }

    private static func rate(_ name: String, _ samples: some Collection<WatchedSample>) -> Double? {
        let list = Array(samples)
        guard let first = list.first, let last = list.last, let before = first[name], let now = last[name]
        else {
            return nil
        }
        let seconds = first.at.duration(to: last.at) / .seconds(1)
        return seconds > 0 ? (now - before) / seconds : nil
    }

    /// Per second between each two samples, oldest first.
    package func rates(_ name: String) -> [Double] {
        zip(samples, samples.dropFirst()).compactMap { Self.rate(name, [$0, $1]).map { max(0, $0) } }
    }

    /// A field's value in each sample, oldest first.
    package func values(_ name: String) -> [Double] { samples.compactMap { $0[name] } }

    /// How the daemon is, as the dashboard has it.
    package var health: (state: String, words: String) {
        guard let last else { return ("busy", "Asking the daemon…") }
        let lags = samples.compactMap { sample in
            sample["lag.total"].map {
                LagTrend.Moment(seconds: samples[0].at.duration(to: sample.at) / .seconds(1), lag: $0)
            }
        }
        let health = Health(
            status: last.status, models: last.models, eventsPerSecond: rate("events.applied"),
            trend: LagTrend(lags), freshness: nil)
        return (health.state.rawValue, health.words)
    }
}
