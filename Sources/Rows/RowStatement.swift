public import Foundation
public import GRDB
internal import GRDBSQLite

/// A statement that changes the database, executed once for each of many rows.
///
/// GRDB takes the values of a row as an array of boxes, which it copies, checks and unpacks; for rows of a few numbers
/// and some bytes that costs several times what SQLite then does with them. Here they go to SQLite as they are.
///
/// Used within one access to the database, like GRDB's own statements.
public struct RowStatement {
    private let database: Database
    private let statement: Statement
    private let valueCount: Int32

    /// - Parameter isCached: whether the database keeps the statement, and with it the last row's values, for the next
    ///   access.
    public init(_ sql: String, _ database: Database, isCached: Bool = false) throws {
        self.database = database
        statement = try isCached ? database.cachedStatement(sql: sql) : database.makeStatement(sql: sql)
        valueCount = sqlite3_bind_parameter_count(statement.sqliteStatement)
    }

    /// Executes the statement with the values that `bind` gives, one for each parameter and in their order.
    ///
    /// - Throws: `DatabaseError`, as a statement of GRDB's does.
    public func execute(_ bind: (inout RowValues) -> Void) throws {
        var values = RowValues(statement.sqliteStatement)
        bind(&values)
        precondition(values.count == valueCount, "\(values.count) values for \(valueCount) parameters")
        // What SQLite refuses to bind is too large for it, or there is no memory.
        try check(values.code, isDone: SQLITE_OK)
        // Reset whatever comes: a statement under way would keep its transaction from ending.
        defer { sqlite3_reset(statement.sqliteStatement) }
        try check(sqlite3_step(statement.sqliteStatement), isDone: SQLITE_DONE)
    }

    private func check(_ code: Int32, isDone: Int32) throws {
        guard code != isDone else { return }
        throw DatabaseError(
            resultCode: ResultCode(rawValue: code), message: database.lastErrorMessage, sql: statement.sql)
    }
}

/// Takes the values of one row, from the first parameter on.
public struct RowValues {
    // Unsafe because SQLite is C: the handle is its statement's, which outlives this value, and SQLite copies what
    // the pointers given to it point to before a call returns.
    private let handle: OpaquePointer
    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    fileprivate private(set) var count: Int32 = 0
    /// The first that is no success.
    fileprivate private(set) var code = SQLITE_OK

    fileprivate init(_ handle: OpaquePointer) { self.handle = handle }

    /// `nil` is NULL.
    public mutating func add(_ value: Int64?) {
        guard let value else { return addNull() }
        add { sqlite3_bind_int64($0, $1, value) }
    }

    public mutating func add(_ value: Int32) { add(Int64(value)) }

    public mutating func add(_ value: Bool) { add(value ? 1 as Int64 : 0) }

    public mutating func add(_ value: Double) {
        add { sqlite3_bind_double($0, $1, value) }
    }

    public mutating func add(_ text: String) {
        var text = text
        text.withUTF8 { add(text: UnsafeRawBufferPointer($0)) }
    }

    /// UTF-8, taken as text; `nil` is NULL.
    public mutating func add(text bytes: Data?) {
        guard let bytes else { return addNull() }
        bytes.withUnsafeBytes { add(text: $0) }
    }

    public mutating func add(blob bytes: Data) {
        bytes.withUnsafeBytes { add(blob: $0) }
    }

    public mutating func add(blob bytes: [UInt8]) {
        bytes.withUnsafeBytes { add(blob: $0) }
    }

    /// Of these bytes, which are copied.
    public mutating func add(blob bytes: UnsafeRawBufferPointer) {
        add { handle, index in
            // Of no bytes there may be no pointer, and a null pointer would be NULL.
            guard let start = bytes.baseAddress else { return sqlite3_bind_zeroblob(handle, index, 0) }
            return sqlite3_bind_blob64(handle, index, start, UInt64(bytes.count), Self.copied)
        }
    }

    public mutating func addNull() {
        add { sqlite3_bind_null($0, $1) }
    }

    private mutating func add(text bytes: UnsafeRawBufferPointer) {
        add { handle, index in
            let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            guard let start else { return sqlite3_bind_text(handle, index, "", 0, Self.copied) }
            return sqlite3_bind_text64(
                handle, index, start, UInt64(bytes.count), Self.copied, UInt8(SQLITE_UTF8))
        }
    }

    private mutating func add(_ bind: (OpaquePointer, Int32) -> Int32) {
        count += 1
        let code = bind(handle, count)
        if self.code == SQLITE_OK { self.code = code }
    }
}
