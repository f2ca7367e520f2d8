internal import GRDBSQLite

/// What SQLite holds in this process, of all its files: pages, statements, what it sorts.
public enum SQLiteMemory {
    public static var bytes: Int { Int(sqlite3_memory_used()) }
}

/// SQLite as it is linked.
package enum SQLiteLibrary {
    /// Say `3.40.1`.
    package static var version: String { String(cString: sqlite3_libversion()) }
}
