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
    private static let leastRoom: Int64 = 65_536

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
        StateError(
            .damaged,
            "'\(path)' is damaged: \(what). Put back a copy of it, or move it away with its -wal and -shm files and "
                + "start again: the state is then learned anew from the log")
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

/// Reads the tables of factors, which are most of a state.
struct FactorReader {
    let db: Database
    let path: String
    let factors: Int
    let names: [String]
    /// Of each model whether it has vectors.
    let hasVectors: [Bool]

    /// - Parameter withoutVectors: names of the models that have none; `nil` for what the file says.
    init(_ db: Database, path: String, withoutVectors: Set<String>? = nil) throws {
        self.db = db
        self.path = path
        let identity = try StateFile.readIdentity(db)
        (factors, names) = (identity.factors, identity.modelNames)
        let without = try withoutVectors ?? StateFile.modelsWithoutVectors(db)
        hasVectors = names.map { !without.contains($0) }
    }

    fileprivate func read(into reader: some StateReader) throws -> FactorCounts {
        try FactorCounts(
            items: readItems(into: reader), users: readUsers(into: reader),
            wantsUsers: hasVectors, models: names.count)
    }

    private func readUsers(into reader: some StateReader) throws -> [Int] {
        let statement = try PlainStatement(
            "SELECT \(SummedTable.userFactors.list), checksum FROM user_factors ORDER BY model, row", db)
        var counts = [Int](repeating: 0, count: names.count)
        var (model, check) = (0, ChecksumCheck(.userFactors))
        while try statement.next() {
            try check.require(statement, path: path)
            try reader.read(userRow: userRow(of: statement, &model))
            counts[model] += 1
        }
        try check.requireWhole(db, path: path)
        return counts
    }

    /// Columns: model, row, bias, vector, step, long_term.
    func userRow(of statement: borrowing PlainStatement, _ model: inout Int) throws -> ReadRow {
        var row = try row(of: statement, "user_factors", &model)
        guard !statement.isNull(5) else { return row }
        let beside = statement.bytes(5)
        guard hasVectors[model] else {
            row.trail = beside
            return row
        }
        guard beside.count == factors * 4, beside.holdsNumbers else {
            throw StateFile.damaged(
                path, "user_factors row \(row.row) has a long-term row that is malformed")
        }
        row.longTerm = beside
        return row
    }

    private func readItems(into reader: some StateReader) throws -> Int {
        let statement = try PlainStatement(
            "SELECT \(SummedTable.itemFactors.list), checksum FROM item_factors ORDER BY model, row", db)
        var (count, model, check) = (0, 0, ChecksumCheck(.itemFactors))
        while try statement.next() {
            count += 1
            try check.require(statement, path: path)
            let popularity = StoredPopularity(
                positives: Int32(clamping: statement.integer(5)), popular: statement.double(6),
                trend: statement.double(7), countedAt: statement.integer(8))
            guard StoredNumber.isOne(popularity.popular), StoredNumber.isOne(popularity.trend),
                StoredNumber.isMoment(popularity.countedAt)
            else {
                throw StateFile.damaged(
                    path, "the popularity of item_factors row \(statement.integer(1)) is absurd")
            }
            try reader.read(itemRow: row(of: statement, "item_factors", &model), popularity: popularity)
        }
        try check.requireWhole(db, path: path)
        return count
    }

    /// Columns: model, row, bias, vector, step, and what follows.
    ///
    /// - Parameter model: the row's before, and this one's afterwards: they come in the order of their names.
    private func row(
        of statement: borrowing PlainStatement, _ table: String, _ model: inout Int
    ) throws -> ReadRow {
        let name = statement.bytes(0)
        while model < names.count, !names[model].utf8.elementsEqual(name) { model += 1 }
        guard model < names.count else {
            throw StateFile.damaged(
                path,
                "\(table) has rows of a model '\(String(decoding: name, as: UTF8.self))' that there is not")
        }
        let (row, vector) = (statement.integer(1), statement.bytes(3))
        let (bias, step) = (statement.double(2), statement.double(4))
        let isWhole = vector.count == factors * 4 || vector.isEmpty && !hasVectors[model]
        guard isWhole, StoredNumber.isOne(bias), StoredNumber.isOne(step), vector.holdsNumbers else {
            throw StateFile.damaged(
                path, "\(table) row \(row) of model '\(names[model])' is not \(factors) finite float32")
        }
        return ReadRow(
            model: model, row: Int32(clamping: row), vector: vector, bias: Float(bias), step: Float(step))
    }
}

/// Rows read of items and users.
private struct RowCounts {
    var items = 0
    var users = 0
}

/// Rows read of factors: of items over all models, of users by model.
private struct FactorCounts {
    var items = 0
    var users: [Int] = []
    /// Of each model whether every user has a row.
    var wantsUsers: [Bool] = []
    var models = 0

    /// A row that is missing would be served as if it had been learned: zeros for a user, chance for an item.
    func check(owners: RowCounts, path: String) throws {
        let userRows = zip(users, wantsUsers).reduce(0) { $0 + ($1.1 ? $1.0 : 0) }
        let wanted = owners.users * wantsUsers.count { $0 }
        for (table, found, wanted) in [
            ("user_factors", userRows, wanted), ("item_factors", items, models * owners.items),
        ] where found != wanted {
            throw StateFile.damaged(path, "\(table) has \(found) rows instead of \(wanted)")
        }
    }
}

/// What numbers of a state may come to. Whatever is larger was never learned (`engine.norm-max`), and its squares, or their sum
/// over a row, would be none that float32 has.
package enum StoredNumber {
    /// 2^53: squares of it, 2^20 of them added up, are below 2^127.
    private static let most = 0x1p53
    fileprivate static let mostBits = Float(most).bitPattern

    package static func isOne(_ value: Double) -> Bool { abs(value) < most }

    /// An ordinal of an event, or a time in milliseconds: what another is taken from, or added to, stays a number.
    package static func isMoment(_ value: Int64) -> Bool { value.magnitude <= 1 << 56 }
}

extension UnsafeRawBufferPointer {
    /// Every one is a number, and none larger than any that is learned.
    var holdsNumbers: Bool {
        var areNumbers = true
        for start in stride(from: 0, to: count - 3, by: 4) {
            let bits = UInt32(littleEndian: loadUnaligned(fromByteOffset: start, as: UInt32.self))
            // Without a way out of the loop, so that the compiler looks at several at once. What is none has the highest bits.
            areNumbers = areNumbers && bits & 0x7FFF_FFFF < StoredNumber.mostBits
        }
        return areNumbers
    }
}

extension Data {
    var holdsNumbers: Bool { withUnsafeBytes(\.holdsNumbers) }
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
