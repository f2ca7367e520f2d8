internal import Foundation

/// What has to hold of rows of factors before anybody is told of them, wherever they were read.
struct FactorCheck {
    let path: String
    let factors: Int
    /// Of the models, in the order that `ReadRow` counts them.
    let names: [String]
    /// Of each model whether it has vectors.
    let hasVectors: [Bool]

    init(_ identity: StateIdentity, path: String, withoutVectors: Set<String>) {
        self.path = path
        (factors, names) = (identity.factors, identity.modelNames)
        hasVectors = names.map { !withoutVectors.contains($0) }
    }

    /// The number of the model of this name, at `first` or behind.
    func number(of name: some Sequence<UInt8>, from first: Int, _ table: String) throws(StateError) -> Int {
        var number = first
        while number < names.count, !names[number].utf8.elementsEqual(name) { number += 1 }
        guard number < names.count else {
            let name = String(decoding: Array(name), as: UTF8.self)
            throw StateFile.damaged(path, "\(table) has rows of a model '\(name)' that there is not")
        }
        return number
    }

    func row(
        _ table: String, model: Int, row: Int64, bias: Double, vector: UnsafeRawBufferPointer, step: Double
    ) throws(StateError) -> ReadRow {
        let isWhole = vector.count == factors * 4 || vector.isEmpty && !hasVectors[model]
        guard isWhole, StoredNumber.isOne(bias), StoredNumber.isOne(step), vector.holdsNumbers else {
            throw StateFile.damaged(
                path, "\(table) row \(row) of model '\(names[model])' is not \(factors) finite float32")
        }
        return ReadRow(
            model: model, row: Int32(clamping: row), vector: vector, bias: Float(bias), step: Float(step))
    }

    /// A user's row with what is kept beside its vector, if anything is.
    func user(_ row: ReadRow, beside: UnsafeRawBufferPointer?) throws(StateError) -> ReadRow {
        guard let beside else { return row }
        var row = row
        guard hasVectors[row.model] else {
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

    func require(_ popularity: StoredPopularity, row: Int64) throws(StateError) {
        guard StoredNumber.isOne(popularity.popular), StoredNumber.isOne(popularity.trend),
            StoredNumber.isMoment(popularity.countedAt)
        else {
            throw StateFile.damaged(path, "the popularity of item_factors row \(row) is absurd")
        }
    }
}

/// Rows read of items and users.
struct RowCounts {
    var items = 0
    var users = 0
}

/// Rows read of factors: of items over all models, of users by model.
struct FactorCounts {
    var items = 0
    var users: [Int] = []
    /// Of each model whether every user has a row.
    var wantsUsers: [Bool] = []

    /// A row that is missing would be served as if it had been learned: zeros for a user, chance for an item.
    func check(owners: RowCounts, path: String) throws(StateError) {
        let userRows = zip(users, wantsUsers).reduce(0) { $0 + ($1.1 ? $1.0 : 0) }
        let wanted = owners.users * wantsUsers.count { $0 }
        for (table, found, wanted) in [
            ("user_factors", userRows, wanted), ("item_factors", items, wantsUsers.count * owners.items),
        ] where found != wanted {
            throw StateFile.damaged(path, "\(table) has \(found) rows instead of \(wanted)")
        }
    }
}
