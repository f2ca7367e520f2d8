import EventLog
import Events
import GRDB
import SQLiteFiles

extension EmbeddedStore {
    enum Reading: Equatable {
        /// One past the last record taken, or the offset asked for when there was none.
        case next(Int64)
        /// The offset asked for lies outside of what the log holds.
        case gap(LogExtent.Bounds)
        /// What comes next is not what was written.
        case damaged(LogDamage)
    }

    /// A record that was read once before.
    enum Witness {
        case record(RecordFingerprint)
        case damaged
        case none
    }

    /// The record at `offset`.
    func witness(at offset: Int64) throws(EventLogError) -> Witness {
        try run("reading offset \(offset)") {
            try pool.read { db in
                let select = try Self.select("WHERE offset = ?", db)
                select.bind(offset, at: 1)
                guard try select.next() else { return .none }
                guard RecordSeal.isIntact(select, try SealedOffsets(db)) else { return .damaged }
                return .record(Self.fingerprint(select))
            }
        }
    }

    /// What is wrong with the log's beginning at `offset`; `nil` where nothing is.
    func missing(before offset: Int64) throws(EventLogError) -> LogDamage? {
        try run("looking for its beginning") {
            try pool.read { try SealedOffsets($0).missing(0..<offset, $0) }
        }
    }

    static func select(_ which: String, _ db: Database) throws -> PlainStatement {
        try PlainStatement("SELECT \(RecordSeal.columns) FROM events \(which)", db)
    }

    private static func fingerprint(_ row: borrowing PlainStatement) -> RecordFingerprint {
        RecordFingerprint(
            offset: row.integer(0), key: row.bytes(2), payload: row.bytes(3), time: row.integer(1))
    }

    /// Appends records from `offset` on to `batch`; stops at `recordsMax`, once `bytesMax` is passed, or before a record
    /// that is not what was written.
    func read(from offset: Int64, recordsMax: Int, bytesMax: Int, into batch: inout LogBatch)
        throws(EventLogError) -> Reading
    {
        try run("reading from offset \(offset)") {
            try pool.read { db in
                // Same snapshot as the rows below: retention cannot cut in between the check and the reading.
                let bounds = try Self.bounds(db)
                guard (bounds.earliest...bounds.end).contains(offset) else { return .gap(bounds) }
                let sealed = try SealedOffsets(db)
                let select = try Self.select("WHERE offset >= ? ORDER BY offset LIMIT ?", db)
                select.bind(offset, at: 1)
                select.bind(Int64(recordsMax), at: 2)
                var (next, bytes, taken) = (offset, 0, 0)
                var damage: LogDamage?
                while damage == nil, taken < recordsMax, bytes < bytesMax {
                    guard try select.next() else {
                        damage = try sealed.missing(next..<bounds.end, db)
                        if damage == nil { next = bounds.end }
                        break
                    }
                    damage = try Self.damage(select, in: next..<bounds.end, sealed, db)
                    guard damage == nil else { break }
                    batch.append(
                        token: Token(partition: EmbeddedLog.partition, offset: select.integer(0)),
                        time: select.integer(1), payload: select.bytes(3))
                    (bytes, taken) = (bytes + select.bytes(3).count, taken + 1)
                    next = select.integer(0) + 1
                }
                select.reset()
                if next > offset {
                    let last = try taken > 0 ? Self.last(before: next, db) : nil
                    batch.stand(EmbeddedLog.partition, at: next, last: last)
                }
                // What was read before is good, and the next reading begins with the damage.
                if let damage, next == offset { return .damaged(damage) }
                return .next(next)
            }
        }
    }

    /// What is wrong with the row at which a statement stands, which was to be the first of the records that are left.
    private static func damage(
        _ row: borrowing PlainStatement, in left: Range<Int64>, _ sealed: SealedOffsets, _ db: Database
    ) throws -> LogDamage? {
        let (next, found) = (left.lowerBound, row.integer(0))
        guard left.contains(found) else { return LogDamage(offsets: next..<next + 1, kind: .altered) }
        if let missing = try sealed.missing(next..<found, db) { return missing }
        return RecordSeal.isIntact(row, sealed) ? nil : LogDamage(offsets: found..<found + 1, kind: .altered)
    }

    private static func last(before next: Int64, _ db: Database) throws -> RecordFingerprint? {
        let select = try select("WHERE offset < ? ORDER BY offset DESC LIMIT 1", db)
        select.bind(next, at: 1)
        return try select.next() ? fingerprint(select) : nil
    }
}
