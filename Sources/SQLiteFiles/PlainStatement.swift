public import GRDB
internal import GRDBSQLite

/// A prepared statement whose values go in and come out as they lie in memory.
///
/// GRDB boxes each value and looks at each type at run time, which for rows of 300 bytes takes longer than SQLite does.
/// For the statements that run a million times; within a transaction of GRDB's, on its thread, and gone before its
/// connection is.
public struct PlainStatement: ~Copyable {
    private let connection: OpaquePointer
    private let statement: OpaquePointer

    public init(_ sql: String, _ db: Database) throws {
        guard let connection = db.sqliteConnection else { throw DatabaseError(resultCode: .SQLITE_MISUSE) }
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(
            connection, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw Self.failure(code, connection) }
        (self.connection, self.statement) = (connection, statement)
    }

    deinit { sqlite3_finalize(statement) }

    private static func failure(_ code: Int32, _ connection: OpaquePointer) -> DatabaseError {
        DatabaseError(
            resultCode: ResultCode(rawValue: code), message: String(cString: sqlite3_errmsg(connection)))
    }
}

// Parameters, from 1 on. Indices and types are the caller's statement's own, so nothing can go wrong but memory.
extension PlainStatement {
    public func bind(_ value: Int64, at index: Int32) { sqlite3_bind_int64(statement, index, value) }

    public func bind(_ value: Double, at index: Int32) { sqlite3_bind_double(statement, index, value) }

    public func bind(_ value: Int64?, at index: Int32) {
        if let value { bind(value, at: index) } else { bindNull(at: index) }
    }

    public func bindNull(at index: Int32) { sqlite3_bind_null(statement, index) }

    /// A blob. It is not copied: it has to stay where it is until the statement has run.
    public func bind(blob bytes: UnsafeRawBufferPointer, at index: Int32) {
        // SQLite takes an address of nil for NULL.
        guard let base = bytes.baseAddress, !bytes.isEmpty else {
            sqlite3_bind_zeroblob(statement, index, 0)
            return
        }
        sqlite3_bind_blob(statement, index, base, Int32(bytes.count), nil)
    }

    /// UTF-8, likewise not copied.
    public func bind(text bytes: UnsafeRawBufferPointer, at index: Int32) {
        let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        guard let base, !bytes.isEmpty else {
            sqlite3_bind_text(statement, index, "", 0, nil)
            return
        }
        sqlite3_bind_text(statement, index, base, Int32(bytes.count), nil)
    }
}

extension PlainStatement {
    /// Runs a statement that gives no rows. Its parameters are kept for the next time.
    ///
    /// - Returns: how many rows it changed.
    @discardableResult
    public func run() throws -> Int {
        let code = sqlite3_step(statement)
        guard code == SQLITE_DONE else {
            let error = Self.failure(code, connection)
            sqlite3_reset(statement)
            throw error
        }
        sqlite3_reset(statement)
        return Int(sqlite3_changes(connection))
    }

    /// The next row; false after the last one.
    public func next() throws -> Bool {
        switch sqlite3_step(statement) {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            sqlite3_reset(statement)
            return false
        case let code: throw Self.failure(code, connection)
        }
    }

    /// Begins anew.
    public func reset() { sqlite3_reset(statement) }
}

// Columns of the row that `next` gave, from 0 on.
extension PlainStatement {
    public func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

    public func double(_ column: Int32) -> Double { sqlite3_column_double(statement, column) }

    public func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }

    public func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

    /// Of a blob or a text, where it lies: until `next` or `reset`, or until the column is asked for as something else.
    public func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        let base = sqlite3_column_blob(statement, column)
        return UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(statement, column)))
    }
}

// Checksums of rows.
extension PlainStatement {
    /// Types of values as SQLite has them.
    public enum Kind: Sendable { case null, integer, double, text, blob }

    public func kind(_ column: Int32) -> Kind {
        switch sqlite3_column_type(statement, column) {
        case SQLITE_INTEGER: .integer
        case SQLITE_FLOAT: .double
        case SQLITE_TEXT: .text
        case SQLITE_BLOB: .blob
        default: .null
        }
    }

    /// Of the row that `next` gave: `sum`, and the first `count` columns behind it.
    public func checksum(from sum: RowChecksum, columns count: Int32) -> RowChecksum {
        var sum = sum
        for column in 0..<count {
            switch kind(column) {
            case .integer: sum.add(integer(column))
            case .double: sum.add(double(column))
            case .text: sum.add(text: bytes(column))
            case .blob: sum.add(blob: bytes(column))
            case .null: sum.addNull()
            }
        }
        return sum
    }
}

// The order of rows.
extension PlainStatement {
    /// Below 0 where this row comes before that of another statement, above 0 where behind it, by their first columns: as
    /// SQLite sorts them where it is told nothing else.
    public func order(beside other: borrowing PlainStatement, columns count: Int32) -> Int {
        for column in 0..<count {
            let order = order(beside: other, column)
            if order != 0 { return order }
        }
        return 0
    }

    private func order(beside other: borrowing PlainStatement, _ column: Int32) -> Int {
        let (own, others) = (kind(column), other.kind(column))
        switch (own, others) {
        case (.integer, .integer): return Self.order(integer(column), other.integer(column))
        case (.integer, .double), (.double, .integer), (.double, .double):
            return Self.order(double(column), other.double(column))
        case (.text, .text), (.blob, .blob): return Self.order(bytes(column), other.bytes(column))
        default: return Self.order(own.rank, others.rank)
        }
    }

    private static func order<Value: Comparable>(_ own: Value, _ other: Value) -> Int {
        own == other ? 0 : own < other ? -1 : 1
    }

    private static func order(_ own: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Int {
        own.elementsEqual(other) ? 0 : own.lexicographicallyPrecedes(other) ? -1 : 1
    }
}

extension PlainStatement.Kind {
    /// Numbers of both kinds are sorted among each other.
    fileprivate var rank: Int {
        switch self {
        case .null: 0
        case .integer, .double: 1
        case .text: 2
        case .blob: 3
        }
    }
}
