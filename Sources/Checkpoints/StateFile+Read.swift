internal import Foundation
internal import GRDB

/// Takes a state in as it is read, row by row and in ascending order of rows, so that no second copy of it is made.
public protocol StateReader: AnyObject {
    func read(position: Int64, partition: Int32)
    func read(scalar: Scalar, name: String)
    func read(scalar: Scalar, name: String, model: String)
    func read(user: StoredUser) throws(StateError)
    func read(item: StoredItem) throws(StateError)
    func read(userRow: StoredRow) throws(StateError)
    func read(itemRow: StoredRow, popularity: StoredPopularity) throws(StateError)
    /// All was read.
    func finish()
}

extension StateReader {
    public func finish() {}
}

extension StateFile {
    /// Reads the whole state. Non-finite numbers are refused as damage: they are never served.
    public func read(into reader: some StateReader) throws(StateError) {
        try Self.read(queue, path: path, into: reader)
    }

    static func read(_ queue: DatabaseQueue, path: String, into reader: some StateReader) throws(StateError) {
        do {
            try queue.read { db in
                try readScalars(db, into: reader)
                try readItems(db, into: reader)
                try readUsers(db, into: reader)
                try readFactors(db, path: path, into: reader)
                reader.finish()
            }
        } catch {
            throw explain(error, path: path)
        }
    }

    private static func readScalars(_ db: Database, into reader: some StateReader) throws {
        let positions = try GRDB.Row.fetchCursor(db, sql: "SELECT partition, next_offset FROM positions")
        while let row = try positions.next() { reader.read(position: row[1], partition: row[0]) }
        let scalars = try GRDB.Row.fetchCursor(db, sql: "SELECT name, value FROM scalars")
        while let row = try scalars.next() {
            if let value = Scalar(row[1]) { reader.read(scalar: value, name: row[0]) }
        }
        let ofModels = try GRDB.Row.fetchCursor(db, sql: "SELECT model, name, value FROM model_scalars")
        while let row = try ofModels.next() {
            if let value = Scalar(row[2]) { reader.read(scalar: value, name: row[1], model: row[0]) }
        }
    }

    private static func readUsers(_ db: Database, into reader: some StateReader) throws {
        let cursor = try GRDB.Row.fetchCursor(
            db,
            sql: """
                SELECT row, id, history, residual_sum, ratings, next_order, last_event, hidden, marks
                FROM users ORDER BY row
                """)
        while let row = try cursor.next() {
            try reader.read(
                user: StoredUser(
                    row: row[0], id: row[1], history: row[2], residualSum: row[3], ratings: row[4],
                    nextOrder: row[5], lastEvent: row[6], hidden: row[7], marks: row[8]))
        }
    }

    private static func readItems(_ db: Database, into reader: some StateReader) throws {
        let decoder = JSONDecoder()
        let cursor = try GRDB.Row.fetchCursor(
            db,
            sql: """
                SELECT row, id, CAST(title AS BLOB), tags, available, users, ratings, rating_sum,
                    last_event, title_at, tags_at, available_at
                FROM items ORDER BY row
                """)
        while let row = try cursor.next() {
            let tags = try decoder.decode([String].self, from: Data((row[3] as String).utf8))
            var item = StoredItem(
                row: row[0], id: row[1], title: row[2], tags: tags, available: row[4], users: row[5],
                ratings: row[6], ratingSum: row[7], lastEvent: row[8])
            (item.titleAt, item.tagsAt, item.availableAt) = (row[9], row[10], row[11])
            try reader.read(item: item)
        }
    }

    private static func readFactors(_ db: Database, path: String, into reader: some StateReader) throws {
        let identity = try readIdentity(db)
        let factors = identity.factors
        var (userRows, itemRows) = (0, 0)
        let users = try GRDB.Row.fetchCursor(
            db,
            sql: """
                SELECT model, row, bias, vector, step, long_term FROM user_factors ORDER BY model, row
                """)
        while let row = try users.next() {
            userRows += 1
            var stored = try finite(row, factors: factors, "user_factors", path)
            stored.longTerm = row[5]
            if let longTerm = stored.longTerm {
                guard longTerm.count == factors * 4, longTerm.allFloatsAreFinite else {
                    throw damaged(
                        path, "user_factors row \(stored.row) has a long-term row that is malformed")
                }
            }
            try reader.read(userRow: stored)
        }
        let items = try GRDB.Row.fetchCursor(
            db,
            sql: """
                SELECT model, row, bias, vector, step, positives, popular, trend, counted_at
                FROM item_factors ORDER BY model, row
                """)
        while let row = try items.next() {
            itemRows += 1
            let popularity = StoredPopularity(
                positives: row[5], popular: row[6], trend: row[7],
                countedAt: row[8])
            try reader.read(
                itemRow: finite(row, factors: factors, "item_factors", path), popularity: popularity)
        }
        try checkCount(userRows, of: "user_factors", owners: "users", identity, db, path)
        try checkCount(itemRows, of: "item_factors", owners: "items", identity, db, path)
    }

    /// A row that is missing would be served as if it had been learned: zeros for a user, chance for an item.
    private static func checkCount(
        _ count: Int, of table: String, owners: String, _ identity: StateIdentity, _ db: Database,
        _ path: String
    ) throws {
        let wanted =
            try identity.models.count * (Int.fetchOne(db, sql: "SELECT count(*) FROM \(owners)") ?? 0)
        guard count == wanted else { throw damaged(path, "\(table) has \(count) rows instead of \(wanted)") }
    }

    private static func damaged(_ path: String, _ what: String) -> StateError {
        StateError(
            .damaged,
            "'\(path)' is damaged: \(what). Put back a copy of it, or move it away with its -wal and -shm files and "
                + "start again: the state is then learned anew from the log")
    }

    /// Columns: model, row, bias, vector, step, and what follows.
    private static func finite(
        _ row: GRDB.Row, factors: Int, _ table: String, _ path: String
    ) throws -> StoredRow {
        let (model, number, vector) = (row[0] as String, row[1] as Int32, row[3] as Data)
        let (bias, step) = (row[2] as Double, row[4] as Double)
        guard vector.count == factors * 4, bias.isFinite, step.isFinite, vector.allFloatsAreFinite else {
            throw damaged(path, "\(table) row \(number) of model '\(model)' is not \(factors) finite float32")
        }
        return StoredRow(model: model, row: number, vector: vector, bias: Float(bias), step: Float(step))
    }
}

extension Data {
    /// Every number is finite: no exponent is all ones.
    var allFloatsAreFinite: Bool {
        withUnsafeBytes { bytes in
            for start in stride(from: 0, to: bytes.count - 3, by: 4) {
                let bits = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
                if bits & 0x7F80_0000 == 0x7F80_0000 { return false }
            }
            return true
        }
    }
}

extension Scalar {
    init?(_ value: DatabaseValue) {
        switch value.storage {
        case .int64(let value): self = .integer(value)
        case .double(let value): self = .double(value)
        case .blob(let value): self = .blob(value)
        default: return nil
        }
    }
}
