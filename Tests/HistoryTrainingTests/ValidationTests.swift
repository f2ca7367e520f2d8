import Factors
import Foundation
import Learners
import Testing
import Training

@testable import HistoryTraining

@Suite("validation of a training")
struct ValidationTests {
    /// Each user took the items of its own parity.
    private func taken(users: Int, items: Int) -> Interactions {
        var (rows, columns): ([Int32], [Int32]) = ([], [])
        for user in 0..<users {
            for item in 0..<items where item % 2 == user % 2 {
                rows.append(Int32(user))
                columns.append(Int32(item))
            }
        }
        return Interactions(
            userCount: users, itemCount: items, users: rows, items: columns,
            values: Array(repeating: 1, count: rows.count), times: Array(repeating: 0, count: rows.count))
    }

    /// Scores an item of a user by what `score` says.
    private func model(
        users: Int, items: Int, mean: Float = 0, ratings: Bool = false, score: (Int, Int) -> Float
    )
        -> FactorModel
    {
        // One factor per item, as far as they go.
        let factors = (items + 7) / 8 * 8
        let (userTable, itemTable) = (FactorTable(factors: factors), FactorTable(factors: factors))
        userTable.grow(to: users) { user, row in
            row.set(vector: (0..<items).map { score(user, $0) }, bias: 0)
        }
        itemTable.grow(to: items) { item, row in
            row.set(vector: (0..<items).map { $0 == item ? 1 : 0 }, bias: 0)
        }
        return FactorModel(
            users: userTable, items: itemTable,
            scale: RatingScale(mean: Double(mean), deviation: 1), predictsRatings: ratings)
    }

    @Test("what is held back is neither learned from nor known to be seen, and the rest is kept")
    func split() {
        let all = taken(users: 40, items: 50)
        let split = ValidationSplit(all, seen: all, fraction: 0.2, seed: 3)
        #expect(split.kept.count + split.heldBack.count == all.count)
        #expect(split.seen.count == split.kept.count)
        #expect((0.1...0.3).contains(Double(split.heldBack.count) / Double(all.count)))
        let kept = split.kept.grouped(by: .user)
        for index in split.heldBack.users.indices {
            #expect(!kept.contains(Int(split.heldBack.users[index]), split.heldBack.items[index]))
        }
        let again = ValidationSplit(all, seen: all, fraction: 0.2, seed: 3)
        #expect(again.heldBack == split.heldBack)
        #expect(ValidationSplit(all, seen: all, fraction: 0.2, seed: 4).heldBack != split.heldBack)
        #expect(ValidationSplit(all, seen: all, fraction: 0, seed: 3).heldBack.count == 0)
    }

    @Test("a model that puts first what is held back has NDCG 1, one that puts it last has 0")
    func rankingExtremes() throws {
        let all = taken(users: 20, items: 60)
        let split = ValidationSplit(all, seen: all, fraction: 0.1, seed: 1)
        let validator = Validator(split, predictsRatings: false, seed: 1)
        let heldBack = split.heldBack.grouped(by: .user)
        let best = try #require(
            validator.figure(model(users: 20, items: 60) { heldBack.contains($0, Int32($1)) ? 1 : 0 }))
        #expect(best.metric == .ndcg)
        #expect(best.value == 1)
        #expect(best.count == (0..<20).count { !heldBack.range($0).isEmpty })
        let worst = try #require(
            validator.figure(model(users: 20, items: 60) { heldBack.contains($0, Int32($1)) ? -1 : 0 }))
        #expect(worst.value == 0)
        #expect(best.isBetter(than: worst))
    }

    @Test("an item in second place counts 1 / log2(3)")
    func secondPlace() throws {
        let one = Interactions(userCount: 1, itemCount: 12, users: [0], items: [4], values: [1], times: [0])
        let nothing = one.filter { _ in false }
        let split = ValidationSplit(one, seen: nothing, fraction: 1, seed: 1)
        let validator = Validator(split, predictsRatings: false, seed: 1)
        let figure = try #require(
            validator.figure(model(users: 1, items: 12) { $1 == 7 ? 2 : $1 == 4 ? 1 : 0 }))
        #expect(abs(figure.value - 1 / log2(3)) < 1e-12)
    }

    @Test("items seen in training are out of the way")
    func seenItems() throws {
        let all = taken(users: 10, items: 40)
        let split = ValidationSplit(all, seen: all, fraction: 0.3, seed: 1)
        let validator = Validator(split, predictsRatings: false, seed: 1)
        // What was seen scores best of all, then what is held back.
        let seen = split.seen.grouped(by: .user)
        let figure = try #require(
            validator.figure(
                model(users: 10, items: 40) { seen.contains($0, Int32($1)) ? 9 : $0 % 2 == $1 % 2 ? 1 : 0 }))
        #expect(figure.value == 1)
    }

    @Test("a rating model is judged by the root of its mean squared error")
    func ratings() throws {
        let all = taken(users: 10, items: 10).mapValues { _ in 3 }
        let split = ValidationSplit(all, seen: all, fraction: 0.5, seed: 1)
        let validator = Validator(split, predictsRatings: true, seed: 1)
        let figure = try #require(
            validator.figure(model(users: 10, items: 10, mean: 2, ratings: true) { _, _ in 0.5 }))
        #expect(figure == ValidationFigure(metric: .rmse, value: 0.5, count: split.heldBack.count))
        #expect(figure.isBetter(than: ValidationFigure(metric: .rmse, value: 0.6, count: 1)))
    }

    @Test("no figure where nothing is held back")
    func nothing() {
        let all = taken(users: 3, items: 4)
        let validator = Validator(
            ValidationSplit(all, seen: all, fraction: 0, seed: 1), predictsRatings: false, seed: 1)
        #expect(validator.figure(model(users: 3, items: 4) { _, _ in 0 }) == nil)
    }
}
