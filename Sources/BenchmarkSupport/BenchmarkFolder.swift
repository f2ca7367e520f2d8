internal import Foundation

/// A folder that is gone when this is.
package final class BenchmarkFolder {
    package let path: String

    package init() throws {
        path =
            FileManager.default.temporaryDirectory.appendingPathComponent(
                "freshet-bench-\(UUID().uuidString)"
            ).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    package var state: String { path + "/state.sqlite" }
}
