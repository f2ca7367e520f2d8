internal import Foundation
internal import GRDB

extension StateFile {
    /// What a file says of itself, without a pass over its rows: schema, identity, positions. Changes nothing, needs no right
    /// to write, and may be asked beside a running daemon.
    ///
    /// - Parameter identity: what the file has to be of; any where absent.
    /// - Throws: what would keep a daemon from serving it.
    public static func summary(path: String, identity: StateIdentity? = nil) throws(StateError)
        -> StateVerification
    {
        do {
            return try openToLook(path: path).read { db in
                try checkSchema(db, path: path)
                if let identity { try check(identity, db, path: path) }
                var report = StateVerification()
                report.schemaVersion = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
                report.identity = try readIdentity(db)
                try checkScalars(db, &report)
                // The highest rows, which need no pass.
                report.users = try Int.fetchOne(db, sql: "SELECT max(row) + 1 FROM users") ?? 0
                report.items = try Int.fetchOne(db, sql: "SELECT max(row) + 1 FROM items") ?? 0
                guard report.schemaVersion >= SummedTable.firstSchema else { return report }
                for table in SummedTable.allCases where table.rowsHaveChecksums {
                    report.checksums[table.rawValue] = try table.storedSum(db)?.sum
                }
                return report
            }
        } catch {
            throw explainLook(error, path: path)
        }
    }
}
