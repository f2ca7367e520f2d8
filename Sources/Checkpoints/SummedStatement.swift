internal import Foundation
internal import GRDB
internal import SQLiteFiles

/// The sums of a file's tables while a transaction changes them.
final class TableSums {
    private var sums: [SummedTable: TableSum] = [:]
    private let replaced: ReplacedChecksums

    init(_ db: Database) throws {
        replaced = try ReplacedChecksums(on: db)
        for table in SummedTable.allCases where table.rowsHaveChecksums {
            sums[table] = try table.storedSum(db) ?? TableSum()
        }
    }

    /// A statement has written a row.
    func wrote(_ row: RowChecksum, _ table: SummedTable) {
        sums[table, default: TableSum()].add(row)
        sums[table, default: TableSum()].remove(replaced.takeAll())
    }

    /// A statement has deleted a row that had this checksum.
    func deleted(_ checksum: Int64, _ table: SummedTable) {
        sums[table, default: TableSum()].remove(checksum)
    }

    /// A row has this checksum now.
    func added(_ checksum: Int64, _ table: SummedTable) { sums[table, default: TableSum()].add(checksum) }

    /// Before the transaction ends. The tables that are short are summed up anew where they may have changed.
    func store(_ db: Database) throws {
        for (table, sum) in sums { try table.store(sum, db) }
        try SummedTable.positions.store(SummedTable.positions.sumOfContents(db), db)
    }
}

/// A statement that writes rows of a table with their checksums: what is bound is added to the row's, in the order in which
/// it is bound, which has to be that of the table's columns.
///
/// Its last parameter is the checksum. Confined to the transaction that made it.
final class SummedStatement {
    private let statement: PlainStatement
    private let table: SummedTable
    private let sums: TableSums
    private let start: RowChecksum
    private let last: Int32
    private var sum: RowChecksum

    init(_ sql: String, _ table: SummedTable, _ sums: TableSums, _ db: Database) throws {
        statement = try PlainStatement(sql, db)
        (self.table, self.sums, start) = (table, sums, table.start)
        last = Int32(table.columns.count) + 1
        sum = start
    }

    /// `INSERT` of all columns, over a row of the same key.
    convenience init(upsert table: SummedTable, _ sums: TableSums, _ db: Database) throws {
        let changes =
            table.columns.dropFirst(table.keyCount).map { "\($0) = excluded.\($0)" } + [Self.renewal]
        try self.init(
            """
            INSERT INTO \(table.rawValue)(\(table.list), checksum) VALUES (\(Self.places(table)))
            ON CONFLICT(\(table.key)) DO UPDATE SET \(changes.joined(separator: ", "))
            """, table, sums, db)
    }

    /// Sets the checksum of a row that is there already, and adds up the one it had.
    static let renewal = "checksum = replaced(checksum, excluded.checksum)"

    static func places(_ table: SummedTable) -> String {
        (table.columns + ["checksum"]).map { _ in "?" }.joined(separator: ", ")
    }

    /// Begins a row whose first column is this text, the same for many: it stays bound.
    func prefix(text: UnsafeRawBufferPointer) -> RowChecksum {
        statement.bind(text: text, at: 1)
        var sum = start
        sum.add(text: text)
        return sum
    }

    func begin() { sum = start }
    func begin(_ prefix: RowChecksum) { sum = prefix }

    func bind(_ value: Int64, at index: Int32) {
        statement.bind(value, at: index)
        sum.add(value)
    }

    func bind(_ value: Double, at index: Int32) {
        statement.bind(value, at: index)
        sum.add(value)
    }

    func bind(_ value: Int64?, at index: Int32) {
        if let value { bind(value, at: index) } else { bindNull(at: index) }
    }

    func bindNull(at index: Int32) {
        statement.bindNull(at: index)
        sum.addNull()
    }

    func bind(blob bytes: UnsafeRawBufferPointer, at index: Int32) {
        statement.bind(blob: bytes, at: index)
        sum.add(blob: bytes)
    }

    func bind(text bytes: UnsafeRawBufferPointer, at index: Int32) {
        statement.bind(text: bytes, at: index)
        sum.add(text: bytes)
    }

    /// Writes the row.
    ///
    /// - Returns: how many rows it changed.
    @discardableResult
    func run() throws -> Int {
        statement.bind(sum.stored, at: last)
        let count = try statement.run()
        if count > 0 { sums.wrote(sum, table) }
        return count
    }
}

extension SummedStatement {
    /// Writes the row, whose last column this is.
    func run(binding value: Scalar, at index: Int32) throws -> Int {
        switch value {
        case .integer(let value): bind(value, at: index)
        case .double(let value): bind(value, at: index)
        case .blob(let value):
            return try value.withUnsafeBytes { bytes in
                bind(blob: bytes, at: index)
                return try run()
            }
        }
        return try run()
    }
}

/// Deletes rows, whose checksums go out of the table's.
final class SummedDeletion {
    private let statement: PlainStatement
    private let table: SummedTable
    private let sums: TableSums

    /// - Parameter condition: of the rows, with parameters.
    init(from table: SummedTable, where condition: String, _ sums: TableSums, _ db: Database) throws {
        statement = try PlainStatement(
            "DELETE FROM \(table.rawValue) WHERE \(condition) RETURNING checksum", db)
        (self.table, self.sums) = (table, sums)
    }

    func run(_ value: Int64) throws {
        statement.bind(value, at: 1)
        try finish()
    }

    func run(_ first: String, _ second: String) throws {
        var (first, second) = (first, second)
        try first.withUTF8 { first in
            try second.withUTF8 { second in
                statement.bind(text: UnsafeRawBufferPointer(first), at: 1)
                statement.bind(text: UnsafeRawBufferPointer(second), at: 2)
                try finish()
            }
        }
    }

    private func finish() throws {
        while try statement.next() { sums.deleted(statement.integer(0), table) }
    }
}
