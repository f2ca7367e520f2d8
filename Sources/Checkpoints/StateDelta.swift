public import Foundation
internal import SQLiteFiles

/// What has changed since the last checkpoint, copied aside: plain values, independent of the live state.
///
/// One delta is one transaction: learned state and the positions it was learned from, together.
public struct StateDelta: Sendable {
    /// Next offset per partition.
    public var positions: [Int32: Int64] = [:]
    /// Counters and sums of the whole state; always complete.
    public var scalars: [String: Scalar] = [:]
    /// Always complete.
    public var models: [StoredModel] = []
    public var users: [StoredUser] = []
    /// Rows of users that are gone: erased from every table.
    public var forgottenUsers: [Int32] = []
    /// Who of them wanted to be forgotten, and so has to be erased from earlier copies of the file, too.
    public var erasures: [ErasedID] = []
    public var items: [StoredItem] = []
    public var userFactors: [StoredFactors] = []
    public var itemFactors: [StoredFactors] = []

    public init() {}

    /// Rows that the transaction writes or deletes.
    public var rowCount: Int {
        users.count + forgottenUsers.count + items.count
            + (userFactors + itemFactors).reduce(0) { $0 + $1.rows.count }
    }
}

/// A user who is to be erased from copies of the file, by a number that does not tell the id.
public struct ErasedID: Sendable, Hashable {
    var hash: Int64
    /// Events applied, over the whole life of the state, when the batch came that forgets the user: who stands in a copy of more
    /// has come back since.
    var events: Int64

    /// - Parameter id: UTF-8.
    public init(_ id: UnsafeRawBufferPointer, events: Int64) {
        (hash, self.events) = (Self.hash(id), events)
    }

    init(hash: Int64, events: Int64) { (self.hash, self.events) = (hash, events) }

    static func hash(_ id: UnsafeRawBufferPointer) -> Int64 {
        var sum = RowChecksum(table: "erasures")
        sum.add(text: id)
        return sum.stored
    }
}

public enum Scalar: Sendable, Equatable {
    case integer(Int64)
    /// Kept bit for bit.
    case double(Double)
    case blob(Data)
}

public struct StoredModel: Sendable, Equatable {
    /// The scalar that says, as 0, that the model has no vectors: of its users' rows there may be any number, and all
    /// vectors may be empty.
    public static let vectors = "vectors"

    public var name: String
    public var learner: String
    public var scalars: [String: Scalar]
    /// Names of scalars that an earlier version wrote and this one does not.
    public var obsolete: [String] = []

    public init(name: String, learner: String, scalars: [String: Scalar] = [:]) {
        self.name = name
        self.learner = learner
        self.scalars = scalars
    }
}

public struct StoredUser: Sendable {
    public var row: Int32
    /// UTF-8.
    public var id: Data
    /// Entries of 24 bytes, little-endian: item i32, value f32, time i64 (ms), order u32, kind u32 (bit 8: the time is the
    /// event's own).
    public var history: Data
    /// Σ(r − μ − b_i) of the means baseline.
    public var residualSum: Double
    public var ratings: Int64
    /// The order that the next entry gets.
    public var nextOrder: Int64
    /// The ordinal of the user's last event.
    public var lastEvent: Int64
    /// Rows of the items that the user never wants to see: i32, little-endian, ascending.
    public var hidden: Data
    /// Marks of 16 bytes, little-endian: item i32, subject u32 (0 retraction, 1 hiding), time i64 (ms).
    public var marks: Data
    /// Of items that the user came to more than once; tallies of 24 bytes, little-endian: item i32, signals u32, weight f32,
    /// faded weight f32, first and last u32 (seconds since 1970).
    public var tallies: Data
    public var tags: [String]
    /// When they were said, by the producer's clock: milliseconds since 1970.
    public var tagsAt: Int64?

    public init(
        row: Int32, id: Data, history: Data, residualSum: Double, ratings: Int64, nextOrder: Int64,
        lastEvent: Int64, hidden: Data, marks: Data = Data(), tallies: Data = Data(), tags: [String] = [],
        tagsAt: Int64? = nil
    ) {
        self.row = row
        self.id = id
        self.history = history
        self.residualSum = residualSum
        self.ratings = ratings
        self.nextOrder = nextOrder
        self.lastEvent = lastEvent
        self.hidden = hidden
        self.marks = marks
        self.tallies = tallies
        self.tags = tags
        self.tagsAt = tagsAt
    }
}

public struct StoredItem: Sendable {
    public var row: Int32
    /// UTF-8.
    public var id: Data
    /// UTF-8.
    public var title: Data?
    public var tags: [String]
    public var available: Bool
    /// Users in whose history the item stands.
    public var users: Int64
    public var ratings: Int64
    public var ratingSum: Double
    /// Milliseconds since 1970.
    public var lastEvent: Int64?
    /// When title, tags and availability were said, by the producer's clock: milliseconds since 1970.
    public var titleAt: Int64?
    public var tagsAt: Int64?
    public var availableAt: Int64?

    public init(
        row: Int32, id: Data, title: Data?, tags: [String], available: Bool, users: Int64, ratings: Int64,
        ratingSum: Double, lastEvent: Int64?
    ) {
        self.row = row
        self.id = id
        self.title = title
        self.tags = tags
        self.available = available
        self.users = users
        self.ratings = ratings
        self.ratingSum = ratingSum
        self.lastEvent = lastEvent
    }
}

/// Rows of one factor table. Shape: `vectors` is rows × factors, row-major.
public struct StoredFactors: Sendable {
    public var model: String
    /// 0 of a model without vectors.
    public var factors: Int
    public var rows: [Int32] = []
    public var vectors: [Float] = []
    public var biases: [Float] = []
    /// What a learning-rate schedule remembers of the row.
    public var steps: [Float] = []
    /// rows × factors like `vectors`: users' long-term rows, of models by alternating least squares; else empty.
    public var longTerm: [Float] = []
    /// Per user's row, what else a model without vectors keeps of the user; else empty. Stands where long-term rows do.
    public var trails: [Data] = []
    /// Per row; empty for users' rows.
    public var popularity: [StoredPopularity] = []

    public init(model: String, factors: Int) {
        self.model = model
        self.factors = factors
    }
}

/// How often an item was taken, in one model.
public struct StoredPopularity: Sendable, Equatable {
    /// Users for whom the item is positive.
    public var positives: Int32
    /// Positive events, decayed slowly, as they stood at the ordinal `countedAt`.
    public var popular: Double
    /// The same, decayed fast.
    public var trend: Double
    public var countedAt: Int64

    public init(positives: Int32, popular: Double, trend: Double, countedAt: Int64) {
        self.positives = positives
        self.popular = popular
        self.trend = trend
        self.countedAt = countedAt
    }
}

/// What a state is of; a file of another identity is refused.
public struct StateIdentity: Sendable, Equatable {
    public var factors: Int
    /// Name → learner.
    public var models: [String: String]
    /// The log it is learned from, say `kafka:ratings`.
    public var source: String

    public init(factors: Int, models: [String: String], source: String) {
        self.factors = factors
        self.models = models
        self.source = source
    }
}

/// Why a state file cannot be used; the message says which file, what was found and what to do.
public struct StateError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        case damaged, newerSchema, notAState, mismatch, unwritable, full, locked
        /// This user, or this disk, does not give it even to somebody who only looks at it.
        case unreadable
    }
    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
