internal import GRDBSQLite

/// What SQLite holds in this process, of all its files: pages, statements, what it sorts.
public enum SQLiteMemory {
    public static var bytes: Int { Int(sqlite3_memory_used()) }
}
