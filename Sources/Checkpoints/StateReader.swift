/// Takes a state in as it is read, row by row, so that no second copy of it is made.
///
/// Two threads call: one with all that stands in `users` and `items`, another with the rows of factors. `expect` comes
/// before either begins, `finish` after both have ended. Each table comes in ascending order of rows.
public protocol StateReader: AnyObject {
    /// One past the highest rows that will come.
    func expect(userRows: Int, itemRows: Int) throws(StateError)
    func read(position: Int64, partition: Int32)
    func read(scalar: Scalar, name: String)
    func read(scalar: Scalar, name: String, model: String)
    func read(user: ReadUser) throws(StateError)
    func read(item: StoredItem) throws(StateError)
    func read(userRow: ReadRow) throws(StateError)
    func read(itemRow: ReadRow, popularity: StoredPopularity) throws(StateError)
    /// All was read.
    func finish() throws(StateError)
}

extension StateReader {
    public func expect(userRows: Int, itemRows: Int) {}
    public func finish() {}
}

/// A user as it is read back: `StoredUser`, whose bytes lie in SQLite's pages until `read` returns.
public struct ReadUser {
    public var row: Int32
    public var id: UnsafeRawBufferPointer
    public var history: UnsafeRawBufferPointer
    public var residualSum: Double
    public var ratings: Int64
    public var nextOrder: Int64
    public var lastEvent: Int64
    public var hidden: UnsafeRawBufferPointer
    public var marks: UnsafeRawBufferPointer
    public var tallies: UnsafeRawBufferPointer
    public var tags: UnsafeRawBufferPointer
    public var tagsAt: Int64?
}

/// One row of one factor table as it is read back. Its numbers lie in SQLite's pages until `read` returns.
public struct ReadRow {
    /// The model's place among the models of the identity, in the order of their names.
    public var model: Int
    public var row: Int32
    /// `factors` little-endian float32; may be empty of a model without vectors.
    public var vector: UnsafeRawBufferPointer
    public var bias: Float
    public var step: Float
    /// As `vector`, of users of a model by alternating least squares; what a state that another program made may lack.
    public var longTerm: UnsafeRawBufferPointer?
    /// What else a model without vectors keeps of the user.
    public var trail: UnsafeRawBufferPointer?
}

extension StateIdentity {
    /// The models' names in the order that `ReadRow` counts them.
    public var modelNames: [String] { models.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
}
