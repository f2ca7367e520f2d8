internal import Foundation
internal import GRDB
internal import SQLiteFiles

extension StateFile {
    /// Where the state in a file stands in its log; `nil` where there is no file. Changes nothing, and a daemon may be
    /// writing to it.
    public static func positions(path: String) throws(StateError) -> [Int32: Int64]? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do {
            return try openToLook(path: path).read { db in
                try checkSchema(db, path: path)
                let rows = try PlainStatement("SELECT partition, next_offset FROM positions", db)
                var positions: [Int32: Int64] = [:]
                while try rows.next() { positions[Int32(clamping: rows.integer(0))] = rows.integer(1) }
                return positions
            }
        } catch {
            throw explainLook(error, path: path)
        }
    }

    /// One number or text of the state, as `StateDelta.scalars` names it; `nil` where there is none.
    public static func scalar(_ name: String, path: String) throws(StateError) -> Scalar? {
        do {
            return try openToLook(path: path).read { db in
                let row = try GRDB.Row.fetchOne(
                    db, sql: "SELECT value FROM scalars WHERE name = ?", arguments: [name])
                return row.flatMap { Scalar($0[0] as DatabaseValue) }
            }
        } catch {
            throw explainLook(error, path: path)
        }
    }

    /// Copies the checkpoint in `path` as it stands to a new file, while a daemon may go on writing.
    public static func copy(_ path: String, to copy: String) throws(StateError) {
        do {
            let (from, to) = (try open(path: path, readOnly: true), try open(path: copy, readOnly: false))
            try from.backup(to: to)
            try to.close()
        } catch {
            throw explain(error, path: path)
        }
    }
}
