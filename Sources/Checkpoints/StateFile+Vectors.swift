internal import Foundation
internal import GRDB

/// Whose rows are read.
public enum VectorOwner: String, Sendable, CaseIterable {
    case items, users
}

/// A row of one model, with what is known of whose it is.
public struct StoredVector: Sendable, Equatable {
    public var id: String
    /// Of items alone, as are tags and takers.
    public var title: String?
    public var tags: [String]
    /// Users who took the item.
    public var takers: Int64
    public var bias: Float
    /// As many numbers as the state has factors.
    public var vector: [Float]

    public init(id: String, title: String?, tags: [String], takers: Int64, bias: Float, vector: [Float]) {
        (self.id, self.title, self.tags, self.takers) = (id, title, tags, takers)
        (self.bias, self.vector) = (bias, vector)
    }
}

extension StateFile {
    /// Reads the rows of a model, as one checkpoint left them, in the order of the rows. Changes nothing, needs no right to
    /// write, and may be asked beside a running daemon.
    ///
    /// - Parameter body: takes each row.
    /// - Throws: `StateError`, or what `body` throws.
    public static func readVectors(
        path: String, of owner: VectorOwner, model: String, _ body: (StoredVector) throws -> Void
    ) throws {
        let queue: DatabaseQueue
        do {
            queue = try openToLook(path: path)
        } catch {
            throw explainLook(error, path: path)
        }
        let columns = owner == .items ? "title, tags, users" : "NULL, '[]', 0"
        try queue.read { db in
            do {
                try checkSchema(db, path: path)
            } catch {
                throw explainLook(error, path: path)
            }
            let rows = try GRDB.Row.fetchCursor(
                db,
                sql: """
                    SELECT CAST(id AS TEXT), \(columns), bias, vector
                    FROM \(owner == .items ? "item_factors" : "user_factors") JOIN \(owner.rawValue) USING(row)
                    WHERE model = ? AND length(vector) > 0 ORDER BY row
                    """, arguments: [model])
            let decoder = JSONDecoder()
            while let row = try rows.next() {
                let tags = (row[2] as String?).flatMap {
                    try? decoder.decode([String].self, from: Data($0.utf8))
                }
                let bytes = row[5] as Data
                try body(
                    StoredVector(
                        id: row[0], title: row[1], tags: tags ?? [], takers: row[3],
                        bias: Float(row[4] as Double),
                        vector: bytes.withUnsafeBytes { bytes in
                            (0..<bytes.count / 4).map { place in
                                Float(
                                    bitPattern: UInt32(
                                        littleEndian: bytes.loadUnaligned(
                                            fromByteOffset: 4 * place, as: UInt32.self)))
                            }
                        }))
            }
        }
    }
}
