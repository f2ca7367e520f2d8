import Events
import GRDB
import SQLiteFiles

/// A checksum of each record, stored beside it: SQLite itself does not see a bit that has flipped within a value.
enum RecordSeal {
    private static let events = RowChecksum(table: "events")

    /// The columns that it is of come first, in this order, and it comes last.
    static let columns = "offset, time, key, payload, checksum"
    private static let count: Int32 = 4

    static func checksum(
        offset: Int64, time: Int64, key: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer
    ) -> Int64 {
        var sum = events
        sum.add(offset)
        sum.add(time)
        sum.add(text: key)
        sum.add(blob: payload)
        return sum.stored
    }

    /// Whether the row at which a statement of these columns stands is what was written.
    static func isIntact(_ row: borrowing PlainStatement, _ sealed: SealedOffsets) -> Bool {
        if row.isNull(count) { return row.integer(0) < sealed.first }
        return row.integer(count) == row.checksum(from: events, columns: count).stored
    }
}

/// Records that are not what was written, or gone though nothing deleted them.
struct LogDamage: Equatable, Sendable {
    enum Kind { case altered, missing }

    var offsets: Range<Int64>
    var kind: Kind
}

/// Which offsets have to be there, each with a checksum: all but those of an earlier version's file, those that retention
/// deleted, and those that were never given out.
struct SealedOffsets {
    /// Records before this one were written by an earlier version, which knew no checksums.
    let first: Int64

    private static let tables = """
        CREATE TABLE sealed(first INTEGER NOT NULL);
        CREATE TABLE unused(first INTEGER PRIMARY KEY, end INTEGER NOT NULL);
        """
    /// Of a new file.
    static let schema = tables + "INSERT INTO sealed VALUES (0);"
    /// Of a file of the first schema. Takes no time: no row is written.
    static let migration =
        "ALTER TABLE events ADD COLUMN checksum INTEGER;" + tables
        + "INSERT INTO sealed SELECT value FROM next_offset;"

    init(_ db: Database) throws {
        guard let first = try Int64.fetchOne(db.cachedStatement(sql: "SELECT first FROM sealed")) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "table sealed has no row")
        }
        self.first = first
    }

    /// What is wrong with there being no record in this range; `nil` where nothing is.
    func missing(_ offsets: Range<Int64>, _ db: Database) throws -> LogDamage? {
        var next = max(offsets.lowerBound, first)
        while next < offsets.upperBound {
            let end = try Int64.fetchOne(
                db.cachedStatement(
                    sql: "SELECT end FROM unused WHERE first <= ? ORDER BY first DESC LIMIT 1"),
                arguments: [next])
            guard let end, end > next else { return LogDamage(offsets: offsets, kind: .missing) }
            next = end
        }
        return nil
    }

    /// Notes that at these offsets there are no records, nor will be: deleted, or never given out. What begins at an offset
    /// may only grow.
    static func leaveUnused(_ offsets: Range<Int64>, _ db: Database) throws {
        guard !offsets.isEmpty else { return }
        try db.cachedStatement(sql: "INSERT OR REPLACE INTO unused VALUES (?, ?)")
            .execute(arguments: [offsets.lowerBound, offsets.upperBound])
    }
}
