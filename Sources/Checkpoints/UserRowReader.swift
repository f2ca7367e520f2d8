internal import GRDB
internal import Locking
internal import SQLiteFiles

/// Reads some users of a state file that is open for writing, on a connection of its own: what the last checkpoint that has
/// ended says of them, whatever is being written meanwhile. Safe from any thread; one reads at a time.
public final class UserRowReader: Sendable {
    private let file: StateFile
    private let withoutVectors: Set<String>
    /// With the number of the file's own connection: another one means that its write-ahead log was lost and made anew.
    private let connection = Lock<(queue: DatabaseQueue, number: Int)?>(nil)

    /// - Parameter withoutVectors: names of the models that have none, whatever the file says so far.
    public init(of file: StateFile, withoutVectors: Set<String>) {
        self.file = file
        self.withoutVectors = withoutVectors
    }

    /// Reads users and their rows of factors.
    ///
    /// - Parameters:
    ///   - rows: ascending.
    ///   - user: called for each user, in order.
    ///   - factors: called for each row of factors, model by model in the order of their names, and in the order of `rows`.
    /// - Throws: where a user is not in the file, or what SQLite says.
    public func read(
        _ rows: [Int32], user: (ReadUser) throws(StateError) -> Void,
        factors: (ReadRow) throws(StateError) -> Void
    ) throws(StateError) {
        do {
            try file.connectionNumber.read { number in
                try connection.withLock { connection in
                    let queue = try current(&connection, number)
                    try queue.read { db in
                        try readUsers(rows, db, user)
                        try readFactors(rows, db, factors)
                    }
                }
            }
        } catch {
            throw StateFile.explain(error, path: file.path)
        }
    }

    private func current(
        _ connection: inout (queue: DatabaseQueue, number: Int)?, _ number: Int
    ) throws -> DatabaseQueue {
        if let connection, connection.number == number { return connection.queue }
        try connection?.queue.close()
        connection = nil
        // What stands at the path by now may be another file.
        if let loss = file.lossError { throw loss }
        let queue = try StateFile.open(path: file.path, readOnly: true)
        connection = (queue, number)
        return queue
    }

    private func readUsers(_ rows: [Int32], _ db: Database, _ body: (ReadUser) throws(StateError) -> Void)
        throws
    {
        let statement = try PlainStatement("\(ReadUser.selection) WHERE row = ?", db)
        var check = ChecksumCheck(.users)
        for row in rows {
            statement.bind(Int64(row), at: 1)
            guard try statement.next() else { throw missing(row, "users") }
            try check.require(statement, path: file.path)
            try body(ReadUser(statement))
            statement.reset()
        }
    }

    private func readFactors(
        _ rows: [Int32], _ db: Database, _ body: (ReadRow) throws(StateError) -> Void
    ) throws {
        let reader = try FactorReader(db, path: file.path, withoutVectors: withoutVectors)
        let statement = try PlainStatement(
            """
            SELECT \(SummedTable.userFactors.list), checksum FROM user_factors WHERE model = ? AND row = ?
            """, db)
        var check = ChecksumCheck(.userFactors)
        for (number, name) in reader.names.enumerated() {
            var text = name
            try text.withUTF8 { bytes in
                statement.bind(text: UnsafeRawBufferPointer(bytes), at: 1)
                for row in rows {
                    statement.bind(Int64(row), at: 2)
                    guard try statement.next() else {
                        if reader.hasVectors[number] { throw missing(row, "user_factors") }
                        statement.reset()
                        continue
                    }
                    try check.require(statement, path: file.path)
                    var model = number
                    try body(reader.userRow(of: statement, &model))
                    statement.reset()
                }
            }
        }
    }

    private func missing(_ row: Int32, _ table: String) -> StateError {
        StateFile.damaged(file.path, "\(table) row \(row), of a user who is not in memory, is missing")
    }

    /// Later reads open it anew.
    public func close() {
        connection.withLock { connection in
            try? connection?.queue.close()
            connection = nil
        }
    }
}
