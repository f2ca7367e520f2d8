internal import GRDB
internal import SQLiteFiles

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
    /// Compares two files row by row, by the rows' checksums. Changes nothing, and needs no right to write; a daemon may be
    /// writing to either.
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
            let (left, right) = (try openToLook(path: first), try openToLook(path: second))
            difference.tables = try left.read { left in
                try right.read { right in
                    try SummedTable.allCases.filter(\.rowsHaveChecksums).map { try rows(of: $0, left, right) }
                }
            }
        } catch {
            throw explainLook(error, path: second)
        }
        return difference
    }

    /// Goes through both in the order of their keys. Each on a connection of its own: they may have to be opened in different
    /// ways, which one connection to both does not allow.
    private static func rows(
        of table: SummedTable, _ first: Database, _ second: Database
    ) throws -> StateDifference.TableRows {
        var found = StateDifference.TableRows(table: table.rawValue)
        let sql = "SELECT \(table.key), checksum FROM \(table.rawValue) ORDER BY \(table.key)"
        let left = try PlainStatement(sql, first)
        let right = try PlainStatement(sql, second)
        let checksum = Int32(table.keyCount)
        var (hasLeft, hasRight) = (try left.next(), try right.next())
        while hasLeft || hasRight {
            let order = !hasRight ? -1 : !hasLeft ? 1 : left.order(beside: right, columns: checksum)
            if order < 0 { found.removed += 1 }
            if order > 0 { found.added += 1 }
            if order == 0, left.integer(checksum) != right.integer(checksum) { found.changed += 1 }
            if order <= 0 { hasLeft = try left.next() }
            if order >= 0 { hasRight = try right.next() }
        }
        return found
    }
}
