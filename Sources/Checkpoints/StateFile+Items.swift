internal import Foundation
internal import GRDB
internal import Locking
internal import SQLiteFiles

// What a file holds of items, for somebody who begins with that.
extension StateFile {
    /// Writes what the last checkpoint left of items, and nothing of users, to a new file; checkpoints go on meanwhile. A file of
    /// this name that is there is replaced. From any thread.
    ///
    /// - Parameters:
    ///   - scalar: what the new file has of each number and text of the state; `nil` for none of it.
    ///   - isWanted: asked again and again; where it says no, there is no file.
    /// - Returns: whether there is one.
    public func writeItems(
        to target: String, scalar: (_ name: String, _ value: Scalar) -> Scalar?, while isWanted: () -> Bool
    ) throws(StateError) -> Bool {
        let path = self.path
        do {
            try connectionNumber.read { _ in
                if let lossError { throw lossError }
                try wal.whileCopying { try Self.writeItems(of: path, to: target, scalar, isWanted) }
            }
            return true
        } catch is NoLongerWanted {
            Self.remove(target)
            return false
        } catch {
            Self.remove(target)
            throw Self.explain(error, path: target)
        }
    }

    private static func writeItems(
        of path: String, to target: String, _ scalar: (String, Scalar) -> Scalar?, _ isWanted: () -> Bool
    ) throws {
        remove(target)
        let queue = try open(path: target, readOnly: false)
        defer { try? queue.close() }
        try queue.writeWithoutTransaction { db in
            // Made anew where it does not come to its end.
            try db.execute(sql: "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
            try db.execute(sql: "ATTACH DATABASE ? AS state", arguments: [path])
            // The state's file is read alone: to begin as a writer would keep its own writer out.
            try db.inTransaction(.deferred) {
                try Schema.create(db)
                try ReplacedChecksums.addRowChecksum(to: db)
                try db.execute(
                    sql:
                        "INSERT INTO main.identity(key, value) SELECT key, value FROM state.identity WHERE key <> 'file'"
                )
                try db.execute(
                    sql: "INSERT INTO main.models(name, learner) SELECT name, learner FROM state.models")
                try writeScalars(db, scalar)
                try SummedTable.modelScalars.copyRows(db)
                try copyRows(db, while: isWanted)
                for table in [SummedTable.modelScalars, .items, .itemFactors] { try table.storeSum(db) }
                for table in [SummedTable.identity, .models, .positions, .users, .userFactors] {
                    try table.store(table.sumOfContents(db), db)
                }
                return .commit
            }
            try db.execute(sql: "DETACH DATABASE state")
        }
    }

    private static func writeScalars(_ db: Database, _ scalar: (String, Scalar) -> Scalar?) throws {
        for row in try Row.fetchAll(db, sql: "SELECT name, value FROM state.scalars") {
            let name = row[0] as String
            guard let found = Scalar(row[1] as DatabaseValue), let value = scalar(name, found) else {
                continue
            }
            try db.execute(
                sql: "INSERT INTO main.scalars(name, value) VALUES (?, ?)",
                arguments: [name, value.databaseValue])
        }
        try SummedTable.scalars.sign(db)
    }
}

extension StateFile {
    /// Rows that are copied by one statement.
    private static let rowsAtOnce = 5_000

    private static func copyRows(_ db: Database, while isWanted: () -> Bool) throws {
        let count = try Int.fetchOne(db, sql: "SELECT max(row) + 1 FROM state.items") ?? 0
        let models = try String.fetchAll(db, sql: "SELECT DISTINCT model FROM state.item_factors")
        for start in stride(from: 0, to: count, by: rowsAtOnce) {
            guard isWanted() else { throw NoLongerWanted() }
            try SummedTable.items.copyRows(
                db, where: "row BETWEEN ? AND ?", [start, start + rowsAtOnce - 1])
        }
        for model in models {
            for start in stride(from: 0, to: count, by: rowsAtOnce) {
                guard isWanted() else { throw NoLongerWanted() }
                try SummedTable.itemFactors.copyRows(
                    db, where: "model = ? AND row BETWEEN ? AND ?", [model, start, start + rowsAtOnce - 1])
            }
        }
    }
}

extension SummedTable {
    /// Rows of the attached file's, with the checksums that they have there: what is damaged is found by whoever reads it.
    fileprivate func copyRows(
        _ db: Database, where condition: String = "true", _ arguments: StatementArguments = []
    ) throws {
        let columns = "\(list), checksum"
        try db.execute(
            sql:
                "INSERT INTO main.\(rawValue)(\(columns)) SELECT \(columns) FROM state.\(rawValue) WHERE \(condition)",
            arguments: arguments)
    }

    fileprivate func storeSum(_ db: Database) throws {
        var total = TableSum()
        let checksums = try PlainStatement("SELECT checksum FROM main.\(rawValue)", db)
        while try checksums.next() { total.add(checksums.integer(0)) }
        try store(total, db)
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
