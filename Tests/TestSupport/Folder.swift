import Foundation

/// A folder that goes with the test.
public final class Folder: Sendable {
    public let path: String

    public init() {
        path = NSTemporaryDirectory() + "freshet-test-\(UUID().uuidString)"
        try! FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    public var state: String { path + "/state.sqlite" }
}
