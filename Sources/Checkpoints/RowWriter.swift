internal import Foundation
internal import GRDB
internal import SQLiteFiles

/// Writes rows of users and items within a transaction, each bound from where it lies. In the order of rows, in which a
/// B-tree is written fastest.
struct RowWriter: ~Copyable {
    private let users: OwnedRows
    private let items: OwnedRows
    private let userFactors: SummedStatement
    private let itemFactors: SummedStatement

    /// - Parameter sums: of the transaction.
    init(_ db: Database, _ sums: TableSums) throws {
        let users = try OwnedRows(.users, sums, db)
        let items = try OwnedRows(.items, sums, db)
        let userFactors = try SummedStatement(upsert: .userFactors, sums, db)
        let itemFactors = try SummedStatement(upsert: .itemFactors, sums, db)
        self.users = users
        self.items = items
        self.userFactors = userFactors
        self.itemFactors = itemFactors
    }

    /// Users, items and rows of theirs; what else stands in `delta` is passed over.
    mutating func write(_ delta: StateDelta, _ report: inout WriteReport) throws {
        report.rows += delta.rowCount
        try report.time(\.users) { try write(users: delta.users) }
        try report.time(\.items) { try write(items: delta.items) }
        try report.time(\.userFactors) {
            for factors in delta.userFactors { try write(userFactors: factors) }
        }
        try report.time(\.itemFactors) {
            for factors in delta.itemFactors { try write(itemFactors: factors) }
        }
    }

    private func write(users unsorted: [StoredUser]) throws {
        for user in unsorted.ascending(by: \.row) {
            var tags = StoredItem.text(of: user.tags)
            try tags.withUTF8 { try write(user, tags: UnsafeRawBufferPointer($0)) }
        }
    }

    private func write(_ user: StoredUser, tags: UnsafeRawBufferPointer) throws {
        try user.id.withUnsafeBytes { id in
            try user.history.withUnsafeBytes { history in
                try user.hidden.withUnsafeBytes { hidden in
                    try user.marks.withUnsafeBytes { marks in
                        try user.tallies.withUnsafeBytes { tallies in
                            try users.write(row: user.row, id: id) { statement in
                                statement.bind(blob: history, at: 3)
                                statement.bind(user.residualSum, at: 4)
                                statement.bind(user.ratings, at: 5)
                                statement.bind(user.nextOrder, at: 6)
                                statement.bind(user.lastEvent, at: 7)
                                statement.bind(blob: hidden, at: 8)
                                statement.bind(blob: marks, at: 9)
                                statement.bind(blob: tallies, at: 10)
                                statement.bind(text: tags, at: 11)
                                statement.bind(user.tagsAt, at: 12)
                            }
                        }
                    }
                }
            }
        }
    }

    private func write(items stored: [StoredItem]) throws {
        for item in stored {
            let title = item.title ?? Data()
            var tags = item.tagsText
            try item.id.withUnsafeBytes { id in
                try title.withUnsafeBytes { title in
                    try tags.withUTF8 { tags in
                        try items.write(row: item.row, id: id) { statement in
                            if item.title == nil {
                                statement.bindNull(at: 3)
                            } else {
                                statement.bind(text: title, at: 3)
                            }
                            statement.bind(text: UnsafeRawBufferPointer(tags), at: 4)
                            statement.bind(Int64(item.available ? 1 : 0), at: 5)
                            statement.bind(item.users, at: 6)
                            statement.bind(item.ratings, at: 7)
                            statement.bind(item.ratingSum, at: 8)
                            statement.bind(item.lastEvent, at: 9)
                            statement.bind(item.titleAt, at: 10)
                            statement.bind(item.tagsAt, at: 11)
                            statement.bind(item.availableAt, at: 12)
                        }
                    }
                }
            }
        }
    }

    private func write(userFactors factors: StoredFactors) throws {
        try factors.forEachRow(userFactors) { statement, index, vectors in
            if !factors.trails.isEmpty {
                return try factors.trails[index].withUnsafeBytes { trail in
                    statement.bind(blob: trail, at: 6)
                    return try statement.run()
                }
            }
            if factors.longTerm.isEmpty {
                statement.bindNull(at: 6)
                return try statement.run()
            }
            return try factors.longTerm.withUnsafeBytes { longTerm in
                statement.bind(blob: UnsafeRawBufferPointer(rebasing: longTerm[vectors]), at: 6)
                return try statement.run()
            }
        }
    }

    private func write(itemFactors factors: StoredFactors) throws {
        try factors.forEachRow(itemFactors) { statement, index, _ in
            let popularity = factors.popularity[index]
            statement.bind(Int64(popularity.positives), at: 6)
            statement.bind(popularity.popular, at: 7)
            statement.bind(popularity.trend, at: 8)
            statement.bind(popularity.countedAt, at: 9)
            return try statement.run()
        }
    }
}

extension StoredFactors {
    /// Binds model, row, bias, vector and step of each row, ascending; `finish` binds the others and runs the statement. It
    /// is given the row's index, and where its numbers lie among the bytes of `vectors`.
    fileprivate func forEachRow(
        _ statement: SummedStatement,
        _ finish: (SummedStatement, Int, Range<Int>) throws -> Int
    ) throws {
        let indices = rows.indices.ascending { rows[$0] }
        var name = model
        try name.withUTF8 { name in
            try vectors.withUnsafeBytes { bytes in
                let prefix = statement.prefix(text: UnsafeRawBufferPointer(name))
                let stride = factors * MemoryLayout<Float>.stride
                for index in indices {
                    let place = index * stride..<(index + 1) * stride
                    statement.begin(prefix)
                    statement.bind(Int64(rows[index]), at: 2)
                    statement.bind(Double(biases[index]), at: 3)
                    // Little-endian float32, as they lie.
                    statement.bind(blob: UnsafeRawBufferPointer(rebasing: bytes[place]), at: 4)
                    statement.bind(Double(steps[index]), at: 5)
                    _ = try finish(statement, index, place)
                }
            }
        }
    }
}

extension Collection {
    /// In the order of `key`; nearly always they are already.
    fileprivate func ascending<Key: Comparable>(by key: (Element) -> Key) -> [Element] {
        let isAscending = zip(self, dropFirst()).allSatisfy { key($0) <= key($1) }
        return isAscending ? Array(self) : sorted { key($0) < key($1) }
    }
}

/// Writes rows of a table whose ids are unique: `users` or `items`.
///
/// A row whose id is as it was is changed in place, which leaves the index of ids alone; nearly all are. Any other
/// replaces whatever holds its number or its id.
private struct OwnedRows: ~Copyable {
    private let update: SummedStatement
    private let replace: SummedStatement
    private let holders: PlainStatement
    private let table: SummedTable
    private let sums: TableSums

    init(_ table: SummedTable, _ sums: TableSums, _ db: Database) throws {
        let insertion =
            "INTO \(table.rawValue)(\(table.list), checksum) VALUES (\(SummedStatement.places(table)))"
        let changes =
            table.columns.dropFirst(2).map { "\($0) = excluded.\($0)" } + [SummedStatement.renewal]
        // Changes nothing where the row's number or the id belong to another.
        let update = try SummedStatement(
            """
            INSERT OR IGNORE \(insertion) ON CONFLICT(row) DO UPDATE SET \(changes.joined(separator: ", "))
            WHERE id = excluded.id
            """, table, sums, db)
        let replace = try SummedStatement("INSERT OR REPLACE \(insertion)", table, sums, db)
        let holders = try PlainStatement(
            "SELECT checksum FROM \(table.rawValue) WHERE row = ? OR id = ?", db)
        self.update = update
        self.replace = replace
        self.holders = holders
        (self.table, self.sums) = (table, sums)
    }

    /// - Parameter bind: binds the columns, from parameter 3 on.
    func write(row: Int32, id: UnsafeRawBufferPointer, bind: (SummedStatement) -> Void) throws {
        guard try run(update, row, id, bind) == 0 else { return }
        // Those that it takes the place of.
        holders.bind(Int64(row), at: 1)
        holders.bind(blob: id, at: 2)
        while try holders.next() { sums.deleted(holders.integer(0), table) }
        _ = try run(replace, row, id, bind)
    }

    private func run(
        _ statement: SummedStatement, _ row: Int32, _ id: UnsafeRawBufferPointer,
        _ bind: (SummedStatement) -> Void
    ) throws -> Int {
        statement.begin()
        statement.bind(Int64(row), at: 1)
        statement.bind(blob: id, at: 2)
        bind(statement)
        return try statement.run()
    }
}
