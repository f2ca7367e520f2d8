internal import Foundation
public import GRDB

/// Opens a database for somebody who only looks at it: who need not be allowed to write, and leaves nothing behind.
///
/// SQLite by itself asks more of a reader. Where a database has a write-ahead log by its header, whoever opens it makes a
/// -wal and a -shm beside it, which stay there when a reader goes; and who cannot make them cannot open it.
public enum Onlooker {
    /// How the files that there are have to be read.
    enum Way: Equatable {
        /// By the locks of those who may be writing. Nothing has to be made for that.
        case besideOthers
        /// Nobody has it open, and all of it is in the file.
        case fileAlone
        /// Nobody has it open, and a part of it is in the write-ahead log: a copy of the files of a running daemon.
        case fileAndLog

        /// - Parameter path: of the database, without symbolic links: SQLite looks for the other files beside what they name.
        init(to path: String) {
            // Whoever has it open keeps a -shm, or a -journal while writing. These are looked for first: of a file that this
            // process has open itself nothing more may be opened and closed here, which would take its locks away.
            guard length(of: path + "-shm") == nil, length(of: path + "-journal") == nil else {
                self = .besideOthers
                return
            }
            if let log = length(of: path + "-wal") {
                self = log > 0 ? .fileAndLog : .fileAlone
            } else {
                self = wantsLog(path) ? .fileAlone : .besideOthers
            }
        }
    }

    private static let patienceSeconds = 5.0

    /// Opens it for reading alone. Of a file that nobody has open it takes no lock: whoever begins to write to it meanwhile is
    /// not noticed, and what is read may not fit together.
    public static func open(path: String) throws -> DatabaseQueue {
        var configuration = GRDB.Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(patienceSeconds)
        guard let file = resolved(path) else {
            return try DatabaseQueue(path: path, configuration: configuration)
        }
        switch Way(to: file) {
        case .besideOthers:
            return try DatabaseQueue(path: path, configuration: configuration)
        case .fileAlone:
            return try DatabaseQueue(path: address(of: file, "immutable=1"), configuration: configuration)
        case .fileAndLog:
            configuration.prepareDatabase { db in
                // The log's index then lies in memory rather than in a -shm.
                try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
                WriteAheadLog.keepAtClose(true, db)
            }
            // Without locks: that mode's lock is for those who may write.
            return try DatabaseQueue(path: address(of: file, "vfs=unix-none"), configuration: configuration)
        }
    }

    /// As a URI of SQLite's (sqlite.org/uri.html).
    ///
    /// - Parameter path: begins with a slash.
    static func address(of path: String, _ parameter: String) -> String {
        let escaped = path.replacing("%", with: "%25").replacing("?", with: "%3f").replacing("#", with: "%23")
        return "file://\(escaped)?\(parameter)"
    }

    /// `nil` where there is no such file.
    private static func resolved(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }
}

/// `nil` where there is no such file.
private func length(of path: String) -> Int64? {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : nil
}

/// Whether the header says that the database has a write-ahead log (sqlite.org/fileformat.html, "read version").
private func wantsLog(_ path: String) -> Bool {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    var header = [UInt8](repeating: 0, count: 20)
    guard read(file, &header, header.count) == header.count else { return false }
    return header[19] == 2
}
