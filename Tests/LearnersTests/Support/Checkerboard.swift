import Factors

@testable import Learners

/// Users and items of a few classes; a user takes the items of the own class and no others. One item of each user's
/// class is held out, and a learner that has understood ranks it above every item of another class.
struct Checkerboard {
    let users: Int
    let items: Int
    let classes: Int

    func isTaken(_ user: Int, _ item: Int) -> Bool { user % classes == item % classes }

    func heldOut(_ user: Int) -> Int {
        let ofClass = (0..<items).filter { isTaken(user, $0) }
        return ofClass[user / classes % ofClass.count]
    }

    func isTrained(_ user: Int, _ item: Int) -> Bool { item != heldOut(user) }

    /// Trains over everything but what is held out, in an order that the seed sets.
    func train(_ model: any ContractModel, _ rule: Rule, epochs: Int) {
        for epoch in 0..<epochs {
            var random = KeyedRandom(seed: 7, index: UInt64(epoch))
            switch rule {
            case .als:
                for user in 0..<users {
                    let taken = (0..<items).filter { isTaken(user, $0) && isTrained(user, $0) }
                    model.solve(user: user, items: taken)
                }
                for item in 0..<items {
                    let takers = (0..<users).filter { isTaken($0, item) && isTrained($0, item) }
                    model.solve(item: item, users: takers)
                }
            default:
                for _ in 0..<users * items { step(model, rule, random: &random) }
            }
        }
    }

    private func step(_ model: any ContractModel, _ rule: Rule, random: inout KeyedRandom) {
        let (user, item) = (random.next(below: users), random.next(below: items))
        guard isTrained(user, item) else { return }
        if rule == .sgd { return model.rate(user, item, isTaken(user, item) ? 5 : 1) }
        guard isTaken(user, item) else { return }
        for draws in 1...10 {
            guard
                let other = NegativeSampler().draw(
                    from: RowPool(below: items), random: &random, count: { _ in 0 },
                    isAllowed: { !isTaken(user, $0) })
            else { return }
            if rule == .bpr { return model.prefer(user, item, over: other) }
            guard model.score(user, other) > model.score(user, item) - 1 else { continue }
            return model.warp(user, item, over: other, draws: draws)
        }
    }

    /// Users whose held-out item scores above every item of another class.
    func usersUnderstood(_ model: any ContractModel) -> Int {
        (0..<users).count { user in
            let score = model.score(user, heldOut(user))
            return (0..<items).allSatisfy { isTaken(user, $0) || model.score(user, $0) < score }
        }
    }
}
