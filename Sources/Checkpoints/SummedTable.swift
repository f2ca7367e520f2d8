internal import GRDB
internal import SQLiteFiles

/// The tables of a state file that have a checksum, with the columns that it covers, in the order in which they are written
/// and read.
enum SummedTable: String, CaseIterable {
    case identity, models, positions, scalars
    case modelScalars = "model_scalars"
    case users, items
    case userFactors = "user_factors"
    case itemFactors = "item_factors"

    var columns: [String] {
        switch self {
        case .identity: ["key", "value"]
        case .models: ["name", "learner"]
        case .positions: ["partition", "next_offset"]
        case .scalars: ["name", "value"]
        case .modelScalars: ["model", "name", "value"]
        case .users:
            [
                "row", "id", "history", "residual_sum", "ratings", "next_order", "last_event", "hidden",
                "marks", "tallies", "tags", "tags_at",
            ]
        case .items:
            [
                "row", "id", "title", "tags", "available", "users", "ratings", "rating_sum", "last_event",
                "title_at", "tags_at", "available_at",
            ]
        case .userFactors: ["model", "row", "bias", "vector", "step", "long_term"]
        case .itemFactors:
            ["model", "row", "bias", "vector", "step", "positives", "popular", "trend", "counted_at"]
        }
    }

    /// Earlier files have none.
    static let firstSchema = 6

    /// How many of the columns, from the first on, name a row.
    var keyCount: Int {
        switch self {
        case .modelScalars, .userFactors, .itemFactors: 2
        default: 1
        }
    }

    var list: String { columns.joined(separator: ", ") }
    var key: String { columns.prefix(keyCount).joined(separator: ", ") }

    /// Where each row has a checksum of its own, in the column `checksum`. The others are short enough to be summed up anew
    /// with each checkpoint.
    var rowsHaveChecksums: Bool {
        switch self {
        case .identity, .models, .positions: false
        default: true
        }
    }

    /// Of no values yet.
    var start: RowChecksum { RowChecksum(table: rawValue) }
}

/// Rows of a table and the sum of their checksums, modulo 2^64: of the table as a whole.
struct TableSum: Equatable {
    var rows: Int64 = 0
    var sum: UInt64 = 0

    mutating func add(_ row: RowChecksum) {
        rows += 1
        sum &+= row.value
    }

    /// - Parameter checksum: as the file has it, here and below.
    mutating func add(_ checksum: Int64) {
        rows += 1
        sum &+= UInt64(bitPattern: checksum)
    }

    mutating func remove(_ checksum: Int64) {
        rows -= 1
        sum &-= UInt64(bitPattern: checksum)
    }

    mutating func remove(_ others: (rows: Int, sum: UInt64)) {
        rows -= Int64(others.rows)
        sum &-= others.sum
    }
}

extension SummedTable {
    /// Sums a table up by what its rows are, which need no checksums of their own.
    func sumOfContents(_ db: Database) throws -> TableSum {
        var total = TableSum()
        let statement = try PlainStatement("SELECT \(list) FROM \(rawValue)", db)
        while try statement.next() {
            total.add(statement.checksum(from: start, columns: Int32(columns.count)))
        }
        return total
    }

    /// What the file says of the table; `nil` where it says nothing.
    func storedSum(_ db: Database) throws -> TableSum? {
        let statement = try PlainStatement("SELECT rows, sum FROM checksums WHERE name = ?", db)
        var name = rawValue
        return try name.withUTF8 { bytes in
            statement.bind(text: UnsafeRawBufferPointer(bytes), at: 1)
            guard try statement.next() else { return nil }
            defer { statement.reset() }
            return TableSum(
                rows: statement.integer(0), sum: UInt64(bitPattern: statement.integer(1)))
        }
    }

    func store(_ total: TableSum, _ db: Database) throws {
        try db.execute(
            sql: "INSERT OR REPLACE INTO checksums(name, rows, sum) VALUES (?, ?, ?)",
            arguments: [rawValue, total.rows, Int64(bitPattern: total.sum)])
    }
}

extension SummedTable {
    /// Gives every row and every table the checksum of what stands there now, in a file that had none.
    static func signAll(_ db: Database) throws {
        try ReplacedChecksums.addRowChecksum(to: db)
        for table in allCases { try table.sign(db) }
    }

    /// The same of one table, on a connection that knows `row_checksum`.
    func sign(_ db: Database) throws {
        if rowsHaveChecksums {
            try db.execute(
                sql: "UPDATE \(rawValue) SET checksum = row_checksum('\(rawValue)', \(list))")
        }
        try store(sumOfContents(db), db)
    }
}

/// Checks rows against their checksums as they are read, and in the end the whole table.
struct ChecksumCheck {
    let table: SummedTable
    private let start: RowChecksum
    private let count: Int32
    private var total = TableSum()

    init(_ table: SummedTable) {
        (self.table, start, count) = (table, table.start, Int32(table.columns.count))
    }

    /// Whether the row is as it was written. The statement gives the table's columns in their order, and then `checksum`.
    mutating func take(_ row: borrowing PlainStatement) -> Bool {
        let found = row.checksum(from: start, columns: count)
        total.add(found)
        return !table.rowsHaveChecksums || found.stored == row.integer(count)
    }

    /// Throws where a row is not as it was written.
    mutating func require(_ row: borrowing PlainStatement, path: String) throws {
        guard take(row) else {
            throw StateFile.damaged(
                path, "\(table.rawValue) row \(key(of: row)) is not what was written (checksum)")
        }
    }

    /// What names the row, as text.
    func key(of row: borrowing PlainStatement) -> String {
        var words: [String] = []
        for column in 0..<Int32(table.keyCount) {
            words.append(String(decoding: row.bytes(column), as: UTF8.self))
        }
        return words.joined(separator: " ")
    }

    /// Of the rows taken so far.
    var sum: UInt64 { total.sum }

    /// What is wrong with the table as a whole: rows that are missing, there twice, or of another checkpoint.
    func problem(_ db: Database) throws -> String? {
        guard let stored = try table.storedSum(db) else {
            return "the checksum of table \(table.rawValue) is missing"
        }
        if stored.rows != total.rows {
            return "table \(table.rawValue) has \(total.rows) rows, \(stored.rows) were written"
        }
        return stored.sum == total.sum
            ? nil : "table \(table.rawValue) is not what was written (checksum of the table)"
    }

    /// Throws where the table as a whole is not as it was written.
    func requireWhole(_ db: Database, path: String) throws {
        if let problem = try problem(db) { throw StateFile.damaged(path, problem) }
    }
}
