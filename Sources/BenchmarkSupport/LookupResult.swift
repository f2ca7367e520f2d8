internal import Foundation
internal import Histogram

/// One line of the report: how long look-ups took, and how many there were a second.
package struct LookupResult: Codable {
    package var part: String
    package var items: Int
    /// What was asked of whom, say `int8`, `reference`, `RECOMMEND`, `faiss IndexFlatIP`.
    package var name: String
    package var concurrency: Int
    /// Requests sent ahead on each connection.
    package var pipeline = 1
    /// Events learned a second meanwhile; 0 at rest.
    package var learning = 0
    package var perSecond: Double
    package var p50: Double
    package var p99: Double
    package var p999: Double
    /// p50 in that of RECOMMEND in the same run; of RECOMMEND itself while events are learned, p99 in that at rest.
    package var ratio: Double?

    package enum CodingKeys: String, CodingKey {
        case part, items, name, concurrency, pipeline, learning, ratio
        case perSecond = "lookups_per_second"
        case p50 = "p50_us"
        case p99 = "p99_us"
        case p999 = "p999_us"
    }

    package static let header =
        "part".padded(12) + "items".padded(9) + "what".padded(22) + "clients".padded(9) + "ahead".padded(7)
        + "learning".padded(10) + "look-ups/s".padded(12) + "p50 µs".padded(11) + "p99 µs".padded(11)
        + "p99.9 µs"

    package var line: String {
        func number(_ value: Double) -> String { String(format: value < 100 ? "%.1f" : "%.0f", value) }
        return part.padded(12) + String(items).padded(9) + name.padded(22) + String(concurrency).padded(9)
            + String(pipeline).padded(7) + String(learning).padded(10) + number(perSecond).padded(12)
            + number(p50).padded(11) + number(p99).padded(11) + number(p999)
    }
}

extension String {
    package func padded(_ width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}

/// Times in nanoseconds, up to a minute, to three digits.
package struct Latencies {
    private var histogram = Histogram<UInt64>(
        highestTrackableValue: 60_000_000_000, numberOfSignificantValueDigits: .three)
    package private(set) var count = 0

    package init() {}

    package mutating func record(_ duration: Duration, times: Int = 1) {
        let (seconds, attoseconds) = duration.components
        let nanoseconds = UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
        histogram.record(min(nanoseconds, 60_000_000_000), count: UInt64(times))
        count += times
    }

    package mutating func add(_ other: Latencies) {
        histogram.add(other.histogram)
        count += other.count
    }

    package func microseconds(_ percentile: Double) -> Double {
        Double(histogram.valueAtPercentile(percentile)) / 1e3
    }

    package func result(
        part: String, items: Int, name: String, concurrency: Int, pipeline: Int = 1, learning: Int = 0,
        seconds: Double
    ) -> LookupResult {
        LookupResult(
            part: part, items: items, name: name, concurrency: concurrency, pipeline: pipeline,
            learning: learning, perSecond: Double(count) / seconds, p50: microseconds(50),
            p99: microseconds(99), p999: microseconds(99.9))
    }
}
