import EventLog
import Foundation

/// The key `source.kafka.start`.
enum StartTime {
    static let allowed = "earliest, latest, milliseconds since 1970, or a time like 2026-01-31T12:00:00Z"

    static let parse: @Sendable (String) -> ConsumerOptions.Start? = { text in
        switch text {
        case "earliest": return .earliest
        case "latest": return .latest
        default:
            if let milliseconds = Int64(text) { return milliseconds >= 0 ? .time(milliseconds) : nil }
            return date(text).map { .time(Int64(($0.timeIntervalSince1970 * 1_000).rounded())) }
        }
    }

    static let text: @Sendable (ConsumerOptions.Start) -> String = { start in
        switch start {
        case .earliest: "earliest"
        case .latest: "latest"
        case .time(let milliseconds): String(milliseconds)
        }
    }

    /// RFC 3339, with or without a fraction of a second; `nil` before 1970.
    private static func date(_ text: String) -> Date? {
        let styles = [Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true)]
        let date = styles.lazy.compactMap { try? $0.parse(text) }.first
        return date.flatMap { $0.timeIntervalSince1970 >= 0 ? $0 : nil }
    }
}
