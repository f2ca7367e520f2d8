internal import BenchmarkSupport
internal import Foundation

/// One line of the report, times in milliseconds.
struct FreshnessResult: Codable {
    /// `socket` or `kafka`.
    var way: String
    /// What was timed.
    var name: String
    /// Events learned a second meanwhile; 0 at rest.
    var learning: Int
    var count: Int
    var p50: Double
    var p99: Double
    var max: Double

    enum CodingKeys: String, CodingKey {
        case way, name, learning, count
        case p50 = "p50_ms"
        case p99 = "p99_ms"
        case max = "max_ms"
    }

    init(way: String, name: String, learning: Int, _ latencies: Latencies) {
        (self.way, self.name, self.learning, count) = (way, name, learning, latencies.count)
        (p50, p99) = (latencies.microseconds(50) / 1e3, latencies.microseconds(99) / 1e3)
        max = latencies.microseconds(100) / 1e3
    }

    init(way: String, learning: Int, _ result: LookupResult) {
        (self.way, name, self.learning) = (way, result.name, learning)
        count = Int(result.perSecond)
        (p50, p99, max) = (result.p50 / 1e3, result.p99 / 1e3, result.p999 / 1e3)
    }

    static let header =
        "way".padded(9) + "what".padded(34) + "learning/s".padded(12) + "p50 ms".padded(10)
        + "p99 ms".padded(10)
        + "max ms"

    var line: String {
        func number(_ value: Double) -> String { String(format: value < 10 ? "%.2f" : "%.1f", value) }
        return way.padded(9) + name.padded(34) + String(learning).padded(12) + number(p50).padded(10)
            + number(p99).padded(10) + number(max)
    }
}
