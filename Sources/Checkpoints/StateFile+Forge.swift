internal import GRDB
internal import SQLiteFiles

extension StateFile {
    /// Changes a file at rest as somebody does who means no good and knows how it is built: by statements of SQL, each so far as
    /// SQLite lets it; then all rows and tables get the checksums of what stands there, so far as they can. For those who look at what a daemon
    /// withstands.
    ///
    /// - Returns: how many of the statements SQLite took.
    /// - Throws: where it cannot be opened or written.
    package static func forge(_ path: String, by statements: [String]) throws(StateError) -> Int {
        do {
            let queue = try open(path: path, readOnly: false)
            let taken = try queue.writeWithoutTransaction { db in
                try db.execute(
                    sql: """
                        PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;
                        PRAGMA writable_schema = ON
                        """)
                try ReplacedChecksums.addRowChecksum(to: db)
                let taken = statements.count { (try? db.execute(sql: $0)) != nil }
                try db.inTransaction {
                    // What is no table any more stays as it is.
                    for table in SummedTable.allCases { try? table.sign(db) }
                    return .commit
                }
                return taken
            }
            try queue.close()
            return taken
        } catch {
            throw explain(error, path: path)
        }
    }

    /// Names and columns of the tables that a daemon reads, those that name a row first, and how many of them do.
    package static var readTables: [(name: String, columns: [String], keys: Int)] {
        SummedTable.allCases.map { ($0.rawValue, $0.columns, $0.keyCount) }
    }
}
