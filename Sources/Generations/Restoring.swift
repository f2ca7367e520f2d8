public import Checkpoints
internal import Foundation

/// What going back to a generation came to.
public struct GenerationRestored: Sendable, Equatable {
    public var name: String
    /// Next offset by partition; what comes after is learned again from the log.
    public var positions: [Int32: Int64]
    /// The state that was there, where it was whole: it is a generation too now.
    public var kept: String?
    /// Where the state that was there is now, where it was not whole.
    public var damagedAt: String?
}

extension GenerationFolder {
    /// Where a damaged state goes when a generation takes its place. FORGET does not reach it.
    public var damagedPath: String {
        let name = (statePath as NSString).deletingPathExtension
        return name + ".damaged.sqlite"
    }

    /// Puts a generation in the place of the state. Whoever calls holds the folder's lock.
    ///
    /// - Throws: `.damaged` where the generation is not whole.
    public func restore(_ generation: Generation) throws(StateError) -> GenerationRestored {
        let found = try StateFile.verify(path: generation.path)
        guard found.problems.isEmpty else {
            throw StateError(
                .damaged,
                "generation \(generation.name) is damaged: \(found.problems.prefix(3).joined(separator: "; ")). "
                    + "Nothing was changed; take another one (freshet checkpoint list)")
        }
        var restored = GenerationRestored(name: generation.name, positions: found.positions)
        var aside: String?
        if FileManager.default.fileExists(atPath: statePath) {
            do throws(StateError) {
                restored.kept = try make()?.name
            } catch {
                guard error.code == .damaged || error.code == .notAState else { throw error }
                aside = damagedPath
                restored.damagedAt = aside
            }
        }
        try StateFile.replace(statePath, by: generation.path, keepingOldAs: aside)
        return restored
    }
}
