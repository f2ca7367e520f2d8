internal import Foundation
internal import GRDB
internal import KillPoints
internal import SQLiteFiles
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
                let sums = try TableSums(db)
                try report.time(\.rest) {
                    try Self.write(positions: delta.positions, db)
                    try Self.write(scalars: delta.scalars, models: delta.models, sums, db)
                    try Self.erase(users: delta.forgottenUsers, sums, db)
                    try Self.write(erasures: delta.erasures, db)
                }
                var rows = try RowWriter(db, sums)
                try rows.write(delta, &report)
                KillPoint.checkpointMid.reach()
                while true {
                    var page: StateDelta?
                    report.time(\.pages) { page = nextPage() }
                    guard let page else { break }
                    try report.time(\.rest) {
                        try Self.write(scalars: page.scalars, models: page.models, sums, db)
                    }
                    try rows.write(page, &report)
                }
                try sums.store(db)
                end = .now
            }
            report.commit = end.duration(to: .now)
            proveLog()
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

    private static func write(
        scalars: [String: Scalar], models: [StoredModel], _ sums: TableSums, _ db: Database
    ) throws {
        let own = try SummedStatement(upsert: .scalars, sums, db)
        for (name, value) in scalars { try write(name, value, prefix: nil, at: 1, own) }
        let ofModel = try SummedStatement(upsert: .modelScalars, sums, db)
        let deletion = try SummedDeletion(
            from: .modelScalars, where: "model = ? AND name = ?", sums, db)
        for model in models {
            var text = model.name
            try text.withUTF8 { bytes in
                let prefix = ofModel.prefix(text: UnsafeRawBufferPointer(bytes))
                for (name, value) in model.scalars { try write(name, value, prefix: prefix, at: 2, ofModel) }
            }
            for name in model.obsolete { try deletion.run(model.name, name) }
        }
    }

    private static func write(
        _ name: String, _ value: Scalar, prefix: RowChecksum?, at place: Int32, _ statement: SummedStatement
    ) throws {
        var name = name
        try name.withUTF8 { bytes in
            if let prefix { statement.begin(prefix) } else { statement.begin() }
            statement.bind(text: UnsafeRawBufferPointer(bytes), at: place)
            _ = try statement.run(binding: value, at: place + 1)
        }
    }

    private static func erase(users: [Int32], _ sums: TableSums, _ db: Database) throws {
        let fromUsers = try SummedDeletion(from: .users, where: "row = ?", sums, db)
        let fromFactors = try SummedDeletion(
            from: .userFactors, where: "row = ? AND model IN (SELECT name FROM models)", sums, db)
        for row in users {
            try fromUsers.run(Int64(row))
            try fromFactors.run(Int64(row))
        }
    }

    /// Who is to be erased from copies of this file too.
    static func write(erasures: [ErasedID], _ db: Database) throws {
        let statement = try db.makeStatement(
            sql: "INSERT OR REPLACE INTO erasures(id_hash, events) VALUES (?, ?)")
        for erased in erasures { try statement.execute(arguments: [erased.hash, erased.events]) }
    }
}
