internal import Foundation

/// What was measured of one second.
package struct SoakSample: Sendable, Equatable {
    package enum Phase: String, Sendable {
        /// Users come, the daemon is killed at intervals.
        case growing
        /// All users are there, nobody disturbs the daemon.
        case steady
        /// The same, and killed at intervals.
        case killed
    }

    /// Since the beginning.
    package var seconds = 0.0
    package var phase = Phase.growing
    /// Learned.
    package var events = 0
    /// Events of the log that are not learned.
    package var lag = 0
    package var users = 0
    package var residentBytes: Int64 = 0
    package var files = SoakFiles()
    /// Answered since the last sample, and what they took in microseconds; 0 without any.
    package var lookups = 0
    package var median = 0.0
    package var high = 0.0
    /// Of the daemon so far.
    package var starts = 1

    package init() {}

    mutating func take(lookups times: [Double]) {
        let sorted = times.sorted()
        lookups = sorted.count
        guard !sorted.isEmpty else { return }
        median = sorted[sorted.count / 2]
        high = sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
    }

    private static func mebibytes(_ bytes: Int64) -> String {
        String(format: "%.2f", Double(bytes) / 1_048_576)
    }

    package static let header =
        "seconds,phase,events,lag,users,rss_mib,state_mib,state_wal_mib,log_mib,log_wal_mib,generations_mib,"
        + "lookups,lookup_p50_us,lookup_p99_us,starts"

    /// A line of the CSV file.
    package var line: String {
        let sizes = [residentBytes] + SoakFiles.all.map { files[keyPath: $0.path] }
        return
            ([String(format: "%.1f", seconds), phase.rawValue, "\(events)", "\(lag)", "\(users)"]
            + sizes.map(Self.mebibytes)
            + ["\(lookups)", String(format: "%.0f", median), String(format: "%.0f", high), "\(starts)"])
            .joined(separator: ",")
    }
}
