import Factors
import Foundation

@testable import Learners

enum Rule: String, CaseIterable, Sendable { case sgd, bpr, warp, als }
enum Making: String, CaseIterable, Sendable { case fast, reference }

/// What the contract asks of a learner, whatever is inside.
protocol ContractModel: AnyObject {
    func score(_ user: Int, _ item: Int) -> Float
    func rate(_ user: Int, _ item: Int, _ rating: Float)
    func prefer(_ user: Int, _ item: Int, over other: Int)
    func warp(_ user: Int, _ item: Int, over other: Int, draws: Int)
    func solve(user: Int, items: [Int])
    func solve(item: Int, users: [Int])
    var rows: [Reference.Values] { get }
}

struct ContractOptions {
    var users = 24
    var items = 20
    var factors = 8
    var sgd = BiasedSGD.Options()
    var bpr = BPR.Options()
    var warp = WARP.Options()
    var als = ALS.Options()
    var normMax: Float = 100

    init(schedule: RateSchedule = .constant) {
        (sgd.schedule, bpr.schedule, warp.schedule) = (schedule, schedule, schedule)
        // Eight factors could learn a board of a few cells by heart, what is held out included.
        als.regularization = 1
    }

    func table(_ rows: Int, seed: UInt64) -> FactorTable {
        let table = FactorTable(factors: factors)
        table.grow(to: rows) { index, row in
            var random = KeyedRandom(seed: seed, index: UInt64(index))
            random.initialise(row)
        }
        return table
    }

    func model(_ making: Making) -> any ContractModel {
        switch making {
        case .fast: FastModel(self)
        case .reference: ReferenceModel(self)
        }
    }
}

/// The library's kernels.
final class FastModel: ContractModel {
    let options: ContractOptions
    let (users, items): (FactorTable, FactorTable)
    private let updateGuard: UpdateGuard
    private let scratch: Scratch
    private let workspace: ALSWorkspace

    init(_ options: ContractOptions) {
        self.options = options
        users = options.table(options.users, seed: 1)
        items = options.table(options.items, seed: 2)
        updateGuard = UpdateGuard(normMax: options.normMax)
        scratch = Scratch(factors: options.factors)
        workspace = ALSWorkspace(factors: options.factors)
    }

    func score(_ user: Int, _ item: Int) -> Float {
        BPR(options: options.bpr, updateGuard: updateGuard).score(
            user: users.row(user), item: items.row(item))
            + users.bias(user)
    }

    func rate(_ user: Int, _ item: Int, _ rating: Float) {
        _ = BiasedSGD(options: options.sgd, updateGuard: updateGuard).update(
            rating: rating, mean: 3, user: users.row(user), item: items.row(item), scratch: scratch)
    }

    func prefer(_ user: Int, _ item: Int, over other: Int) {
        _ = BPR(options: options.bpr, updateGuard: updateGuard).update(
            weight: 1, user: users.row(user), positive: items.row(item), negative: items.row(other),
            scratch: scratch)
    }

    func warp(_ user: Int, _ item: Int, over other: Int, draws: Int) {
        _ = WARP(options: options.warp, updateGuard: updateGuard).update(
            weight: 1, draws: draws, candidates: options.items, user: users.row(user),
            positive: items.row(item), negative: items.row(other), scratch: scratch)
    }

    func solve(user: Int, items entries: [Int]) { solve(users.row(user), others: items, entries) }
    func solve(item: Int, users entries: [Int]) { solve(items.row(item), others: users, entries) }

    private func solve(_ row: Row, others: FactorTable, _ entries: [Int]) {
        _ = ALS(options: options.als, updateGuard: updateGuard).solve(
            gramian: Gramian(of: others), others: others, rows: entries.map(Int32.init),
            weights: entries.map { _ in 1 }, into: row, workspace: workspace)
    }

    var rows: [Reference.Values] {
        (0..<users.count).map { .init(users.row($0)) } + (0..<items.count).map { .init(items.row($0)) }
    }
}

/// The same on plain arrays, without lanes, leases or a guard.
final class ReferenceModel: ContractModel {
    let options: ContractOptions
    var users: [Reference.Values]
    var items: [Reference.Values]

    init(_ options: ContractOptions) {
        self.options = options
        let (userTable, itemTable) = (
            options.table(options.users, seed: 1), options.table(options.items, seed: 2)
        )
        users = (0..<options.users).map { .init(userTable.row($0)) }
        items = (0..<options.items).map { .init(itemTable.row($0)) }
    }

    func score(_ user: Int, _ item: Int) -> Float {
        users[user].bias + items[item].bias + Reference.dot(users[user].vector, items[item].vector)
    }

    func rate(_ user: Int, _ item: Int, _ rating: Float) {
        Reference.sgd(rating: rating, mean: 3, user: &users[user], item: &items[item], options.sgd)
    }

    func prefer(_ user: Int, _ item: Int, over other: Int) {
        var (positive, negative) = (items[item], items[other])
        Reference.bpr(user: &users[user], positive: &positive, negative: &negative, options.bpr)
        (items[item], items[other]) = (positive, negative)
    }

    func warp(_ user: Int, _ item: Int, over other: Int, draws: Int) {
        var (positive, negative) = (items[item], items[other])
        Reference.warp(
            draws: draws, candidates: options.items, user: &users[user], positive: &positive,
            negative: &negative, options.warp)
        (items[item], items[other]) = (positive, negative)
    }

    func solve(user: Int, items entries: [Int]) {
        users[user].vector = Reference.als(
            others: items.map(\.vector), weights: weights(entries), options.als)
    }

    func solve(item: Int, users entries: [Int]) {
        items[item].vector = Reference.als(
            others: users.map(\.vector), weights: weights(entries), options.als)
    }

    private func weights(_ entries: [Int]) -> [Int: Float] {
        Dictionary(entries.map { ($0, 1) }, uniquingKeysWith: +)
    }

    var rows: [Reference.Values] { users + items }
}
