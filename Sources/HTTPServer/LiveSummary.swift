import Engine
import Foundation
import Instruments
import Vitals

/// What the last seconds come to.
struct LiveSummary {
    let samples: [LiveFeed.Sample]
    private let last: LiveFeed.Sample
    private let first: LiveFeed.Sample
    private let seconds: Double

    init(_ samples: [LiveFeed.Sample]) {
        self.samples = samples
        last = samples.last ?? LiveFeed.Sample()
        first = samples.first ?? last
        let (whole, attoseconds) = first.at.duration(to: last.at).components
        seconds = Double(whole) + Double(attoseconds) * 1e-18
    }

    /// Per second; `nil` before there are two samples.
    private func rate(_ name: String) -> Double? {
        guard seconds > 0, let before = first[name], let now = last[name] else { return nil }
        return (now - before) / seconds
    }

    private static func span(_ later: Distribution?, _ earlier: Distribution?) -> Distribution? {
        guard let later, let earlier else { return later }
        return later - earlier
    }

    private var lookups: Distribution? { Self.span(last.lookups, first.lookups) }
    /// Of the last seconds or, where nothing came, of all time: how fresh the newest event was.
    private var freshness: Distribution? {
        let recent = Self.span(last.freshness, first.freshness)
        return recent?.count ?? 0 > 0 ? recent : last.freshness
    }

    private var lagTrend: LagTrend {
        LagTrend(
            samples.compactMap { sample in
                sample["lag.total"].map {
                    LagTrend.Moment(seconds: first.at.duration(to: sample.at) / .seconds(1), lag: $0)
                }
            })
    }

    var health: Health {
        Health(
            status: last.status, models: last.models, eventsPerSecond: rate("events.applied"),
            trend: lagTrend, freshness: freshness?.quantile(0.5),
            slowest: freshness?.quantile(0.99))
    }

    var json: JSON {
        let (lookups, freshness, health) = (lookups, freshness, health)
        return .object([
            ("time", .integer(Int64(Date().timeIntervalSince1970 * 1000))),
            ("events-per-s", .optional(rate("events.applied"), JSON.double)),
            (
                "lookups-per-s",
                seconds > 0 ? .double(Double(lookups?.count ?? 0) / seconds) : .null
            ),
            ("lookup-p50-s", .optional(lookups?.quantile(0.5), JSON.double)),
            ("lookup-p99-s", .optional(lookups?.quantile(0.99), JSON.double)),
            ("freshness-p50-s", .optional(freshness?.quantile(0.5), JSON.double)),
            ("freshness-p99-s", .optional(freshness?.quantile(0.99), JSON.double)),
            (
                "health",
                .object([("state", .string(health.state.rawValue)), ("words", .string(health.words))])
            ), ("status", .object(AnswerJSON.fields(last.status))),
            ("models", AnswerJSON.models(last.models)),
        ])
    }
}
