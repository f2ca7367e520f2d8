import Factors
import Learners

@testable import Training

/// Users and items of a few classes; a user takes the items of the own class and no others. One item of each user's
/// class is held out, and a learner that has understood ranks it above every item of another class.
struct Checkerboard {
    var users = 24
    var items = 20
    var classes = 2

    func isTaken(_ user: Int, _ item: Int) -> Bool { user % classes == item % classes }

    func heldOut(_ user: Int) -> Int {
        let ofClass = (0..<items).filter { isTaken(user, $0) }
        return ofClass[user / classes % ofClass.count]
    }

    /// Everything but what is held out: ratings of 5 and 1, or what was taken.
    func interactions(ratings: Bool) -> Interactions {
        var cells: [(user: Int, item: Int)] = []
        for user in 0..<users {
            for item in 0..<items where item != heldOut(user) && (ratings || isTaken(user, item)) {
                cells.append((user, item))
            }
        }
        return Interactions(
            userCount: users, itemCount: items, users: cells.map { Int32($0.user) },
            items: cells.map { Int32($0.item) },
            values: cells.map { !ratings || isTaken($0.user, $0.item) ? (ratings ? 5 : 1) : 1 },
            times: cells.indices.map { Int64($0) })
    }

    /// Everything, so that what is held out is not drawn as a negative.
    var all: Interactions {
        let cells = (0..<users).flatMap { user in
            (0..<items).filter { isTaken(user, $0) }.map { (user, $0) }
        }
        return Interactions(
            userCount: users, itemCount: items, users: cells.map { Int32($0.0) },
            items: cells.map { Int32($0.1) }, values: cells.map { _ in 1 }, times: cells.map { _ in 0 })
    }

    /// Users whose held-out item scores above every item of another class.
    func usersUnderstood(_ model: FactorModel) -> Int {
        (0..<users).count { user in
            let score = model.predict(user: user, item: heldOut(user))
            return (0..<items).allSatisfy {
                isTaken(user, $0) || model.predict(user: user, item: $0) < score
            }
        }
    }
}

/// Settings for the few cells of a board.
func boardTrainer(_ name: Algorithm.Name, shards: Int = 1, schedule: RateSchedule = .constant) -> Trainer {
    var trainer: Trainer
    switch name {
    case .sgd:
        var options = BiasedSGD.Options()
        options.schedule = schedule
        trainer = Trainer(.sgd(options))
    case .bpr:
        var options = BPR.Options()
        (options.schedule, options.samples) = (schedule, 1)
        trainer = Trainer(.bpr(options))
    case .warp:
        var options = WARP.Options()
        options.schedule = schedule
        trainer = Trainer(.warp(options))
    case .mlp:
        var options = NeuralRating.Options()
        (options.rows.schedule, options.hidden, options.blockEvents) = (schedule, 24, 32)
        options.network.learningRate = 0.01
        trainer = Trainer(.mlp(options))
    case .als:
        var options = ALS.Options()
        options.regularization = 1
        trainer = Trainer(.als(options))
    }
    (trainer.factors, trainer.shards) = (8, shards)
    return trainer
}

extension FactorModel {
    /// All numbers, to compare to the bit.
    var numbers: [Float] {
        (neural?.network.numbers ?? []).flatMap(\.self)
            + [users, items].flatMap { table in
                (0..<table.count).flatMap { table.row($0).vector + [table.bias($0), table.step($0)] }
            }
    }

    var isFinite: Bool { numbers.allSatisfy { $0.isFinite } }
}
