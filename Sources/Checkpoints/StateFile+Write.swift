internal import Foundation
internal import GRDB
internal import Synchronization

/// What a checkpoint came to.
public struct WriteReport: Sendable, Equatable {
    /// Rows of users, items and tables, written or deleted.
    public var rows = 0
    /// Of the time: getting the pages, SQLite's inserts by kind of row, the rest of them, and the commit with its sync.
    public var pages = Duration.zero
    public var users = Duration.zero
    public var items = Duration.zero
    public var userFactors = Duration.zero
    public var itemFactors = Duration.zero
    public var rest = Duration.zero
    public var commit = Duration.zero

    public init() {}

    mutating func time(_ part: WritableKeyPath<WriteReport, Duration>, _ body: () throws -> Void) rethrows {
        self[keyPath: part] += try ContinuousClock().measure(body)
    }
}

extension StateFile {
    /// Past so many rows what SQLite has cached of the file is not worth its memory until the next checkpoint.
    private static let rowsKeptCached = 8192

    /// Makes the delta durable in one transaction, and returns once it is synced.
    ///
    /// - Parameter nextPage: further rows of the same transaction, each page ascending and after the one before; `nil` after
    ///   the last one. Only scalars, users, items and rows of theirs are taken of it.
    @discardableResult
    public func write(
        _ delta: StateDelta, then nextPage: () -> StateDelta? = { nil }
    ) throws(StateError) -> WriteReport {
        var report = WriteReport()
        do {
            try requireFiles()
            var end = ContinuousClock().now
            try queue.write { db in
                try report.time(\.rest) {
                    try Self.write(positions: delta.positions, db)
                    try Self.write(scalars: delta.scalars, models: delta.models, db)
                    try Self.erase(users: delta.forgottenUsers, db)
                }
                var rows = try RowWriter(db)
                try rows.write(delta, &report)
                while true {
                    var page: StateDelta?
                    report.time(\.pages) { page = nextPage() }
                    guard let page else { break }
                    try report.time(\.rest) { try Self.write(scalars: page.scalars, models: page.models, db) }
                    try rows.write(page, &report)
                }
                end = .now
            }
            report.commit = end.duration(to: .now)
            if !delta.forgottenUsers.isEmpty { walHoldsForgotten.store(true, ordering: .relaxed) }
            if walHoldsForgotten.load(ordering: .relaxed) { try truncateWAL() }
            if report.rows > Self.rowsKeptCached { queue.releaseMemory() }
            return report
        } catch {
            throw Self.explain(error, path: path)
        }
    }

    /// The log of pages still holds what was erased, until it is folded into the file. Another program that reads the
    /// file may prevent that; the delta is durable all the same, and the next one tries again.
    private func truncateWAL() throws {
        do {
            try queue.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
            walHoldsForgotten.store(false, ordering: .relaxed)
        } catch let error as DatabaseError
            where [.SQLITE_BUSY, .SQLITE_LOCKED].contains(error.resultCode)
        {
            return
        }
    }

    private static func write(positions: [Int32: Int64], _ db: Database) throws {
        let statement = try db.makeStatement(
            sql: "INSERT OR REPLACE INTO positions(partition, next_offset) VALUES (?, ?)")
        for (partition, offset) in positions { try statement.execute(arguments: [partition, offset]) }
    }

    private static func write(scalars: [String: Scalar], models: [StoredModel], _ db: Database) throws {
        let statement = try db.makeStatement(sql: "INSERT OR REPLACE INTO scalars(name, value) VALUES (?, ?)")
        for (name, value) in scalars { try statement.execute(arguments: [name, value.databaseValue]) }
        let ofModel = try db.makeStatement(
            sql: "INSERT OR REPLACE INTO model_scalars(model, name, value) VALUES (?, ?, ?)")
        for model in models {
            for (name, value) in model.scalars {
                try ofModel.execute(arguments: [model.name, name, value.databaseValue])
            }
            for name in model.obsolete {
                try db.execute(
                    sql: "DELETE FROM model_scalars WHERE model = ? AND name = ?",
                    arguments: [model.name, name])
            }
        }
    }

    private static func erase(users: [Int32], _ db: Database) throws {
        let fromUsers = try db.makeStatement(sql: "DELETE FROM users WHERE row = ?")
        let fromFactors = try db.makeStatement(
            sql: "DELETE FROM user_factors WHERE row = ? AND model IN (SELECT name FROM models)")
        for row in users {
            try fromUsers.execute(arguments: [row])
            try fromFactors.execute(arguments: [row])
        }
    }
}

extension Scalar {
    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .integer(let value): value.databaseValue
        case .double(let value): value.databaseValue
        case .blob(let value): value.databaseValue
        }
    }
}
