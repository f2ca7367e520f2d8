import EventLog
import Foundation
import GRDB

/// Turns what SQLite says about the log's file into what a person can do about it.
struct EmbeddedFailures: Sendable {
    let path: String

    func explain(_ error: any Error, while doing: String) -> EventLogError {
        if let error = error as? EventLogError { return error }
        let words = (error as? DatabaseError)?.message ?? String(describing: error)
        let what = "embedded log at \(path): \(words), while \(doing)"
        switch (error as? DatabaseError)?.resultCode {
        case .some(.SQLITE_CORRUPT), .some(.SQLITE_NOTADB):
            return EventLogError(.damaged, "\(what). \(wayBack)")
        case .some(.SQLITE_FULL):
            return EventLogError(
                .refused,
                "\(what). Free space on the disk, or raise the log's size limit; appending then goes on "
                    + "by itself"
            )
        case .some(.SQLITE_READONLY), .some(.SQLITE_CANTOPEN), .some(.SQLITE_PERM), .some(.SQLITE_AUTH):
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
            return EventLogError(
                .refused,
                "\(what). The folder \(folder) must exist, and it and the file must be writable for this user"
            )
        case .some(.SQLITE_BUSY), .some(.SQLITE_LOCKED):
            return EventLogError(.unreachable, "\(what). Another process holds the file; stop it")
        case .some(.SQLITE_IOERR):
            return EventLogError(.unreachable, "\(what). Check the disk")
        case .some(.SQLITE_MISUSE):
            return closed()
        default:
            return EventLogError(.refused, what)
        }
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

    private var wayBack: String {
        "Put the file back from a backup, or move it and its -wal and -shm files away to start an empty log "
            + "(what is learned stays in the state; set source.on-gap: skip once to go on past the lost "
            + "events)"
    }
}
