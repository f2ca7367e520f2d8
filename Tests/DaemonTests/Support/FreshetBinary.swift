import Foundation
import TestSupport

/// The program under test: built beside the test bundle, or named by `FRESHET_TEST_BINARY`.
enum FreshetBinary {
    static func path() throws -> String {
        if let named = ProcessInfo.processInfo.environment["FRESHET_TEST_BINARY"] { return named }
        // On Linux the bundle is an executable, on Darwin a folder that the runner loads.
        let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL
        let file = bundle ?? Bundle.main.executableURL
        let path = try file.orThrow("this test bundle has no place").deletingLastPathComponent()
            .appending(path: "freshet").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw TestFailure("no binary at \(path): build it, or name one by FRESHET_TEST_BINARY")
        }
        return path
    }

    /// Runs one command to its end.
    static func run(_ arguments: [String], in folder: TestFolder) throws -> (
        ending: Ending, output: String, errors: String
    ) {
        let (output, errors) = (
            folder.path("out-\(UUID().uuidString)"), folder.path("err-\(UUID().uuidString)")
        )
        let child = try ChildProcess([path()] + arguments, output: output, errors: errors)
        let ending = try child.wait()
        return (ending, try text(of: output), try text(of: errors))
    }

    static func text(of path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }
}

/// A folder of this test's own, removed with this object. Its path is short, for sockets lie in it.
final class TestFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/fr-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestFailure("no temporary folder") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func path(_ name: String) -> String { "\(path)/\(name)" }
}
