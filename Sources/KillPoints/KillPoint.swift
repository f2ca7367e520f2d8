// KillPoints: places in the program at which tests have it killed.
//
// Here live their names, and how one is chosen: by the variable FRESHET_TEST_KILL_AT of the environment, which is read once.
// Nothing comes in but that, and nothing goes out but the end of the process.

internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A place between two steps that a kill must not tear apart.
///
/// `FRESHET_TEST_KILL_AT=checkpoint-mid:3` ends the process, by SIGKILL to itself, when it is there for the third time. It is
/// safe to have in the program that people run: it does nothing that `kill -9` does not do, whoever may set the daemon's
/// environment may send it signals, and the daemon says at its start that it is set. Where it is not set a place costs one look
/// at a constant; all of them lie beside work on files, none in learning or in look-ups.
public enum KillPoint: String, CaseIterable, Sendable {
    /// A part of a checkpoint's rows is written, its transaction is not committed.
    case checkpointMid = "checkpoint-mid"
    /// State and positions are committed, the log is not told yet.
    case checkpointCommitted = "checkpoint-committed"
    /// A file of an older version has its new columns, and no checksums yet.
    case migrationMid = "migration-mid"
    /// Pages of a generation's copy are written.
    case generationMid = "generation-mid"
    /// The copy is whole and looked at, and has no name yet.
    case generationWhole = "generation-whole"
    /// The newest generation has its name, the oldest is not gone yet.
    case generationNamed = "generation-named"
    /// A forgotten user is gone from a generation, whose transaction is not committed.
    case erasureMid = "erasure-mid"
    /// Forgotten users are gone from all generations, and are still noted down to be.
    case erasureDone = "erasure-done"
    /// The copy that is to take the state's place lies beside it.
    case restoreCopied = "restore-copied"
    /// What belonged to the older state is gone, the copy has not taken its place.
    case restoreMid = "restore-mid"

    public static let variable = "FRESHET_TEST_KILL_AT"

    private struct Armed {
        var point: KillPoint
        /// How often it is passed before.
        var passes: Int
    }

    /// What the environment says; `nil` for nothing.
    private static let armed: Armed? = getenv(variable).flatMap { parse(String(cString: $0)) }
    private static let passed = Atomic(0)

    private static func parse(_ text: String) -> Armed? {
        let parts = text.split(separator: ":", maxSplits: 1)
        guard let name = parts.first, let point = KillPoint(rawValue: String(name)) else { return nil }
        guard parts.count == 2 else { return Armed(point: point, passes: 0) }
        guard let count = Int(parts[1]), count > 0 else { return nil }
        return Armed(point: point, passes: count - 1)
    }

    /// What the environment has set, for whoever starts the program to say; `nil` for nothing.
    public static var words: String? {
        guard let value = getenv(variable) else { return nil }
        guard let armed else {
            return "\(variable) is '\(String(cString: value))', and names no such place: nothing will happen"
        }
        return "\(variable) is set: this process ends itself at \(armed.point.rawValue)"
    }

    /// The process is there.
    @inline(__always)
    public func reach() {
        guard let armed = Self.armed, armed.point == self else { return }
        Self.end(armed)
    }

    @inline(never)
    private static func end(_ armed: Armed) {
        guard passed.add(1, ordering: .relaxed).oldValue == armed.passes else { return }
        kill(getpid(), SIGKILL)
        // It comes at once, but to this thread perhaps a moment later.
        while true { pause() }
    }
}
