internal import Foundation
internal import GRDB
internal import Synchronization

extension StateFile {
    /// Makes the delta durable in one transaction, and returns once it is synced.
    public func write(_ delta: StateDelta) throws(StateError) {
        do {
            try requireFiles()
            try queue.write { db in
                try Self.write(positions: delta.positions, db)
                try Self.write(scalars: delta.scalars, models: delta.models, db)
                try Self.erase(users: delta.forgottenUsers, db)
                try Self.write(users: delta.users, db)
                try Self.write(items: delta.items, db)
                for factors in delta.userFactors { try Self.write(userFactors: factors, db) }
                for factors in delta.itemFactors { try Self.write(itemFactors: factors, db) }
            }
            if !delta.forgottenUsers.isEmpty { walHoldsForgotten.store(true, ordering: .relaxed) }
            if walHoldsForgotten.load(ordering: .relaxed) { try truncateWAL() }
        } catch {
            throw Self.explain(error, path: path)
        }
    }

    /// The log of pages still holds what was erased, until it is folded into the file. Another program that reads the
    /// file may prevent that; the delta is durable all the same, and the next one tries again.
    private func truncateWAL() throws {
        do {
            try queue.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
            walHoldsForgotten.store(false, ordering: .relaxed)
        } catch let error as DatabaseError
            where [.SQLITE_BUSY, .SQLITE_LOCKED].contains(error.resultCode)
        {
            return
        }
    }

    private static func write(positions: [Int32: Int64], _ db: Database) throws {
        let statement = try db.makeStatement(
            sql: "INSERT OR REPLACE INTO positions(partition, next_offset) VALUES (?, ?)")
        for (partition, offset) in positions { try statement.execute(arguments: [partition, offset]) }
    }

    private static func write(scalars: [String: Scalar], models: [StoredModel], _ db: Database) throws {
        let statement = try db.makeStatement(sql: "INSERT OR REPLACE INTO scalars(name, value) VALUES (?, ?)")
        for (name, value) in scalars { try statement.execute(arguments: [name, value.databaseValue]) }
        let ofModel = try db.makeStatement(
            sql: "INSERT OR REPLACE INTO model_scalars(model, name, value) VALUES (?, ?, ?)")
        for model in models {
            for (name, value) in model.scalars {
                try ofModel.execute(arguments: [model.name, name, value.databaseValue])
            }
        }
    }

    private static func erase(users: [Int32], _ db: Database) throws {
        let fromUsers = try db.makeStatement(sql: "DELETE FROM users WHERE row = ?")
        let fromFactors = try db.makeStatement(
            sql: "DELETE FROM user_factors WHERE row = ? AND model IN (SELECT name FROM models)")
        for row in users {
            try fromUsers.execute(arguments: [row])
            try fromFactors.execute(arguments: [row])
        }
    }

    private static func write(users: [StoredUser], _ db: Database) throws {
        let table = try OwnedRows(
            "users",
            columns: ["history", "residual_sum", "ratings", "next_order", "last_event", "hidden", "marks"],
            db)
        for user in users.sorted(by: { $0.row < $1.row }) {
            try table.write([
                user.row, user.id, user.history, user.residualSum, user.ratings, user.nextOrder,
                user.lastEvent, user.hidden, user.marks,
            ])
        }
    }

    private static func write(items: [StoredItem], _ db: Database) throws {
        // Titles go in as bytes and are cast: GRDB binds strings up to their first NUL.
        let table = try OwnedRows(
            "items",
            columns: [
                "title", "tags", "available", "users", "ratings", "rating_sum", "last_event", "title_at",
                "tags_at",
                "available_at",
            ],
            casts: ["title": "TEXT"], db)
        for item in items {
            try table.write([
                item.row, item.id, item.title, item.tagsText, item.available, item.users, item.ratings,
                item.ratingSum, item.lastEvent, item.titleAt, item.tagsAt, item.availableAt,
            ])
        }
    }

    private static func write(userFactors: StoredFactors, _ db: Database) throws {
        let statement = try db.makeStatement(
            sql: """
                INSERT OR REPLACE INTO user_factors(model, row, bias, vector, step, long_term)
                VALUES (?, ?, ?, ?, ?, ?)
                """)
        for index in userFactors.inRowOrder {
            let row = userFactors.rows[index]
            try statement.execute(arguments: [
                userFactors.model, row, Double(userFactors.biases[index]), userFactors.blob(index),
                Double(userFactors.steps[index]), userFactors.longTermBlob(index),
            ])
        }
    }

    private static func write(itemFactors: StoredFactors, _ db: Database) throws {
        let statement = try db.makeStatement(
            sql: """
                INSERT OR REPLACE INTO item_factors(
                    model, row, bias, vector, step, positives, popular, trend, counted_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        )
        for (index, row) in itemFactors.rows.enumerated() {
            let popularity = itemFactors.popularity[index]
            try statement.execute(arguments: [
                itemFactors.model, row, Double(itemFactors.biases[index]), itemFactors.blob(index),
                Double(itemFactors.steps[index]), popularity.positives, popularity.popular,
                popularity.trend, popularity.countedAt,
            ])
        }
    }
}

extension Scalar {
    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .integer(let value): value.databaseValue
        case .double(let value): value.databaseValue
        case .blob(let value): value.databaseValue
        }
    }
}

extension StoredFactors {
    /// Indices in the order of rows, in which a B-tree is written fastest; shards bring theirs one after the other.
    fileprivate var inRowOrder: [Int] { rows.indices.sorted { rows[$0] < rows[$1] } }

    /// The long-term row at `index` likewise; `nil` where there is none.
    fileprivate func longTermBlob(_ index: Int) -> Data? {
        guard !longTerm.isEmpty else { return nil }
        return longTerm[index * factors..<(index + 1) * factors].withUnsafeBytes { Data($0) }
    }

    /// The vector at `index` as little-endian float32.
    fileprivate func blob(_ index: Int) -> Data {
        vectors[index * factors..<(index + 1) * factors].withUnsafeBytes { Data($0) }
    }
}

/// Writes rows of a table whose ids are unique: `users` or `items`.
///
/// A row whose id is as it was is changed in place, which leaves the index of ids alone; nearly all are. Any other
/// replaces whatever holds its number or its id.
private struct OwnedRows {
    private let db: Database
    private let update: Statement
    private let replace: Statement

    /// - Parameter columns: those after `row` and `id`.
    init(_ table: String, columns: [String], casts: [String: String] = [:], _ db: Database) throws {
        self.db = db
        let names = ["row", "id"] + columns
        let values = names.map { name in casts[name].map { "CAST(? AS \($0))" } ?? "?" }
        let insertion =
            "INTO \(table)(\(names.joined(separator: ", "))) VALUES (\(values.joined(separator: ", ")))"
        let changes = columns.map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
        // Changes nothing where the row's number or the id belong to another.
        update = try db.makeStatement(
            sql: """
                INSERT OR IGNORE \(insertion) ON CONFLICT(row) DO UPDATE SET \(changes) WHERE id = excluded.id
                """)
        replace = try db.makeStatement(sql: "INSERT OR REPLACE \(insertion)")
    }

    /// - Parameter values: in the order of the columns.
    func write(_ values: StatementArguments) throws {
        try update.execute(arguments: values)
        if db.changesCount == 0 { try replace.execute(arguments: values) }
    }
}
