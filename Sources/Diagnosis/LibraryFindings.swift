import Events
import Factors
import KafkaEventLog
import SQLiteFiles

/// Which libraries this program found. Older ones than it was built and measured with work, as far as they load.
enum LibraryFindings {
    static var all: [Finding] {
        [
            version("librdkafka", KafkaInspection.libraryVersion, atLeast: [2, 0], "librdkafka1"),
            version("sqlite", SQLiteLibrary.version, atLeast: [3, 37], "libsqlite3-0"),
            .ok("openblas", LinearAlgebra.library),
            version("simdjson", ReadingLibraries.simdJSON, atLeast: [3, 0], "libsimdjson"),
            version("zlib", ReadingLibraries.zlib, atLeast: [1, 2], "zlib1g"),
        ]
    }

    static func version(_ subject: String, _ found: String, atLeast least: [Int], _ package: String)
        -> Finding
    {
        let numbers = found.prefix { $0.isNumber || $0 == "." }.split(separator: ".").compactMap { Int($0) }
        guard numbers.lexicographicallyPrecedes(least) else { return .ok(subject, found) }
        let wanted = least.map(String.init).joined(separator: ".")
        return .warning(
            subject, "\(found), which is older than what freshet is tested with (\(wanted))",
            "install a newer \(package)")
    }
}
