// Checkpoints: the state file.
//
// Here live its schema and migrations, saving in one transaction, restoring, verification, and the lock on its folder.
// What comes in is rows, numbers and positions as they are stored (`StateDelta`); what goes out is the same. What never
// comes in: what the rows mean to a model, and when to save. It imports no other room; GRDB stays inside.

internal import Foundation
internal import GRDB
internal import Synchronization

/// The SQLite file that holds a state: opened, checked, written one transaction at a time, read back.
///
/// WAL with `synchronous = FULL`: a transaction that has returned survives a power cut. `secure_delete` overwrites
/// what is deleted, so that a forgotten user's bytes do not linger in free pages.
public final class StateFile: Sendable {
    public let path: String
    let queue: DatabaseQueue
    /// Bytes of forgotten users may stand in the -wal; true at first, because a kill may have left them there.
    let walHoldsForgotten = Atomic(true)

    /// Opens or creates the file, and refuses one of another identity, another program, a newer schema, or damaged.
    public init(path: String, identity: StateIdentity) throws(StateError) {
        self.path = path
        do {
            queue = try Self.open(path: path, readOnly: false)
            try queue.write { db in
                if try Self.isEmpty(db) {
                    try Schema.create(db)
                    try Self.write(identity, to: db)
                }
            }
            try queue.read { db in
                try Self.checkSchema(db, path: path)
                try Self.check(identity, db, path: path)
            }
            try queue.write(Schema.migrate)
            // Only now: the mode stands in the file, and a foreign file must stay as it is.
            try queue.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA journal_mode = WAL")
                try db.execute(sql: "PRAGMA synchronous = FULL")
                try db.execute(sql: "PRAGMA secure_delete = ON")
            }
        } catch {
            throw Self.explain(error, path: path)
        }
    }

    /// Folds the write-ahead log into the file, so that a state at rest is one file. Later writes fail.
    public func close() throws(StateError) {
        do {
            try queue.close()
        } catch {
            throw Self.explain(error, path: path)
        }
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

    static func readIdentity(_ db: Database) throws -> StateIdentity {
        let pairs = try GRDB.Row.fetchAll(db, sql: "SELECT key, value FROM identity")
        let values = Dictionary(pairs.map { ($0[0] as String, $0[1] as String) }, uniquingKeysWith: { $1 })
        let models = try GRDB.Row.fetchAll(db, sql: "SELECT name, learner FROM models")
        return StateIdentity(
            factors: Int(values["factors"] ?? "") ?? 0,
            models: Dictionary(models.map { ($0[0] as String, $0[1] as String) }, uniquingKeysWith: { $1 }),
            source: values["source"] ?? "")
    }

    private static func check(_ wanted: StateIdentity, _ db: Database, path: String) throws {
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
        let why = error.message ?? "SQLite code \(error.resultCode.rawValue)"
        return switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            StateError(
                .damaged,
                "'\(path)' is damaged (\(why)). Put back a copy of it, or move it away with its -wal and -shm files and "
                    + "start again: the state is then learned anew from the log")
        case .SQLITE_FULL:
            StateError(.full, "'\(path)' cannot grow (\(why)); free space on its disk")
        case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM:
            StateError(
                .unwritable, "'\(path)' cannot be written (\(why)); make the folder writable for this user")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            StateError(.locked, "'\(path)' is locked by another program (\(why)); close that program")
        default:
            StateError(.unwritable, "'\(path)': \(why)")
        }
    }
}
