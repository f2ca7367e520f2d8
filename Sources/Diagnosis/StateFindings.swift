import Checkpoints
import Engine
import Foundation
import Generations
import Settings

/// The state's file: whether this configuration may learn on from it.
struct StateFindings {
    private let path: String
    private let identity: StateIdentity

    init(_ configuration: Configuration) {
        path = configuration.state.folder + "/state.sqlite"
        identity = configuration.engineOptions.identity(source: configuration.logSource)
    }

    var all: [Finding] {
        guard FileManager.default.fileExists(atPath: path) else {
            return [.ok("state", "none yet; the daemon begins with nothing learned")]
        }
        do {
            let summary = try StateFile.summary(path: path, identity: identity)
            guard summary.problems.isEmpty else {
                return [
                    .error(
                        "state", summary.problems.joined(separator: "; "),
                        "freshet checkpoint verify '\(path)' tells more; put back a copy, or move it away")
                ]
            }
            return [
                .ok(
                    "state",
                    "schema \(summary.schemaVersion), \(summary.users) users, \(summary.items) items as of the last checkpoint, \(ByteText.text(ByteText.length(of: path)))"
                )
            ]
        } catch {
            return [Self.finding(WayBack.said(error, of: path))]
        }
    }

    /// The messages of a state's file say what to do behind a full stop or a semicolon.
    private static func finding(_ error: StateError) -> Finding {
        let (found, remedy) = split(error.message)
        return error.code == .locked ? .warning("state", found, remedy) : .error("state", found, remedy)
    }

    static func split(_ message: String) -> (found: String, remedy: String) {
        for mark in [". ", "; "] {
            guard let range = message.range(of: mark) else { continue }
            return (String(message[..<range.lowerBound]), String(message[range.upperBound...]))
        }
        return (message, "freshet checkpoint verify tells more")
    }
}
