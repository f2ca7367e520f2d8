internal import Foundation
internal import GRDB
internal import SQLiteFiles

/// What a look through a state file found.
public struct StateVerification: Sendable {
    public var schemaVersion = 0
    public var identity = StateIdentity(factors: 0, models: [:], source: "")
    public var positions: [Int32: Int64] = [:]
    public var scalars: [String: Scalar] = [:]
    public var users = 0
    public var items = 0
    /// Rows per table and model, say `item_factors.likes`.
    public var factorRows: [String: Int] = [:]
    /// By table, a number for all that stands in it; two files in which it is the same say the same there. Empty in files of
    /// before there were any.
    public var checksums: [String: UInt64] = [:]
    /// Empty when all is well.
    public var problems: [String] = []

    public init() {}
}

extension StateFile {
    /// Checks a file that no daemon has to be running on: SQLite's own integrity, row counts, that every number is
    /// finite, that histories and factors refer to rows that exist, and the positions. Changes nothing, and needs no right
    /// to write.
    public static func verify(path: String) throws(StateError) -> StateVerification {
        do {
            return try openToLook(path: path).read { db in
                try checkSchema(db, path: path)
                var report = StateVerification()
                report.schemaVersion = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
                report.identity = try readIdentity(db)
                try checkIntegrity(db, &report)
                try checkChecksums(db, &report)
                try checkScalars(db, &report)
                try checkFactors(db, "user_factors", of: "users", &report)
                try checkFactors(db, "item_factors", of: "items", &report)
                try checkHistories(db, &report)
                return report
            }
        } catch {
            throw explainLook(error, path: path)
        }
    }

    private static func checkIntegrity(_ db: Database, _ report: inout StateVerification) throws {
        let lines = try String.fetchAll(db, sql: "PRAGMA integrity_check(10)")
        if lines != ["ok"] { report.problems += lines.map { "integrity: \($0)" } }
        report.users = try Int.fetchOne(db, sql: "SELECT count(*) FROM users") ?? 0
        report.items = try Int.fetchOne(db, sql: "SELECT count(*) FROM items") ?? 0
    }

    /// What SQLite does not see: values that are not those that were written.
    private static func checkChecksums(_ db: Database, _ report: inout StateVerification) throws {
        guard report.schemaVersion >= SummedTable.firstSchema else { return }
        if try !Schema.isOfOneFile(db) { report.problems.append("its write-ahead log is another file's") }
        for table in SummedTable.allCases {
            var (check, bad, first) = (ChecksumCheck(table), 0, "")
            let checksum = table.rowsHaveChecksums ? "checksum" : "0"
            let rows = try PlainStatement("SELECT \(table.list), \(checksum) FROM \(table.rawValue)", db)
            while try rows.next() {
                if check.take(rows) { continue }
                if bad == 0 { first = check.key(of: rows) }
                bad += 1
            }
            if bad > 0 {
                report.problems.append(
                    "\(bad) rows of \(table.rawValue) are not what was written (checksum), the first is \(first)"
                )
            }
            if let problem = try check.problem(db) { report.problems.append(problem) }
            report.checksums[table.rawValue] = check.sum
        }
    }

    static func checkScalars(_ db: Database, _ report: inout StateVerification) throws {
        let positions = try PlainStatement("SELECT partition, next_offset FROM positions", db)
        while try positions.next() {
            let (partition, next) = (Int32(clamping: positions.integer(0)), positions.integer(1))
            report.positions[partition] = next
            if next < 0 { report.problems.append("partition \(partition) has a negative position") }
        }
        let scalars = try PlainStatement("SELECT name, value FROM scalars", db)
        while try scalars.next() {
            let name = scalars.text(0)
            report.scalars[name] = scalars.scalar(1)
            if case .double(let value)? = report.scalars[name], !value.isFinite {
                report.problems.append("scalar '\(name)' is not finite")
            }
            // Vectors of content: float32 throughout.
            if name.hasPrefix("content.weights"), case .blob(let data)? = report.scalars[name],
                !data.holdsNumbers
            {
                report.problems.append("scalar '\(name)' is not finite")
            }
        }
    }

    private static func checkFactors(
        _ db: Database, _ table: String, of owners: String, _ report: inout StateVerification
    ) throws {
        let orphans =
            try Int.fetchOne(
                db, sql: "SELECT count(*) FROM \(table) WHERE row NOT IN (SELECT row FROM \(owners))") ?? 0
        if orphans > 0 { report.problems.append("\(orphans) rows of \(table) belong to nobody in \(owners)") }
        let hasLongTerm = table == "user_factors" && report.schemaVersion >= 2
        let withoutVectors = try modelsWithoutVectors(db)
        let rows = try PlainStatement(
            "SELECT model, row, bias, vector, \(hasLongTerm ? "long_term" : "NULL") FROM \(table)", db)
        var bad = 0
        let bytes = report.identity.factors * 4
        while try rows.next() {
            let (model, bias) = (rows.text(0), rows.double(2))
            report.factorRows["\(table).\(model)", default: 0] += 1
            let vector = rows.bytes(3)
            var isWhole = vector.count == bytes && vector.holdsNumbers
            // What stands beside an empty vector is the model's own.
            if withoutVectors.contains(model), vector.isEmpty {
                isWhole = true
            } else if isWhole, !rows.isNull(4) {
                let longTerm = rows.bytes(4)
                isWhole = longTerm.count == bytes && longTerm.holdsNumbers
            }
            if !isWhole || !StoredNumber.isOne(bias) { bad += 1 }
        }
        let wanted = owners == "users" ? report.users : report.items
        for model in report.identity.models.keys.sorted() {
            let count = report.factorRows["\(table).\(model)", default: 0]
            if count != wanted, owners == "items" || !withoutVectors.contains(model) {
                report.problems.append(
                    "\(table) has \(count) rows of model '\(model)' for \(wanted) \(owners)")
            }
        }
        if bad > 0 {
            report.problems.append(
                "\(bad) rows of \(table) are not \(report.identity.factors) finite float32")
        }
    }

    private static func checkHistories(_ db: Database, _ report: inout StateVerification) throws {
        var items: Set<Int32> = []
        var counted: [Int32: Int64] = [:]
        let counts = try PlainStatement("SELECT row, users FROM items", db)
        while try counts.next() {
            let row = Int32(clamping: counts.integer(0))
            items.insert(row)
            counted[row] = counts.integer(1)
        }
        var holders: [Int32: Int64] = [:]
        var bad = 0
        let (hasHidden, hasTallies) = (report.schemaVersion >= 2, report.schemaVersion >= 4)
        let users = try PlainStatement(
            "SELECT history, \(hasHidden ? "hidden" : "x''"), \(hasTallies ? "tallies" : "x''") FROM users",
            db)
        while try users.next() {
            let (history, hidden, tallies) = (
                Data(users.bytes(0)), Data(users.bytes(1)), Data(users.bytes(2))
            )
            if !StoredUser.areSound(tallies: tallies, ofHistory: history) { bad += 1 }
            if !StoredUser.areWhole(hidden: hidden, of: items) { bad += 1 }
            if history.count % StoredUser.entryBytes != 0 { bad += 1 }
            for item in StoredUser.items(ofHistory: history) {
                holders[item, default: 0] += 1
                if !items.contains(item) { bad += 1 }
            }
        }
        if bad > 0 {
            report.problems.append(
                "\(bad) histories, entries, tallies or lists of hidden items are malformed or name unknown items"
            )
        }
        // Of one of several the users of the others are with those.
        let isOneOfSeveral = report.scalars["cluster"] != nil
        let miscounted = counted.count { item, count in
            let own = holders[item, default: 0]
            return isOneOfSeveral ? own > count : own != count
        }
        if miscounted > 0 {
            report.problems.append("\(miscounted) items count other users than have them in their history")
        }
    }
}

extension StoredUser {
    public static let entryBytes = 24
    public static let tallyBytes = 24

    /// Whether these are whole rows of `items`, ascending.
    static func areWhole(hidden: Data, of items: Set<Int32>) -> Bool {
        let rows = hidden.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count - 3, by: 4).map {
                Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: Int32.self))
            }
        }
        return hidden.count % 4 == 0 && rows.allSatisfy(items.contains)
            && zip(rows, rows.dropFirst()).allSatisfy { $0 < $1 }
    }

    /// Whether these are whole tallies of finite weights, ascending, each of an item of the history.
    static func areSound(tallies: Data, ofHistory history: Data) -> Bool {
        guard !tallies.isEmpty else { return true }
        guard tallies.count % tallyBytes == 0 else { return false }
        let items = Set(items(ofHistory: history))
        return tallies.withUnsafeBytes { bytes in
            var last: Int32 = -1
            return stride(from: 0, to: bytes.count, by: tallyBytes).allSatisfy { start in
                let item = Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: Int32.self))
                defer { last = item }
                let weights = UnsafeRawBufferPointer(rebasing: bytes[start + 8..<start + 16])
                return item > last && items.contains(item) && weights.holdsNumbers
            }
        }
    }

    static func items(ofHistory history: Data) -> [Int32] {
        history.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count - entryBytes + 1, by: entryBytes).map {
                Int32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: Int32.self))
            }
        }
    }
}
