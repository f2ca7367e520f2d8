import Checkpoints
import Foundation
import Generations
import Settings

/// The copies of a state to go back to.
struct GenerationFindings {
    private let configuration: Configuration
    private let folder: GenerationFolder

    init(_ configuration: Configuration) {
        self.configuration = configuration
        folder = GenerationFolder(of: configuration.state.folder + "/state.sqlite")
    }

    var all: [Finding] { [copies] + damaged }

    private var copies: Finding {
        let all = folder.all
        let unreadable = all.filter { (try? StateFile.summary(path: $0.path))?.problems.isEmpty != true }
        if let first = unreadable.first {
            return .warning(
                "generations",
                "\(unreadable.count) of \(all.count) cannot be read, the first is \(first.name)",
                "freshet checkpoint verify '\(first.path)' tells more; remove it")
        }
        guard let newest = all.first else {
            return configuration.checkpoint.keep == 0
                ? .ok("generations", "none are kept (checkpoint.keep)")
                : .ok("generations", "none yet; a running daemon makes them")
        }
        let bytes = all.reduce(0) { $0 + $1.bytes }
        return .ok(
            "generations",
            "\(all.count) to go back to, \(ByteText.text(bytes)), the newest is \(newest.name)")
    }

    private var damaged: [Finding] {
        guard FileManager.default.fileExists(atPath: folder.damagedPath) else { return [] }
        return [
            .warning(
                "generations", "'\(folder.damagedPath)' is a state that another one took the place of",
                "remove it once it has been looked at: FORGET does not reach it")
        ]
    }
}
