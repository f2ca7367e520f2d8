// Checkpoints: the state file.
//
// Here live its schema and migrations, saving in one transaction, restoring, verification, and the lock on its folder.
// What comes in is rows, numbers and positions as they are stored (`StateDelta`); what goes out is the same. What never
// comes in: what the rows mean to a model, and when to save. GRDB stays inside.

internal import Foundation
internal import GRDB
internal import Locking
internal import SQLiteFiles
internal import Synchronization

/// The SQLite file that holds a state: opened, checked, written one transaction at a time, read back.
///
/// WAL with `synchronous = FULL`: a transaction that has returned survives a power cut. `secure_delete` overwrites
/// what is deleted, so that a forgotten user's bytes do not linger in free pages.
public final class StateFile: Sendable {
    /// Where it is, and its write-ahead log beside it: elsewhere after a move.
    let place: Lock<(path: String, wal: WriteAheadLog)>
    public var path: String { place.withLock { $0.path } }
    var wal: WriteAheadLog { place.withLock { $0.wal } }
    /// The connection; another one after the write-ahead log was lost.
    let connection: Lock<DatabaseQueue>
    var queue: DatabaseQueue { connection.withLock { $0 } }
    /// Rises with each further connection. Who reads beside it holds this meanwhile, so that no other write-ahead log is
    /// begun and folded in under a reader that knows nothing of it.
    let connectionNumber = SharedLock(0)
    let files: Lock<OpenedFiles>
    /// What it is of.
    public let identity: StateIdentity
    /// Bytes of forgotten users may stand in the -wal: a kill may have left them there.
    let walHoldsForgotten = Atomic(true)

    /// Opens or creates the file, and refuses one of another identity, another program, a newer schema, or damaged.
    ///
    /// - Parameter beforeMigration: called before a file of an older schema is changed.
    public convenience init(
        path: String, identity: StateIdentity, beforeMigration: () -> Void = {}
    ) throws(StateError) {
        try self.init(
            path: path, identity: identity, walBytesMax: WriteAheadLog.bytesMax,
            beforeMigration: beforeMigration)
    }

    init(
        path: String, identity: StateIdentity, walBytesMax: Int64, beforeMigration: () -> Void = {}
    ) throws(StateError) {
        self.identity = identity
        let wal = WriteAheadLog(database: path, bytesMax: walBytesMax)
        place = Lock((path, wal))
        Self.prefetch(path)
        do {
            try Self.refuseEmptied(path, wal)
            let queue = try Self.open(path: path, readOnly: false)
            // What a kill left, or of another file: it is folded in once what it makes of the file has been read and is whole.
            let isUnproven = wal.bytes > 0
            queue.writeWithoutTransaction { WriteAheadLog.keepAtClose(isUnproven, $0) }
            try queue.write { db in
                if try Self.isEmpty(db) {
                    // A state whose list of tables was lost is no new file.
                    guard try Int32.fetchOne(db, sql: "PRAGMA application_id") == 0 else {
                        throw Self.damaged(path, "it has no tables")
                    }
                    try Schema.create(db)
                    try Self.write(identity, to: db)
                    try SummedTable.signAll(db)
                }
            }
            try queue.read { db in
                try Self.checkSchema(db, path: path)
                try Self.check(identity, db, path: path)
            }
            if try queue.read(Schema.isOlder) {
                beforeMigration()
                try queue.write(Schema.migrate)
            }
            // Only now: the mode stands in the file, and a foreign file must stay as it is.
            try Self.prepare(queue, wal)
            connection = Lock(queue)
            files = Lock(OpenedFiles(path: path))
            walHoldsForgotten.store(wal.bytes > 0, ordering: .relaxed)
        } catch {
            throw Self.explain(error, path: path)
        }
    }

    /// SQLite takes a file of no bytes for a new one, and removes the log beside it; and so one that is shorter than any page.
    private static func refuseEmptied(_ path: String, _ wal: WriteAheadLog) throws {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let size = (attributes?[.size] as? NSNumber)?.int64Value else { return }
        guard size > 0 || wal.bytes == 0 else {
            throw damaged(path, "it is empty, and has a write-ahead log")
        }
        guard size == 0 || size >= leastPageBytes else {
            throw damaged(path, "it is cut off after \(size) bytes")
        }
    }

    /// Of SQLite's pages (sqlite.org/fileformat.html).
    private static let leastPageBytes = 512

    /// What was read, or written, is sound: the write-ahead log may be folded in.
    func proveLog() {
        queue.writeWithoutTransaction { WriteAheadLog.keepAtClose(false, $0) }
    }

    private static let cacheKibibytes = 65_536

    static func prepare(_ queue: DatabaseQueue, _ wal: WriteAheadLog) throws {
        try queue.writeWithoutTransaction { db in
            try db.execute(sql: "PRAGMA journal_mode = WAL")
            try db.execute(sql: "PRAGMA synchronous = FULL")
            try db.execute(sql: "PRAGMA secure_delete = ON")
            // With SQLite's two megabytes a checkpoint of a million rows reads and writes most pages many times over, the
            // index of ids above all: a tenth of the speed.
            try db.execute(sql: "PRAGMA cache_size = \(-cacheKibibytes)")
            // Folding the log in is not what a checkpoint's durability waits for: `keepWithinBounds` does it.
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
            try wal.bound(db)
            // Makes the -wal file, which `OpenedFiles` is to know.
            _ = try isEmpty(db)
        }
    }

    /// Folds the write-ahead log into the file, so that a state at rest is one file. Later writes fail.
    public func close() throws(StateError) {
        let lost = lossError
        do {
            // A file that is no longer at its path SQLite leaves as it is, and its log where the next file will stand.
            if lost != nil { _ = try? queue.writeWithoutTransaction { try $0.checkpoint(.truncate) } }
            try queue.close()
        } catch {
            throw Self.explain(error, path: path)
        }
        files.withLock { $0 }.removeLeftovers()
        if let lost { throw lost }
    }

    static func open(path: String, readOnly: Bool) throws -> DatabaseQueue {
        var configuration = GRDB.Configuration()
        configuration.readonly = readOnly
        configuration.busyMode = .timeout(5)
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    private static func isEmpty(_ db: Database) throws -> Bool {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") == 0
    }

    static func checkSchema(_ db: Database, path: String) throws {
        guard try Int32.fetchOne(db, sql: "PRAGMA application_id") == Schema.applicationID else {
            throw StateError(
                .notAState,
                "'\(path)' is a SQLite file, but not a state of Freshet; name the state.sqlite of a state.folder, or "
                    + "start with another state.folder")
        }
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard version <= Schema.version else {
            throw StateError(
                .newerSchema,
                "'\(path)' has schema \(version), this freshet knows up to \(Schema.version): it was written by a newer "
                    + "freshet. Run that one, or name another state.folder to learn again from the log")
        }
    }

    private static func write(_ identity: StateIdentity, to db: Database) throws {
        for (key, value) in ["factors": String(identity.factors), "source": identity.source] {
            try db.execute(sql: "INSERT INTO identity(key, value) VALUES (?, ?)", arguments: [key, value])
        }
        for (name, learner) in identity.models {
            try db.execute(
                sql: "INSERT INTO models(name, learner) VALUES (?, ?)", arguments: [name, learner])
        }
    }

    private static let factorsMax = 1 << 20

    /// Two texts a row. Of whatever kind the values are: those of a damaged file may be any.
    private static func pairs(_ sql: String, _ db: Database) throws -> [String: String] {
        let statement = try PlainStatement(sql, db)
        var pairs: [String: String] = [:]
        while try statement.next() { pairs[statement.text(0)] = statement.text(1) }
        return pairs
    }

    static func readIdentity(_ db: Database) throws -> StateIdentity {
        let values = try pairs("SELECT key, value FROM identity", db)
        return StateIdentity(
            // What is absurd is no number that anything could be as large as.
            factors: Int(values["factors"] ?? "").flatMap { (0...factorsMax).contains($0) ? $0 : nil } ?? 0,
            models: try pairs("SELECT name, learner FROM models", db), source: values["source"] ?? "")
    }

    static func check(_ wanted: StateIdentity, _ db: Database, path: String) throws {
        let found = try readIdentity(db)
        func refuse(_ what: String, _ found: String, _ wanted: String) -> StateError {
            StateError(
                .mismatch,
                "'\(path)' was learned with \(what) \(found), the configuration says \(wanted). Put the configuration "
                    + "back, or name another state.folder to learn again from the log")
        }
        guard found.factors == wanted.factors else {
            throw refuse("engine.factors", String(found.factors), String(wanted.factors))
        }
        guard found.models == wanted.models else {
            func list(_ models: [String: String]) -> String {
                models.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }.joined(separator: ", ")
            }
            throw refuse("models", list(found.models), list(wanted.models))
        }
        guard found.source == wanted.source else { throw refuse("the log", found.source, wanted.source) }
    }

    /// A GRDB error in the words of the person who has to mend it.
    static func explain(_ error: any Error, path: String) -> StateError {
        if let error = error as? StateError { return error }
        guard let error = error as? DatabaseError else {
            return StateError(.unwritable, "'\(path)': \(error)")
        }
        let why = DatabaseFailure.words(of: error)
        let failure = DatabaseFailure(error)
        let remedy = failure.remedy(path: path) ?? ""
        return switch failure {
        case .damaged:
            StateError(.damaged, "'\(path)' is damaged (\(why))\(wayOut(of: path))")
        case .full: StateError(.full, "'\(path)' cannot grow (\(why)); \(remedy)")
        case .readOnly, .cannotOpen, .disk:
            StateError(.unwritable, "'\(path)' cannot be written (\(why)); \(remedy)")
        case .locked: StateError(.locked, "'\(path)' is locked (\(why)): \(remedy)")
        case .closed, .other: StateError(.unwritable, "'\(path)': \(why)")
        }
    }
}
