internal import Foundation

/// Keeps the curves over restarts, in a file of their own beside the state: they are no part of what is learned, so a file
/// that is missing, damaged or from before is no failure. At most some hundred kilobytes.
package struct CurveFile: Sendable {
    /// Of the file's form; one of another number is not read.
    private static let version = 1
    private static let bytesMax = 8 << 20

    private struct Content: Codable {
        var version: Int
        var curves: ScoreCurves
    }

    package let path: String

    package init(path: String) { self.path = path }

    /// What was kept of events up to the `applied`th; empty where nothing was, or it cannot be read.
    package func load(until applied: Int64) -> ScoreCurves {
        let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
        guard size <= Self.bytesMax, let data = FileManager.default.contents(atPath: path),
            let content = try? JSONDecoder().decode(Content.self, from: data),
            content.version == Self.version, content.curves.isWhole
        else { return ScoreCurves() }
        return content.curves.until(applied)
    }

    /// The file is the one of before, or the new one, whenever the machine stops.
    package func save(_ curves: ScoreCurves) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        try encoder.encode(Content(version: Self.version, curves: curves))
            .write(to: URL(filePath: path), options: .atomic)
    }
}
