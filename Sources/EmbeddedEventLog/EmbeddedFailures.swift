import EventLog
import SQLiteFiles

/// Turns what SQLite says about the log's file into what a person can do about it.
struct EmbeddedFailures: Sendable {
    let path: String

    func explain(_ error: any Error, while doing: String) -> EventLogError {
        if let error = error as? EventLogError { return error }
        let failure = DatabaseFailure(error)
        let what = "embedded log at \(path): \(DatabaseFailure.words(of: error)), while \(doing)"
        let remedy = failure.remedy(path: path).map { "; \($0), and it goes on by itself" } ?? ""
        return switch failure {
        case .damaged: EventLogError(.damaged, "\(what). \(wayBack)")
        case .full, .readOnly, .cannotOpen: EventLogError(.refused, what + remedy)
        case .locked, .disk: EventLogError(.unreachable, what + remedy)
        case .closed: closed()
        case .other: EventLogError(.refused, what)
        }
    }

    /// The same for those who only look, and were not going to write.
    func explainLook(_ error: any Error, while doing: String) -> EventLogError {
        let failure = DatabaseFailure(error)
        guard failure == .readOnly || failure == .cannotOpen else { return explain(error, while: doing) }
        let remedy = failure.remedyForReader(path: path).map { "; \($0)" } ?? ""
        return EventLogError(
            .refused, "embedded log at \(path): \(DatabaseFailure.words(of: error)), while \(doing)\(remedy)")
    }

    /// What would be appended now would be gone with the process.
    func lost(_ loss: OpenedFiles.Loss) -> EventLogError {
        let what =
            switch loss {
            case .gone: "\(path) was deleted or moved away while freshet runs"
            case .replaced: "\(path) was replaced by another file while freshet runs"
            case .walGone: "\(path)-wal was deleted or replaced while freshet runs"
            }
        let remedy =
            loss == .walGone
            ? "Stop freshet with SIGTERM, which writes what that file held into the log itself, and start it again"
            : "Move the file that was there back, and it goes on by itself; or stop freshet and put a copy there"
        return EventLogError(
            .unreachable, "embedded log: \(what). Nothing is appended, for it would be lost. \(remedy)")
    }

    func closed() -> EventLogError {
        EventLogError(.closed, "embedded log at \(path) is closed")
    }

    func foreignFile() -> EventLogError {
        EventLogError(
            .damaged,
            "embedded log at \(path): this is an SQLite file, but not a Freshet log. "
                + "Name another path, or move this file away")
    }

    func newerSchema(_ version: Int32) -> EventLogError {
        EventLogError(
            .damaged,
            "embedded log at \(path): its schema is \(version), this program knows "
                + "\(EmbeddedStore.schemaVersion). "
                + "Start the program that wrote it")
    }

    func damaged(_ damage: LogDamage) -> EventLogError {
        EventLogError(
            .damaged,
            "embedded log at \(path): \(damage.text). Put the file back from a backup, with its -wal; or set source.on-gap: "
                + "skip once to go on behind offset \(damage.offsets.upperBound - 1), without them")
    }

    private var wayBack: String {
        "Put the file back from a backup, or move it and its -wal and -shm files away to start an empty log "
            + "(what is learned stays in the state; set source.on-gap: skip once to go on past the lost "
            + "events)"
    }
}
