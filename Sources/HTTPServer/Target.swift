import Foundation
import HTTPTypes

/// What a request names: path, query, host.
enum Target {
    /// Room for ids of 256 bytes by the dozen, each byte of them in three.
    private static let bytesMax = 200 << 10

    /// The parts of the path between its slashes, and the pairs of the query; decoded, after they were parted.
    static func parts(_ target: String) throws(Problem) -> (path: [String], query: [(String, String)]) {
        guard target.utf8.count <= bytesMax else {
            throw Problem(.uriTooLong, "ERR", "a path has at most \(bytesMax) bytes; use POST for long lists")
        }
        let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var path: [String] = []
        for part in halves[0].split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            path.append(try decoded(part))
        }
        var query: [(String, String)] = []
        for pair in (halves.count > 1 ? halves[1] : "").split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = sides.count > 1 ? sides[1] : ""
            query.append(
                (try decoded(sides[0]), try decoded(Substring(value.replacing("+", with: "%20")))))
        }
        return (path, query)
    }

    private static func decoded(_ text: Substring) throws(Problem) -> String {
        guard let decoded = String(text).removingPercentEncoding else {
            throw .invalid("'\(text.prefix(64))' is not percent-encoded UTF-8")
        }
        return decoded
    }

    /// Whether a host is an address, or a name that nobody can register.
    static func isPrivate(_ authority: String) -> Bool {
        var host = authority[...]
        if host.hasPrefix("[") { return true }
        if let colon = host.lastIndex(of: ":") { host = host[..<colon] }
        let parts = host.lowercased().split(separator: ".", omittingEmptySubsequences: false)
        if parts.count == 4, parts.allSatisfy({ UInt8($0) != nil }) { return true }
        // One word is a name of this machine's network; of the others, those that are never handed out.
        return parts.count == 1
            || ["localhost", "local", "internal", "test"].contains(parts.last.map(String.init))
    }
}

/// The time of day as HTTP has it.
enum HTTPDate {
    static var now: String {
        Date.now.formatted(
            Date.VerbatimFormatStyle(
                format:
                    "\(weekday: .abbreviated), \(day: .twoDigits) \(month: .abbreviated) \(year: .defaultDigits) \(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits) GMT",
                locale: Locale(identifier: "en_US_POSIX"), timeZone: .gmt,
                calendar: Calendar(identifier: .gregorian)))
    }
}
