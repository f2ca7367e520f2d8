import Foundation
import GRDB
import Rows
import Testing

@Suite("Statements executed row by row")
struct RowStatementTests {
    private func table() throws -> DatabaseQueue {
        let queue = try DatabaseQueue()
        try queue.write { try $0.execute(sql: "CREATE TABLE t(a UNIQUE, b, c, d, e)") }
        return queue
    }

    @Test("every kind of value arrives as it was given, the empty ones and those with a NUL too")
    func values() throws {
        let found = try table().write { db in
            let insert = try RowStatement("INSERT INTO t VALUES (?, ?, ?, ?, ?)", db)
            try insert.execute { row in
                row.add(Int64.min)
                row.add(Int32.max)
                row.add(true)
                row.add(-0.5)
                row.add(nil as Int64?)
            }
            try insert.execute { row in
                row.add("é\u{0}x")
                row.add("")
                row.add(text: Data([0x61, 0, 0x62]))
                row.add(text: Data())
                row.add(text: nil)
            }
            try insert.execute { row in
                row.add(blob: Data([0, 255]))
                row.add(blob: Data())
                row.add(blob: [UInt8](repeating: 7, count: 3))
                row.add(blob: UnsafeRawBufferPointer(start: nil, count: 0))
                row.addNull()
            }
            // As hexadecimal digits, with the kind in front: GRDB reads text up to its first NUL.
            let columns = ["a", "b", "c", "d", "e"].map {
                "typeof(\($0)) || ' ' || CASE typeof(\($0)) WHEN 'blob' THEN hex(\($0)) "
                    + "WHEN 'text' THEN hex(CAST(\($0) AS BLOB)) ELSE coalesce(\($0), '') END"
            }
            return try Row.fetchAll(
                db, sql: "SELECT \(columns.joined(separator: ", ")) FROM t ORDER BY rowid"
            )
            .map { row in (0..<5).map { row[$0] as String } }
        }
        #expect(
            found == [
                ["integer -9223372036854775808", "integer 2147483647", "integer 1", "real -0.5", "null "],
                ["text C3A90078", "text ", "text 610062", "text ", "null "],
                ["blob 00FF", "blob ", "blob 070707", "blob ", "null "],
            ])
    }

    @Test(
        "a row that is refused throws what GRDB throws, undoes its transaction, and leaves the statement usable"
    )
    func refusal() throws {
        let queue = try table()
        for _ in 0..<2 {
            do {
                try queue.write { db in
                    let insert = try RowStatement("INSERT INTO t(a) VALUES (?)", db, isCached: true)
                    for key in [1, 2, 1] as [Int64] { try insert.execute { $0.add(key) } }
                }
                Issue.record("the second row of key 1 was taken")
            } catch {
                let error = try #require(error as? DatabaseError)
                #expect(error.resultCode == .SQLITE_CONSTRAINT)
                #expect(error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE)
                #expect(error.message == "UNIQUE constraint failed: t.a")
                #expect(error.sql == "INSERT INTO t(a) VALUES (?)")
            }
        }
        let count = try queue.write { db in
            try RowStatement("INSERT INTO t(a) VALUES (?)", db, isCached: true).execute { $0.add(1 as Int64) }
            return try Int.fetchOne(db, sql: "SELECT count(*) FROM t")
        }
        #expect(count == 1)
    }
}
