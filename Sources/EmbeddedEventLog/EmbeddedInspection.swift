public import EventLog
import Foundation
import GRDB
import SQLiteFiles

/// What an embedded log's file holds, seen from outside: changes nothing, needs no right to write, and may be asked beside
/// a running daemon.
public struct EmbeddedInspection: Sendable, Equatable {
    /// The oldest event still in it, and one past the newest.
    public var earliest: Int64
    public var end: Int64
    public var deadLetters: Int

    /// - Throws: `.damaged` when the file is damaged or no log, `.refused` when it cannot be read.
    public init(path: String) throws(EventLogError) {
        do {
            self = try Onlooker.open(path: path).read { db in
                guard try Int32.fetchOne(db, sql: "PRAGMA application_id") == EmbeddedStore.applicationID
                else { throw EmbeddedFailures(path: path).foreignFile() }
                let end = try Int64.fetchOne(db, sql: "SELECT value FROM next_offset") ?? 0
                return EmbeddedInspection(
                    earliest: try Int64.fetchOne(db, sql: "SELECT min(offset) FROM events") ?? end, end: end,
                    deadLetters: try Int.fetchOne(db, sql: "SELECT count(*) FROM dead_letters") ?? 0)
            }
        } catch {
            throw EmbeddedFailures(path: path).explainLook(error, while: "looking into it")
        }
    }

    private init(earliest: Int64, end: Int64, deadLetters: Int) {
        self.earliest = earliest
        self.end = end
        self.deadLetters = deadLetters
    }
}
