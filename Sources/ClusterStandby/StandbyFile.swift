internal import Checkpoints
internal import ClusterUsers
internal import Foundation
internal import GRDB
internal import SQLiteFiles

/// A copy of one partition: an SQLite file of its own, so that to drop it is to remove it, and what is damaged costs one copy.
///
/// On disk and not in memory: a user is some 1.4 KB of changelog with three models of K = 64, and who stands by for as many users
/// as it has would need its memory twice. As bytes and not as rows: nothing has to be known of items until the copy is needed.
/// A transaction has records and the offset behind them, so that the file is at some offset whatever happens to the machine.
///
/// Safe to call from any thread.
final class StandbyFile: Sendable {
    /// "FRSC".
    private static let applicationID: Int32 = 0x4652_5343
    private static let schemaVersion: Int32 = 1
    /// KiB of the file that SQLite keeps in memory.
    private static let cacheKiB = 1_024

    /// What of a user stands under `part`: nothing for the user, else the name of a model. What is of no user has the record's
    /// key for its part, and no user.
    private static let schema = """
        CREATE TABLE records(user BLOB NOT NULL, part BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY(user, part))
            WITHOUT ROWID;
        CREATE TABLE place(id INTEGER PRIMARY KEY CHECK (id = 0), next INTEGER, marker BLOB, marker_offset INTEGER,
            heard INTEGER NOT NULL, is_whole INTEGER NOT NULL);
        PRAGMA application_id = \(applicationID);
        PRAGMA user_version = \(schemaVersion);
        """

    let path: String
    private let queue: DatabaseQueue

    /// Opens the file, or makes it.
    ///
    /// - Throws: where there is a file that is none of these: it is for the caller to remove.
    init(path: String) throws(StandbyError) {
        self.path = path
        do {
            var configuration = Configuration()
            configuration.label = "freshet.standby"
            configuration.prepareDatabase { db in
                // Room for whole users in a page: values beyond a quarter of one go elsewhere.
                try db.execute(
                    sql: """
                        PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
                        PRAGMA cache_size = -\(Self.cacheKiB);
                        """)
            }
            queue = try DatabaseQueue(path: path, configuration: configuration)
            let wal = WriteAheadLog(database: path)
            try queue.inDatabase { db in
                try wal.bound(db)
                let application = try Int32.fetchOne(db, sql: "PRAGMA application_id")
                let version = try Int32.fetchOne(db, sql: "PRAGMA user_version")
                let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master")
                if application == 0, tables == 0 { return try db.execute(sql: Self.schema) }
                guard application == Self.applicationID, version == Self.schemaVersion else {
                    throw DatabaseError(resultCode: .SQLITE_NOTADB, message: "it is of another kind")
                }
            }
        } catch {
            throw Self.failure(path, error)
        }
    }

    private static func failure(_ path: String, _ error: any Error) -> StandbyError {
        StandbyError(description: "'\(path)': \(DatabaseFailure.words(of: error))")
    }

    private func run<Result>(_ body: () throws -> Result) throws(StandbyError) -> Result {
        do { return try body() } catch { throw Self.failure(path, error) }
    }

    // MARK: - Writing

    /// Takes in what was read, in its order.
    func take(_ records: [FollowedRecord], _ copy: StandbyCopy) throws(StandbyError) {
        try run {
            try queue.inTransaction { db in
                let put = try PlainStatement("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", db)
                let remove = try PlainStatement("DELETE FROM records WHERE user = ? AND part = ?", db)
                for record in records {
                    guard let (user, part) = Self.place(of: record.key) else { continue }
                    try user.withUnsafeBytes { user in
                        try part.withUnsafeBytes { part in
                            guard let value = record.value else {
                                remove.bind(blob: user, at: 1)
                                remove.bind(blob: part, at: 2)
                                _ = try remove.run()
                                return
                            }
                            try value.withUnsafeBytes { value in
                                put.bind(blob: user, at: 1)
                                put.bind(blob: part, at: 2)
                                put.bind(blob: value, at: 3)
                                _ = try put.run()
                            }
                        }
                    }
                }
                try Self.write(copy, db)
                return .commit
            }
        }
    }

    private static func write(_ copy: StandbyCopy, _ db: Database) throws {
        let marker = try copy.marker.map { try JSONEncoder().encode($0) }
        try db.execute(
            sql: "INSERT OR REPLACE INTO place VALUES (0, ?, ?, ?, ?, ?)",
            arguments: [copy.next, marker, copy.markerOffset, copy.heard, copy.isWhole])
    }

    private static func place(of key: [UInt8]) -> (user: [UInt8], part: [UInt8])? {
        switch RecordKey(key) {
        case .user(let id): (Array(id.utf8), [])
        case .row(let model, let id): (Array(id.utf8), Array(model.utf8))
        case .recent: ([], key)
        // It is part of the place.
        case .marker, nil: nil
        }
    }

    // MARK: - Reading

    /// How far it is; `nil` of a file that was never written to.
    func copy() throws(StandbyError) -> StandbyCopy? {
        try run {
            try queue.read { db in
                guard
                    let row = try Row.fetchOne(
                        db, sql: "SELECT next, marker, marker_offset, heard, is_whole FROM place")
                else { return nil }
                var copy = StandbyCopy(at: row[3])
                copy.next = row[0]
                copy.marker = (row[1] as Data?).flatMap { PartitionMarker(Array($0)) }
                copy.markerOffset = row[2]
                copy.isWhole = row[4]
                return copy
            }
        }
    }

    /// What is remembered of the last events.
    func recent() throws(StandbyError) -> [String: Scalar] {
        try run {
            try queue.read { db in
                let rows = try Row.fetchAll(db, sql: "SELECT part, value FROM records WHERE user = x''")
                var recent: [String: Scalar] = [:]
                for row in rows {
                    guard case .recent(let name) = RecordKey(Array(row[0] as Data)) else { continue }
                    recent[name] = RecentValue.read(Array(row[1] as Data))
                }
                return recent
            }
        }
    }

    /// All users, so many at a time, in the order of their ids' bytes.
    func forEachUsers(_ countMax: Int, _ body: ([TravellingUser]) -> Void) throws(StandbyError) {
        try run {
            try queue.read { db in
                let rows = try PlainStatement(
                    "SELECT user, part, value FROM records WHERE user > x'' ORDER BY user, part", db)
                var users: [TravellingUser] = []
                var last: [UInt8] = []
                while try rows.next() {
                    let bytes = rows.bytes(0)
                    if !bytes.elementsEqual(last) {
                        if users.count == countMax {
                            body(users.filter(\.isSomebody))
                            users = []
                        }
                        last = Array(bytes)
                        users.append(TravellingUser(id: String(decoding: last, as: UTF8.self)))
                    }
                    let place = users.count - 1
                    let part = String(decoding: rows.bytes(1), as: UTF8.self)
                    let value = Array(rows.bytes(2))
                    if part.isEmpty { users[place].state = value } else { users[place].rows[part] = value }
                }
                body(users.filter(\.isSomebody))
            }
        }
    }

    func close() { try? queue.close() }
}
