public import GRDB
internal import GRDBSQLite

/// Copies a database while others write to it (sqlite.org/backup.html).
public enum OnlineCopy {
    /// Copies some pages at a time what `source` sees, which has to be within a transaction that has read: else a commit of
    /// somebody else's would begin the copy anew.
    ///
    /// - Parameter pause: called between any two steps, with the pages copied so far; what it throws ends the copy.
    public static func run(
        from source: Database, to target: Database, pagesPerStep: Int32, pause: (_ pages: Int) throws -> Void
    ) throws {
        guard let from = source.sqliteConnection, let to = target.sqliteConnection,
            let copy = sqlite3_backup_init(to, "main", from, "main")
        else {
            throw DatabaseError(resultCode: .SQLITE_ERROR, message: target.lastErrorMessage)
        }
        var code = SQLITE_OK
        do {
            while true {
                code = sqlite3_backup_step(copy, pagesPerStep)
                guard code == SQLITE_OK else { break }
                try pause(Int(sqlite3_backup_pagecount(copy) - sqlite3_backup_remaining(copy)))
            }
        } catch {
            sqlite3_backup_finish(copy)
            throw error
        }
        let end = sqlite3_backup_finish(copy)
        guard code == SQLITE_DONE, end == SQLITE_OK else {
            throw DatabaseError(
                resultCode: ResultCode(rawValue: code == SQLITE_DONE ? end : code),
                message: target.lastErrorMessage ?? source.lastErrorMessage)
        }
    }
}
