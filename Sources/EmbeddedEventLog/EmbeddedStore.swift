import EventLog
import Events
import Foundation
import GRDB
import SQLiteFiles

/// The SQLite file of the embedded log: every statement that touches it, and nothing else.
///
/// The next offset is a row of its own and not `max(offset) + 1`, because retention may empty the table and
/// an offset must never name two events.
final class EmbeddedStore: Sendable {
    enum Reading: Equatable {
        /// One past the last record taken, or the offset asked for when there was none.
        case next(Int64)
        /// The offset asked for lies outside of what the log holds.
        case gap(LogExtent.Bounds)
    }

    /// "FRSH" in the file's header, so that a foreign SQLite file is refused instead of written to.
    static let applicationID: Int32 = 0x4652_5348
    static let schemaVersion: Int32 = 1

    private static let schema = """
        CREATE TABLE events(
            offset INTEGER PRIMARY KEY, time INTEGER NOT NULL, key TEXT NOT NULL, payload BLOB NOT NULL);
        CREATE TABLE next_offset(id INTEGER PRIMARY KEY CHECK (id = 0), value INTEGER NOT NULL);
        INSERT INTO next_offset VALUES (0, 0);
        CREATE TABLE dead_letters(
            partition INTEGER NOT NULL, offset INTEGER NOT NULL, time INTEGER NOT NULL, reason TEXT NOT NULL,
            payload BLOB NOT NULL, PRIMARY KEY (partition, offset));
        PRAGMA application_id = \(applicationID);
        PRAGMA user_version = \(schemaVersion);
        """

    private let pool: DatabasePool
    private let files: OpenedFiles
    private let wal: WriteAheadLog
    private let failures: EmbeddedFailures

    init(
        path: String, fileBytesMax: Int64?, walBytesMax: Int64
    ) throws(EventLogError) {
        let wal = WriteAheadLog(database: path, bytesMax: walBytesMax)
        self.wal = wal
        failures = EmbeddedFailures(path: path)
        do {
            try Self.prepareFile(path: path, failures: failures)
            let pool = try DatabasePool(path: path, configuration: Self.configuration)
            self.pool = pool
            try pool.writeWithoutTransaction { db in
                // GRDB takes NORMAL in WAL mode, which may lose the last commits when the machine loses
                // power. An event whose token was handed out must not be lost, so every commit is synced.
                try db.execute(sql: "PRAGMA synchronous = FULL")
                try wal.bound(db)
                if let fileBytesMax {
                    let pageBytes = try Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 4096
                    try db.execute(sql: "PRAGMA max_page_count = \(max(1, fileBytesMax / pageBytes))")
                }
            }
            files = OpenedFiles(path: path)
        } catch {
            throw failures.explain(error, while: "opening it")
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "freshet.embedded-log"
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 2
        return configuration
    }

    /// Creates the tables in a new file and refuses a file that is not a log. Done before the pool opens the
    /// file, because opening a pool switches the file to WAL, and a foreign file must stay as it is.
    private static func prepareFile(path: String, failures: EmbeddedFailures) throws {
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        try queue.write { db in
            let application = try Int32.fetchOne(db, sql: "PRAGMA application_id")
            let version = try Int32.fetchOne(db, sql: "PRAGMA user_version") ?? 0
            let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
            if application == applicationID {
                guard version == schemaVersion else { throw failures.newerSchema(version) }
                // Touches the file, so that a read-only one is refused now and not at the first event.
                try db.execute(sql: "UPDATE next_offset SET value = value")
            } else if tables == 0 && application == 0 {
                try db.execute(sql: schema)
            } else {
                throw failures.foreignFile()
            }
            // A table more does no harm to the programs that made the first files, so the version stays.
            try db.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS identity(id TEXT NOT NULL);
                    INSERT INTO identity SELECT lower(hex(randomblob(16)))
                    WHERE NOT EXISTS (SELECT * FROM identity);
                    """)
        }
    }

    /// What this file calls itself, and no other one; a copy of it keeps the name.
    func identity() throws(EventLogError) -> String {
        try run("reading its id") {
            try pool.read { db in
                guard let id = try String.fetchOne(db, sql: "SELECT id FROM identity") else {
                    throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "table identity has no row")
                }
                return id
            }
        }
    }

    /// Of the record at `offset`; `nil` where there is none.
    func fingerprint(at offset: Int64) throws(EventLogError) -> RecordFingerprint? {
        try run("reading offset \(offset)") { try pool.read { try Self.fingerprint(at: offset, $0) } }
    }

    private static func fingerprint(at offset: Int64, _ db: Database) throws -> RecordFingerprint? {
        let select = try db.cachedStatement(
            sql: "SELECT CAST(key AS BLOB), payload, time FROM events WHERE offset = ?")
        guard let row = try Row.fetchOne(select, arguments: [offset]) else { return nil }
        let (key, payload) = (row[0] as Data, row[1] as Data)
        return key.withUnsafeBytes { key in
            payload.withUnsafeBytes { RecordFingerprint(offset: offset, key: key, payload: $0, time: row[2]) }
        }
    }

    func bounds() throws(EventLogError) -> LogExtent.Bounds {
        try run("reading its offsets") { try pool.read(Self.bounds) }
    }

    /// Commits all records in one transaction.
    ///
    /// - Returns: the offset of the first, and one past that of the last.
    func append(_ groups: [[LogRecord]]) throws(EventLogError) -> (first: Int64, end: Int64) {
        try requireFiles()
        return try run("appending \(groups.reduce(0) { $0 + $1.count }) events") {
            try pool.write { db in
                let first = try Self.nextOffset(db)
                let insert = try PlainStatement("INSERT INTO events VALUES (?, ?, ?, ?)", db)
                var next = first
                for record in groups.joined() {
                    try Self.insert(record, at: next, insert)
                    next += 1
                }
                try Self.setNextOffset(next, db)
                return (first, next)
            }
        }
    }

    private static func insert(
        _ record: LogRecord, at offset: Int64, _ insert: borrowing PlainStatement
    ) throws {
        var key = record.key.string
        try key.withUTF8 { key in
            try record.payload.withUnsafeBytes { payload in
                insert.bind(offset, at: 1)
                insert.bind(record.time, at: 2)
                insert.bind(text: UnsafeRawBufferPointer(key), at: 3)
                insert.bind(blob: payload, at: 4)
                try insert.run()
            }
        }
    }

    /// Appends records from `offset` on to `batch`; stops at `recordsMax` or once `bytesMax` is passed.
    func read(from offset: Int64, recordsMax: Int, bytesMax: Int, into batch: inout LogBatch)
        throws(EventLogError) -> Reading
    {
        try run("reading from offset \(offset)") {
            try pool.read { db in
                // Same snapshot as the rows below: retention cannot cut in between the check and the reading.
                let bounds = try Self.bounds(db)
                guard (bounds.earliest...bounds.end).contains(offset) else { return .gap(bounds) }
                let select = try db.cachedStatement(
                    sql: "SELECT offset, time, payload FROM events WHERE offset >= ? ORDER BY offset LIMIT ?")
                let rows = try Row.fetchCursor(select, arguments: [offset, recordsMax])
                var next = offset
                var bytes = 0
                while bytes < bytesMax, let row = try rows.next() {
                    let found: Int64 = row[0]
                    try row.withUnsafeData(atIndex: 2) { data in
                        let payload = data ?? Data()
                        payload.withUnsafeBytes {
                            batch.append(
                                token: Token(partition: EmbeddedLog.partition, offset: found), time: row[1],
                                payload: $0)
                        }
                        bytes += payload.count
                    }
                    next = found + 1
                }
                if next > offset {
                    batch.stand(
                        EmbeddedLog.partition, at: next, last: try Self.fingerprint(at: next - 1, db))
                }
                return .next(next)
            }
        }
    }

    /// The first offset whose time is `time` or later, or the end of the log. Reads every row before it.
    func firstOffset(notBefore time: Int64) throws(EventLogError) -> Int64 {
        try run("looking for the first event at or after \(time)") {
            try pool.read { db in
                try Int64.fetchOne(
                    db, sql: "SELECT offset FROM events WHERE time >= ? ORDER BY offset LIMIT 1",
                    arguments: [time])
                    ?? Self.nextOffset(db)
            }
        }
    }

    /// Deletes up to `rowsMax` of the oldest events below `offset`; returns the oldest offset left.
    func deleteEvents(below offset: Int64, rowsMax: Int64) throws(EventLogError) -> Int64 {
        try run("deleting events below offset \(offset)") {
            try pool.write { db in
                let oldest = try Self.bounds(db).earliest
                try db.execute(
                    sql: "DELETE FROM events WHERE offset < ?", arguments: [min(offset, oldest + rowsMax)])
                return try Self.bounds(db).earliest
            }
        }
    }

    /// Leaves the offsets from the log's end to `offset` unused for ever.
    func raiseEnd(to offset: Int64) throws(EventLogError) {
        try run("raising its end to offset \(offset)") {
            try pool.write { db in
                try Self.setNextOffset(max(offset, Self.nextOffset(db)), db)
            }
        }
    }

    /// A letter already there stays as it is: a replay after a crash puts the same one aside again.
    func insert(_ letters: [DeadLetter]) throws(EventLogError) {
        try requireFiles()
        try run("putting \(letters.count) dead letters aside") {
            try pool.write { db in
                let insert = try db.cachedStatement(
                    sql: "INSERT OR IGNORE INTO dead_letters VALUES (?, ?, ?, ?, ?)")
                for letter in letters {
                    try insert.execute(arguments: [
                        letter.token.partition, letter.token.offset, letter.time, letter.reason,
                        Data(letter.payload),
                    ])
                }
            }
        }
    }

    /// Makes sure that what is written now is found again after a restart.
    func requireFiles() throws(EventLogError) {
        if let loss = files.loss { throw failures.lost(loss) }
    }

    var storage: DatabaseStorage { DatabaseStorage(of: wal) }

    /// See `WriteAheadLog.keep`; does nothing, unless told to, while the write-ahead log is short.
    func keepWithinBounds(always: Bool) throws(EventLogError) -> WriteAheadLog.Notice? {
        guard always || wal.wantsKeeping else { return nil }
        return try run("folding its write-ahead log in") {
            try pool.writeWithoutTransaction { try wal.keep($0) }
        }
    }

    func close() {
        // An orderly end leaves one whole file, without a -wal beside it that a copy might forget. A failure
        // loses nothing: the -wal stays and is read at the next opening.
        _ = try? pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
        // Fails only while a statement is still running; the file is then closed with the last reference.
        try? pool.close()
        files.removeLeftovers()
    }

    private func run<T>(_ doing: String, _ body: () throws -> T) throws(EventLogError) -> T {
        do { return try body() } catch { throw failures.explain(error, while: doing) }
    }

    private static func bounds(_ db: Database) throws -> LogExtent.Bounds {
        let end = try nextOffset(db)
        let earliest = try Int64.fetchOne(db.cachedStatement(sql: "SELECT min(offset) FROM events"))
        return LogExtent.Bounds(earliest: earliest ?? end, end: end)
    }

    private static func nextOffset(_ db: Database) throws -> Int64 {
        guard let next = try Int64.fetchOne(db.cachedStatement(sql: "SELECT value FROM next_offset")) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "table next_offset has no row")
        }
        return next
    }

    private static func setNextOffset(_ offset: Int64, _ db: Database) throws {
        try db.cachedStatement(sql: "UPDATE next_offset SET value = ?").execute(arguments: [offset])
    }
}
