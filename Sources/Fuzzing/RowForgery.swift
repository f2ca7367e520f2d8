internal import Checkpoints

/// Statements by which rows become such as no daemon would have written: values of other kinds, beyond all bounds or cut off,
/// rows that are missing, there twice or another's, tables that are something else.
struct RowForgery {
    private let tables = StateFile.readTables

    func statements(_ numbers: inout FuzzNumbers) -> [String] {
        (0...numbers.below(3)).map { _ in statement(&numbers) }
    }

    private func statement(_ numbers: inout FuzzNumbers) -> String {
        let table = numbers.pick(tables)
        let column = numbers.pick(table.columns)
        switch numbers.below(16) {
        case 0...6:
            return
                "UPDATE \(table.name) SET \(column) = \(value(of: column, &numbers)) \(one(of: table, &numbers))"
        case 7: return "UPDATE \(table.name) SET \(column) = \(value(of: column, &numbers))"
        case 8, 9:
            // Another row's.
            return "UPDATE \(table.name) SET \(column) = (SELECT \(column) FROM \(table.name) LIMIT 1 OFFSET "
                + "\(numbers.below(60))) \(one(of: table, &numbers))"
        case 10: return "DELETE FROM \(table.name) \(one(of: table, &numbers))"
        case 11: return "DELETE FROM \(table.name)"
        case 12:
            // Once more, under another key.
            let rest = table.columns.dropFirst().joined(separator: ", ")
            return "INSERT OR REPLACE INTO \(table.name)(\(table.columns[0]), \(rest)) SELECT "
                + "\(value(of: table.columns[0], &numbers)), \(rest) FROM \(table.name) LIMIT 1 OFFSET \(numbers.below(60))"
        case 13:
            let key = table.columns[table.keys - 1]
            return
                "UPDATE OR REPLACE \(table.name) SET \(key) = \(key) + \(numbers.pick([1, -1, 7, 1 << 40]))"
        case 14: return schema(table.name, column, &numbers)
        default:
            return "UPDATE \(table.name) SET \(column) = substr(\(column), \(1 + numbers.below(40))) "
                + one(of: table, &numbers)
        }
    }

    private func one(
        of table: (name: String, columns: [String], keys: Int), _ numbers: inout FuzzNumbers
    ) -> String {
        let keys = table.columns.prefix(table.keys).joined(separator: ", ")
        return "WHERE (\(keys)) = (SELECT \(keys) FROM \(table.name) LIMIT 1 OFFSET \(numbers.below(60)))"
    }

    private func value(of column: String, _ numbers: inout FuzzNumbers) -> String {
        switch numbers.below(12) {
        case 0...2:
            return numbers.pick([
                "0", "1", "-1", "65535", "65536", "2147483647", "2147483648", "-2147483648",
                "9223372036854775807", "-9223372036854775808", "0.5", "1e308", "-1e308", "9e999", "-9e999",
            ])
        case 3:
            return numbers.pick([
                "NULL", "''", "x''", "'abc'", "'12'", "'[]'", "'{}'", "x'C328'", "x'00'",
            ])
        case 4: return "CAST(\(column) AS \(numbers.pick(["TEXT", "BLOB", "REAL", "INTEGER"])))"
        case 5, 6: return "CAST(substr(\(column), 1, \(numbers.below(80))) AS BLOB)"
        case 7: return "CAST(\(column) || \(column) AS BLOB)"
        case 8: return "zeroblob(\(numbers.pick([1, 4, 24, 100, 1 << 16])))"
        case 9: return "x'\(hex(bytes: 1 + numbers.below(64), &numbers))'"
        case 10:
            // Some bytes of it.
            let place = numbers.below(60)
            let bytes = numbers.pick(["FF", "7F800000", "FFFFFFFF", "FFFFFF7F", "00", "0000807F", "0000C07F"])
            return
                "CAST(substr(\(column), 1, \(place)) || x'\(bytes)' || substr(\(column), \(place + 1 + bytes.count / 2)) AS BLOB)"
        default:
            let opening = String(repeating: "[", count: numbers.pick([1, 50, 5_000]))
            return "'\(numbers.pick([opening, "[\"\(opening)\"]", "[1,null,{}]", "[\"a\",\"a\"]"]))'"
        }
    }

    private func hex(bytes: Int, _ numbers: inout FuzzNumbers) -> String {
        let digits = Array("0123456789ABCDEF")
        return String((0..<2 * bytes).map { _ in digits[numbers.below(16)] })
    }

    private func schema(_ table: String, _ column: String, _ numbers: inout FuzzNumbers) -> String {
        switch numbers.below(7) {
        case 0: "DROP TABLE \(table)"
        case 1: "ALTER TABLE \(table) DROP COLUMN \(column)"
        case 2: "ALTER TABLE \(table) RENAME COLUMN \(column) TO other"
        case 3: "ALTER TABLE \(table) RENAME TO kept; CREATE VIEW \(table) AS SELECT * FROM kept"
        case 4: "PRAGMA user_version = \(numbers.pick([0, 1, 2, 3, 4, 5, 7, -1]))"
        case 5:
            """
            CREATE TRIGGER more_\(column) AFTER UPDATE ON \(table) BEGIN DELETE FROM positions; END
            """
        default:
            "UPDATE checksums SET \(numbers.pick(["rows", "sum", "name"])) = \(value(of: "sum", &numbers))"
        }
    }
}
