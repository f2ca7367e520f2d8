internal import Foundation
internal import GRDB
internal import KillPoints
internal import SQLiteFiles

/// What the counts of a state lose with one user.
public struct ErasedCounts: Sendable {
    /// Of one item in the user's history.
    public struct Item: Sendable {
        public var row: Int32
        public var ratings: Int64
        public var ratingSum: Double
        /// Names of the models for which the user is among those who like the item.
        public var positiveIn: [String]

        public init(row: Int32, ratings: Int64, ratingSum: Double, positiveIn: [String]) {
            (self.row, self.ratings, self.ratingSum) = (row, ratings, ratingSum)
            self.positiveIn = positiveIn
        }
    }

    public var items: [Item]

    public init(items: [Item]) { self.items = items }
}

// Who is to be erased from copies of the file.
extension StateFile {
    /// Who still has to be erased from earlier copies.
    public func pendingErasures() throws(StateError) -> Set<ErasedID> {
        do {
            return try queue.read { try Self.pendingErasures($0) }
        } catch {
            throw Self.explain(error, path: path)
        }
    }

    static func pendingErasures(_ db: Database) throws -> Set<ErasedID> {
        let rows = try PlainStatement("SELECT id_hash, events FROM erasures", db)
        var erasures: Set<ErasedID> = []
        while try rows.next() {
            erasures.insert(ErasedID(hash: rows.integer(0), events: rows.integer(1)))
        }
        return erasures
    }

    /// They are erased from all copies.
    public func endErasures(_ erased: Set<ErasedID>) throws(StateError) {
        do {
            try requireFiles()
            try queue.write { db in
                // Not of those who were forgotten once more meanwhile.
                let statement = try db.makeStatement(
                    sql: "DELETE FROM erasures WHERE id_hash = ? AND events = ?")
                for id in erased { try statement.execute(arguments: [id.hash, id.events]) }
            }
        } catch {
            throw Self.explain(error, path: path)
        }
    }
}

extension StateFile {
    /// Erases users from a copy of before they were forgotten, in place and in one transaction: their rows, their part in the counts, and their bytes. A
    /// kill leaves the copy as it was, or without them. Nobody else may have it open.
    ///
    /// - Parameter counts: what the counts lose with a user.
    /// - Returns: how many were found.
    /// - Throws: `.mismatch` for a copy of before there were checksums; or what SQLite says.
    public static func erase(
        _ erased: Set<ErasedID>, fromCopy path: String, counts: (ReadUser) throws -> ErasedCounts
    ) throws(StateError) -> Int {
        do {
            let queue = try open(path: path, readOnly: false)
            defer { try? queue.close() }
            try queue.writeWithoutTransaction { db in
                try checkSchema(db, path: path)
                guard try !Schema.isOlder(db) else {
                    throw StateError(.mismatch, "'\(path)' was written by an earlier freshet")
                }
                // One file, at rest as while it is changed.
                try db.execute(
                    sql: "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")
            }
            return try queue.write { db in
                let rows = try rows(of: erased, db)
                guard !rows.isEmpty else { return 0 }
                let sums = try TableSums(db)
                for row in rows { try Eraser(db, sums, path: path).erase(row, counts) }
                KillPoint.erasureMid.reach()
                // Sums over users' rows; they are made anew where they are missing.
                try Eraser(db, sums, path: path).eraseSumsOverUsers()
                try sums.store(db)
                return rows.count
            }
        } catch {
            throw explain(error, path: path)
        }
    }

    private static func rows(of erased: Set<ErasedID>, _ db: Database) throws -> [Int64] {
        let applied =
            try Int64.fetchOne(db, sql: "SELECT value FROM scalars WHERE name = 'events.applied'") ?? 0
        let hashes = Set(erased.filter { $0.events >= applied }.map(\.hash))
        if hashes.isEmpty { return [] }
        var rows: [Int64] = []
        let users = try PlainStatement("SELECT row, id FROM users", db)
        while try users.next() {
            if hashes.contains(ErasedID.hash(users.bytes(1))) { rows.append(users.integer(0)) }
        }
        return rows
    }
}

/// Takes one user after the other out of a file, within a transaction.
private struct Eraser {
    private let db: Database
    private let sums: TableSums
    private let path: String

    init(_ db: Database, _ sums: TableSums, path: String) throws {
        (self.db, self.sums, self.path) = (db, sums, path)
        try ReplacedChecksums.addRowChecksum(to: db)
    }

    func erase(_ row: Int64, _ counts: (ReadUser) throws -> ErasedCounts) throws {
        for item in try lost(with: row, counts).items { try takeOff(item) }
        try SummedDeletion(from: .users, where: "row = ?", sums, db).run(row)
        try SummedDeletion(
            from: .userFactors, where: "row = ? AND model IN (SELECT name FROM models)", sums, db
        ).run(row)
    }

    private func lost(with row: Int64, _ counts: (ReadUser) throws -> ErasedCounts) throws -> ErasedCounts {
        var check = ChecksumCheck(.users)
        let user = try PlainStatement("\(ReadUser.selection) WHERE row = ?", db)
        user.bind(row, at: 1)
        guard try user.next() else { return ErasedCounts(items: []) }
        try check.require(user, path: path)
        return try counts(ReadUser(user))
    }

    private func takeOff(_ item: ErasedCounts.Item) throws {
        let row = Int64(item.row)
        try db.execute(
            sql: """
                UPDATE items SET users = users - 1, ratings = ratings - ?, rating_sum = rating_sum - ? WHERE row = ?
                """, arguments: [item.ratings, item.ratingSum, row])
        try sign(.items, where: "row = ?", [row])
        for model in item.positiveIn {
            let key: StatementArguments = [model, row]
            try db.execute(
                sql: "UPDATE item_factors SET positives = positives - 1 WHERE model = ? AND row = ?",
                arguments: key)
            try sign(.itemFactors, where: "model = ? AND row = ?", key)
        }
    }

    /// A row has changed on purpose, and does not have the checksum of what it says yet.
    private func sign(_ table: SummedTable, where condition: String, _ key: StatementArguments) throws {
        let name = table.rawValue
        guard
            let sums = try GRDB.Row.fetchOne(
                db,
                sql:
                    "SELECT checksum, row_checksum('\(name)', \(table.list)) FROM \(name) WHERE \(condition)",
                arguments: key)
        else { throw StateFile.damaged(path, "\(name) has no row of an item that stands in a history") }
        let (old, new) = (sums[0] as Int64, sums[1] as Int64)
        try db.execute(
            sql: "UPDATE \(name) SET checksum = ? WHERE \(condition)", arguments: [new] + key)
        self.sums.deleted(old, table)
        self.sums.added(new, table)
    }

    func eraseSumsOverUsers() throws {
        for model in try String.fetchAll(db, sql: "SELECT name FROM models WHERE learner = 'als'") {
            let deletion = try SummedDeletion(
                from: .modelScalars, where: "model = ? AND name = ?", sums, db)
            for name in ["als.users", "als.pending-users"] { try deletion.run(model, name) }
        }
    }
}
