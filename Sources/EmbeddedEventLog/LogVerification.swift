public import EventLog
import Foundation
import GRDB
import SQLiteFiles

/// What a look at an embedded log's file, from outside, has found.
public struct LogVerification: Sendable {
    public var schemaVersion = 0
    /// Records, and those of them that have a checksum: all that no earlier version has written.
    public var events: Int64 = 0
    public var withChecksum: Int64 = 0
    /// From the first record that is kept to the end.
    public var offsets: Range<Int64> = 0..<0
    public var problems: [String] = []

    public init() {}
}

extension EmbeddedLog {
    /// Reads every record and changes nothing, for which no right to write is needed: may be asked of a copy, or beside a
    /// running daemon. Some seconds for a million.
    ///
    /// - Throws: `.damaged` or `.refused` when the file cannot be read at all, or is no log.
    public static func verify(path: String) throws(EventLogError) -> LogVerification {
        let failures = EmbeddedFailures(path: path)
        do {
            let queue = try Onlooker.open(path: path)
            defer { try? queue.close() }
            return try queue.read { try EmbeddedStore.verification(of: $0, failures) }
        } catch {
            throw failures.explainLook(error, while: "looking at it")
        }
    }
}

extension EmbeddedStore {
    /// Damages that are told one by one.
    private static let toldMax = 20

    fileprivate static func verification(
        of db: Database, _ failures: EmbeddedFailures
    ) throws -> LogVerification {
        guard try Int32.fetchOne(db, sql: "PRAGMA application_id") == applicationID else {
            throw failures.foreignFile()
        }
        var found = LogVerification()
        let version = try Int32.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard version <= schemaVersion else { throw failures.newerSchema(version) }
        found.schemaVersion = Int(version)
        let lines = try String.fetchAll(db, sql: "PRAGMA integrity_check(10)")
        if lines != ["ok"] { found.problems += lines.map { "integrity: \($0)" } }
        let bounds = try bounds(db)
        found.offsets = bounds.earliest..<bounds.end
        found.events = try Int64.fetchOne(db, sql: "SELECT count(*) FROM events") ?? 0
        // The first schema had no checksums.
        if version > 1 { try checkRecords(db, &found) }
        return found
    }

    private static func checkRecords(_ db: Database, _ found: inout LogVerification) throws {
        let sealed = try SealedOffsets(db)
        let select = try select("ORDER BY offset", db)
        var (next, damages): (Int64, [LogDamage]) = (0, [])
        while try select.next() {
            let offset = select.integer(0)
            if let missing = try sealed.missing(next..<offset, db) { damages.append(missing) }
            if !RecordSeal.isIntact(select, sealed) {
                damages.append(LogDamage(offsets: offset..<offset + 1, kind: .altered))
            }
            if offset >= sealed.first { found.withChecksum += 1 }
            next = offset + 1
        }
        if let missing = try sealed.missing(next..<found.offsets.upperBound, db) { damages.append(missing) }
        found.problems += damages.prefix(toldMax).map(\.text)
        if damages.count > toldMax { found.problems.append("\(damages.count - toldMax) more like these") }
    }
}

extension LogDamage {
    /// Which events, and what is wrong with them.
    var text: String {
        let (first, last) = (offsets.lowerBound, offsets.upperBound - 1)
        let isOne = offsets.count == 1
        let what =
            switch kind {
            case .altered: "not what was written (the checksum differs)"
            case .missing: "gone from the file, though nothing deleted them"
            }
        return isOne
            ? "the event at offset \(first) is \(what)"
            : "the events from offset \(first) to \(last) are \(what)"
    }
}
