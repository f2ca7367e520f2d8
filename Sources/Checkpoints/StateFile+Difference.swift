internal import GRDB

/// In what two state files differ, by what each says of itself.
public struct StateDifference: Sendable {
    /// Rows of one table.
    public struct TableRows: Sendable, Equatable {
        public var table: String
        /// Rows that the first file alone has, the second alone, and both with other contents.
        public var removed = 0
        public var added = 0
        public var changed = 0

        public var isEqual: Bool { removed == 0 && added == 0 && changed == 0 }
    }

    public var first = StateVerification()
    public var second = StateVerification()
    public var tables: [TableRows] = []
}

extension StateFile {
    /// Compares two files row by row, by the rows' checksums. Changes nothing; a daemon may be writing to either.
    ///
    /// - Throws: `.mismatch` where one of them is of before there were checksums.
    public static func difference(_ first: String, _ second: String) throws(StateError) -> StateDifference {
        var difference = StateDifference()
        (difference.first, difference.second) = try (summary(path: first), summary(path: second))
        for (path, found) in [(first, difference.first), (second, difference.second)]
        where found.schemaVersion < SummedTable.firstSchema {
            throw StateError(
                .mismatch,
                "'\(path)' has schema \(found.schemaVersion), which has no checksums to compare by; freshet checkpoint verify "
                    + "tells its counts")
        }
        do {
            let queue = try open(path: first, readOnly: true)
            try queue.inDatabase { db in
                try db.execute(sql: "ATTACH DATABASE ? AS second", arguments: [second])
                for table in SummedTable.allCases where table.rowsHaveChecksums {
                    try difference.tables.append(rows(of: table, db))
                }
            }
        } catch {
            throw explain(error, path: second)
        }
        return difference
    }

    private static func rows(of table: SummedTable, _ db: Database) throws -> StateDifference.TableRows {
        let (name, key) = (table.rawValue, table.columns.prefix(table.keyCount))
        let same = key.map { "a.\($0) = b.\($0)" }.joined(separator: " AND ")
        func count(_ sql: String) throws -> Int {
            try Int.fetchOne(db, sql: "SELECT count(*) FROM \(sql)") ?? 0
        }
        return try StateDifference.TableRows(
            table: name,
            removed: count("main.\(name) a WHERE NOT EXISTS (SELECT 1 FROM second.\(name) b WHERE \(same))"),
            added: count("second.\(name) a WHERE NOT EXISTS (SELECT 1 FROM main.\(name) b WHERE \(same))"),
            changed: count("main.\(name) a JOIN second.\(name) b ON \(same) WHERE a.checksum <> b.checksum"))
    }
}
