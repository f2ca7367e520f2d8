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
    /// "FRSH" in the file's header, so that a foreign SQLite file is refused instead of written to.
    static let applicationID: Int32 = 0x4652_5348
    /// 2 has a checksum of each record.
    static let schemaVersion: Int32 = 2

    private static let schema = """
        CREATE TABLE events(
            offset INTEGER PRIMARY KEY, time INTEGER NOT NULL, key TEXT NOT NULL, payload BLOB NOT NULL,
            checksum INTEGER);
        CREATE TABLE next_offset(id INTEGER PRIMARY KEY CHECK (id = 0), value INTEGER NOT NULL);
        INSERT INTO next_offset VALUES (0, 0);
        CREATE TABLE dead_letters(
            partition INTEGER NOT NULL, offset INTEGER NOT NULL, time INTEGER NOT NULL, reason TEXT NOT NULL,
            payload BLOB NOT NULL, PRIMARY KEY (partition, offset));
        \(SealedOffsets.schema)
        PRAGMA application_id = \(applicationID);
        PRAGMA user_version = \(schemaVersion);
        """

    let pool: DatabasePool
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
                guard version <= schemaVersion else { throw failures.newerSchema(version) }
                if version < schemaVersion {
                    try db.execute(
                        sql: SealedOffsets.migration + "PRAGMA user_version = \(schemaVersion);")
                }
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
                let insert = try PlainStatement(
                    "INSERT INTO events(\(RecordSeal.columns)) VALUES (?, ?, ?, ?, ?)", db)
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
                let key = UnsafeRawBufferPointer(key)
                insert.bind(offset, at: 1)
                insert.bind(record.time, at: 2)
                insert.bind(text: key, at: 3)
                insert.bind(blob: payload, at: 4)
                insert.bind(
                    RecordSeal.checksum(offset: offset, time: record.time, key: key, payload: payload), at: 5)
                try insert.run()
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
                let earliest = try Self.bounds(db).earliest
                try SealedOffsets.leaveUnused(0..<earliest, db)
                return earliest
            }
        }
    }

    /// Leaves the offsets from the log's end to `offset` unused for ever.
    func raiseEnd(to offset: Int64) throws(EventLogError) {
        try run("raising its end to offset \(offset)") {
            try pool.write { db in
                let end = try Self.nextOffset(db)
                guard offset > end else { return }
                try SealedOffsets.leaveUnused(end..<offset, db)
                try Self.setNextOffset(offset, db)
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

    func run<T>(_ doing: String, _ body: () throws -> T) throws(EventLogError) -> T {
        do { return try body() } catch { throw failures.explain(error, while: doing) }
    }

    static func bounds(_ db: Database) throws -> LogExtent.Bounds {
        let end = try nextOffset(db)
        let earliest = try Int64.fetchOne(db.cachedStatement(sql: "SELECT min(offset) FROM events"))
        let newest = try Int64.fetchOne(db.cachedStatement(sql: "SELECT max(offset) FROM events"))
        guard newest ?? -1 < end, earliest ?? 0 >= 0 else {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT,
                message: "offsets \(earliest ?? 0) to \(newest ?? 0) do not lie between 0 and the end, \(end)"
            )
        }
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
