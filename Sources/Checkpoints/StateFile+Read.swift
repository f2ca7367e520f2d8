internal import Dispatch
internal import Foundation
internal import GRDB
internal import Locking
internal import SQLiteFiles

extension StateFile {
    /// Reads the whole state. Non-finite numbers are refused as damage: they are never served.
    public func read(into reader: some StateReader) throws(StateError) {
        do {
            try queue.read { db in
                guard try Schema.isOfOneFile(db) else {
                    throw Self.damaged(path, "its write-ahead log is another file's")
                }
                try Self.readScalars(db, path: path, into: reader)
                try reader.expect(
                    userRows: rowCount(of: .users, db), itemRows: rowCount(of: .items, db))
                try readRows(db, into: reader)
                try reader.finish()
            }
            proveLog()
        } catch {
            throw Self.explain(error, path: path)
        }
    }

    /// Users and items on this connection, the rows of factors beside them on one of their own: the file does not change
    /// meanwhile, because nobody else writes it.
    private func readRows(_ db: Database, into reader: some StateReader) throws {
        // The reader's own promise: these are different parts of it (`StateReader`).
        nonisolated(unsafe) let reader = reader
        let group = DispatchGroup()
        let outcome = Lock<Result<FactorCounts, any Error>>(.success(FactorCounts()))
        DispatchQueue.global(qos: .userInitiated).async(group: group) { [path] in
            let result = Result {
                let beside = try Self.open(path: path, readOnly: true)
                defer { try? beside.close() }
                return try beside.read { try FactorReader($0, path: path).read(into: reader) }
            }
            outcome.withLock { $0 = result }
        }
        let own = Result {
            try RowCounts(
                items: Self.readItems(db, path: path, into: reader),
                users: Self.readUsers(db, path: path, into: reader))
        }
        group.wait()
        try outcome.withLock { $0 }.get().check(owners: own.get(), path: path)
    }

    /// One past the highest row, once that one was looked at by its checksum: as much room is made as it says.
    private func rowCount(of table: SummedTable, _ db: Database) throws -> Int {
        var check = ChecksumCheck(table)
        let statement = try PlainStatement(
            "SELECT \(table.list), checksum FROM \(table.rawValue) ORDER BY \(table.key) DESC LIMIT 1", db)
        guard try statement.next() else { return 0 }
        try check.require(statement, path: path)
        let row = statement.integer(0)
        guard (0..<Int64(Int32.max)).contains(row) else {
            throw Self.damaged(path, "\(table.rawValue) has a row \(row)")
        }
        guard row < Self.leastRoom else { return try room(for: row, of: table, db) }
        return Int(row) + 1
    }

    /// Room for so many rows is made whatever the file holds: some megabytes.
    static let leastRoom: Int64 = 65_536

    /// A row far out, in a file that never held as many as come before it, would ask for gigabytes. Items are never given up,
    /// so there are as many as the last one says. Of users any number may have left; but a file that held them stays as
    /// long as it was then, and each had a row of each model that has vectors.
    private func room(for row: Int64, of table: SummedTable, _ db: Database) throws -> Int {
        let most: Int64
        if table == .items {
            most = try Int64.fetchOne(db, sql: "SELECT count(*) FROM items") ?? 0
        } else {
            let identity = try Self.readIdentity(db)
            let without = try Self.modelsWithoutVectors(db)
            let vectors = identity.modelNames.count { !without.contains($0) }
            let bytes =
                try (Int64.fetchOne(db, sql: "PRAGMA page_count") ?? 0)
                * (Int64.fetchOne(db, sql: "PRAGMA page_size") ?? 0)
            // A user without vectors, of the shortest id, has some forty bytes.
            most = Self.leastRoom + bytes / Int64(24 + vectors * identity.factors * 4)
        }
        guard row < most else {
            throw Self.damaged(
                path, "\(table.rawValue) has a row \(row), and the file never held more than \(most)")
        }
        return Int(row) + 1
    }

    private static func readScalars(_ db: Database, path: String, into reader: some StateReader) throws {
        for table in [SummedTable.identity, .models] {
            try readRows(of: table, db, path: path) { _ in }
        }
        try readRows(of: .positions, db, path: path) {
            reader.read(position: $0.integer(1), partition: Int32(clamping: $0.integer(0)))
        }
        try readRows(of: .scalars, db, path: path) {
            if let value = Scalar($0, 1) { reader.read(scalar: value, name: $0.text(0)) }
        }
        try readRows(of: .modelScalars, db, path: path) {
            if let value = Scalar($0, 2) { reader.read(scalar: value, name: $0.text(1), model: $0.text(0)) }
        }
    }

    /// Each row of a table, in the order of its keys, once it was looked at by its checksum; the whole table at the end.
    private static func readRows(
        of table: SummedTable, _ db: Database, path: String, _ body: (borrowing PlainStatement) throws -> Void
    ) throws {
        var check = ChecksumCheck(table)
        let checksum = table.rowsHaveChecksums ? "checksum" : "0"
        let statement = try PlainStatement(
            "SELECT \(table.list), \(checksum) FROM \(table.rawValue) ORDER BY \(table.key)", db)
        while try statement.next() {
            try check.require(statement, path: path)
            try body(statement)
        }
        try check.requireWhole(db, path: path)
    }

    private static func readUsers(_ db: Database, path: String, into reader: some StateReader) throws -> Int {
        var count = 0
        try readRows(of: .users, db, path: path) { row in
            count += 1
            try reader.read(user: ReadUser(row))
        }
        return count
    }

    private static func readItems(_ db: Database, path: String, into reader: some StateReader) throws -> Int {
        var count = 0
        let decoder = JSONDecoder()
        // Most items share their tags with another.
        var known: [Data: [String]] = [Data("[]".utf8): []]
        try readRows(of: .items, db, path: path) { items in
            count += 1
            let text = Data(items.bytes(3))
            let tags = try known[text] ?? decoder.decode([String].self, from: text)
            if known.count < 4096 { known[text] = tags }
            var item = StoredItem(
                row: Int32(clamping: items.integer(0)), id: Data(items.bytes(1)),
                title: items.isNull(2) ? nil : Data(items.bytes(2)), tags: tags,
                available: items.integer(4) != 0, users: items.integer(5), ratings: items.integer(6),
                ratingSum: items.double(7), lastEvent: items.optionalInteger(8))
            item.titleAt = items.optionalInteger(9)
            item.tagsAt = items.optionalInteger(10)
            item.availableAt = items.optionalInteger(11)
            try reader.read(item: item)
        }
        return count
    }

    /// Names of the models that `StoredModel.vectors` says have none.
    static func modelsWithoutVectors(_ db: Database) throws -> Set<String> {
        try Set(
            String.fetchAll(
                db, sql: "SELECT model FROM model_scalars WHERE name = ? AND value = 0",
                arguments: [StoredModel.vectors]))
    }

    static func damaged(_ path: String, _ what: String) -> StateError {
        StateError(.damaged, "'\(path)' is damaged: \(what)\(wayOut(of: path))")
    }
}

extension ReadUser {
    /// All of a user that `init` takes, and the row's checksum.
    static let selection = "SELECT \(SummedTable.users.list), checksum FROM users"

    /// Lies in the statement's row.
    init(_ users: borrowing PlainStatement) {
        self.init(
            row: Int32(clamping: users.integer(0)), id: users.bytes(1), history: users.bytes(2),
            residualSum: users.double(3), ratings: users.integer(4), nextOrder: users.integer(5),
            lastEvent: users.integer(6), hidden: users.bytes(7), marks: users.bytes(8),
            tallies: users.bytes(9), tags: users.bytes(10), tagsAt: users.optionalInteger(11))
    }
}

extension PlainStatement {
    func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }

    /// The value, as those of a damaged file are read: of whatever kind it is.
    func scalar(_ column: Int32) -> Scalar? { Scalar(self, column) }
}

extension Scalar {
    fileprivate init?(_ row: borrowing PlainStatement, _ column: Int32) {
        switch row.kind(column) {
        case .integer: self = .integer(row.integer(column))
        case .double: self = .double(row.double(column))
        case .blob: self = .blob(Data(row.bytes(column)))
        case .null, .text: return nil
        }
    }

    init?(_ value: DatabaseValue) {
        switch value.storage {
        case .int64(let value): self = .integer(value)
        case .double(let value): self = .double(value)
        case .blob(let value): self = .blob(value)
        default: return nil
        }
    }
}
