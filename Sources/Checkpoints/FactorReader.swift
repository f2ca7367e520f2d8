internal import GRDB
internal import SQLiteFiles

/// Reads the tables of factors, which are most of a state.
struct FactorReader {
    let db: Database
    let path: String
    let check: FactorCheck

    var names: [String] { check.names }
    var hasVectors: [Bool] { check.hasVectors }

    /// - Parameter withoutVectors: names of the models that have none; `nil` for what the file says.
    init(_ db: Database, path: String, withoutVectors: Set<String>? = nil) throws {
        self.db = db
        self.path = path
        check = try FactorCheck(
            StateFile.readIdentity(db), path: path,
            withoutVectors: withoutVectors ?? StateFile.modelsWithoutVectors(db))
    }

    func read(into reader: some StateReader) throws -> FactorCounts {
        try FactorCounts(
            items: readItems(into: reader), users: readUsers(into: reader), wantsUsers: hasVectors)
    }

    private func readUsers(into reader: some StateReader) throws -> [Int] {
        let statement = try PlainStatement(
            "SELECT \(SummedTable.userFactors.list), checksum FROM user_factors ORDER BY model, row", db)
        var counts = [Int](repeating: 0, count: names.count)
        var (model, sums) = (0, ChecksumCheck(.userFactors))
        while try statement.next() {
            try sums.require(statement, path: path)
            try reader.read(userRow: userRow(of: statement, &model))
            counts[model] += 1
        }
        try sums.requireWhole(db, path: path)
        return counts
    }

    /// Columns: model, row, bias, vector, step, long_term.
    func userRow(of statement: borrowing PlainStatement, _ model: inout Int) throws -> ReadRow {
        let row = try row(of: statement, "user_factors", &model)
        return try check.user(row, beside: statement.isNull(5) ? nil : statement.bytes(5))
    }

    private func readItems(into reader: some StateReader) throws -> Int {
        let statement = try PlainStatement(
            "SELECT \(SummedTable.itemFactors.list), checksum FROM item_factors ORDER BY model, row", db)
        var (count, model, sums) = (0, 0, ChecksumCheck(.itemFactors))
        while try statement.next() {
            count += 1
            try sums.require(statement, path: path)
            let popularity = StoredPopularity(
                positives: Int32(clamping: statement.integer(5)), popular: statement.double(6),
                trend: statement.double(7), countedAt: statement.integer(8))
            try check.require(popularity, row: statement.integer(1))
            try reader.read(itemRow: row(of: statement, "item_factors", &model), popularity: popularity)
        }
        try sums.requireWhole(db, path: path)
        return count
    }

    /// Columns: model, row, bias, vector, step, and what follows.
    ///
    /// - Parameter model: the row's before, and this one's afterwards: they come in the order of their names.
    private func row(
        of statement: borrowing PlainStatement, _ table: String, _ model: inout Int
    ) throws -> ReadRow {
        model = try check.number(of: statement.bytes(0), from: model, table)
        return try check.row(
            table, model: model, row: statement.integer(1), bias: statement.double(2),
            vector: statement.bytes(3), step: statement.double(4))
    }
}
