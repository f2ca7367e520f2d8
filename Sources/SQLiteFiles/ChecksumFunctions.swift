public import GRDB
internal import GRDBSQLite

/// What rows said of themselves before a statement replaced them: it names `replaced(checksum, new)` where it sets a row's
/// checksum, and what there was is added up here. So nothing has to be read before it is written.
///
/// Changed by SQLite within a statement, on the thread that runs it, and read there; that is what `@unchecked Sendable`
/// stands on.
public final class ReplacedChecksums: @unchecked Sendable {
    private var rows = 0
    private var sum: UInt64 = 0

    /// Makes the function known to a connection, in place of an earlier one.
    public init(on db: Database) throws {
        try Self.check(
            sqlite3_create_function_v2(
                db.sqliteConnection, "replaced", 2, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                // SQLite holds it, and lets go of it with the function.
                Unmanaged.passRetained(self).toOpaque(),
                { context, count, values in
                    guard count == 2, let values, let old = values[0], let new = values[1],
                        let own = sqlite3_user_data(context)
                    else { return }
                    Unmanaged<ReplacedChecksums>.fromOpaque(own).takeUnretainedValue().take(
                        sqlite3_value_int64(old))
                    sqlite3_result_value(context, new)
                }, nil, nil,
                { own in own.map { Unmanaged<ReplacedChecksums>.fromOpaque($0).release() } }), db)
    }

    private func take(_ checksum: Int64) {
        rows += 1
        sum &+= UInt64(bitPattern: checksum)
    }

    /// Those since the last time.
    public func takeAll() -> (rows: Int, sum: UInt64) {
        defer { (rows, sum) = (0, 0) }
        return (rows, sum)
    }

    /// Makes `row_checksum(table, value, …)` known to a connection: what `RowChecksum` makes of these values.
    public static func addRowChecksum(to db: Database) throws {
        try check(
            sqlite3_create_function_v2(
                db.sqliteConnection, "row_checksum", -1,
                SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
                nil,
                { context, count, values in
                    guard count > 0, let values, let name = sqlite3_value_text(values[0]) else { return }
                    var sum = RowChecksum(table: String(cString: name))
                    for place in 1..<Int(count) { sum.add(value: values[place]) }
                    sqlite3_result_int64(context, sum.stored)
                }, nil, nil, nil), db)
    }

    private static func check(_ code: Int32, _ db: Database) throws {
        guard code == SQLITE_OK else {
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: db.lastErrorMessage)
        }
    }
}

extension RowChecksum {
    /// A value of SQLite's own, within a function of it.
    fileprivate mutating func add(value: OpaquePointer?) {
        switch sqlite3_value_type(value) {
        case SQLITE_INTEGER: add(sqlite3_value_int64(value))
        case SQLITE_FLOAT: add(sqlite3_value_double(value))
        case SQLITE_TEXT: add(text: Self.bytes(of: value))
        case SQLITE_BLOB: add(blob: Self.bytes(of: value))
        default: addNull()
        }
    }

    private static func bytes(of value: OpaquePointer?) -> UnsafeRawBufferPointer {
        let base = sqlite3_value_blob(value)
        return UnsafeRawBufferPointer(start: base, count: Int(sqlite3_value_bytes(value)))
    }
}
