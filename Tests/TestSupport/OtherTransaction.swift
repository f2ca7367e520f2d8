import GRDB

/// Another program's connection to a SQLite file, with a transaction that is open until `end`: a shell that somebody
/// forgot, a backup that hangs.
public final class OtherTransaction {
    private let queue: DatabaseQueue

    /// - Parameters:
    ///   - begin: `BEGIN IMMEDIATE` takes the write lock, `BEGIN` reads alone.
    ///   - table: is read, which is when a transaction that reads begins.
    public init(_ path: String, _ begin: String, reading table: String) throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        queue = try DatabaseQueue(path: path, configuration: configuration)
        try queue.writeWithoutTransaction {
            try $0.execute(sql: begin)
            _ = try Int.fetchOne($0, sql: "SELECT count(*) FROM \(table)")
        }
    }

    public func end() throws {
        try queue.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
        try queue.close()
    }
}
