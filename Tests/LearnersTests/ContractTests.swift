import Factors
import Testing

@testable import Learners

/// What every learner has to do, fast or plain.
@Suite("Learner contract")
struct ContractTests {
    private static let schedules: [RateSchedule] = [.constant, .inverseTime(halfAfter: 300), .adaGrad]

    private func epochs(_ rule: Rule) -> Int { rule == .als ? 6 : 40 }

    @Test("a checkerboard's held-out cells are ranked right", arguments: Rule.allCases, Making.allCases)
    func learnsCheckerboard(rule: Rule, making: Making) {
        for classes in [2, 4] {
            let board = Checkerboard(users: 24, items: 20, classes: classes)
            let model = ContractOptions().model(making)
            #expect(board.usersUnderstood(model) < 20)
            board.train(model, rule, epochs: epochs(rule))
            #expect(board.usersUnderstood(model) == 24)
        }
    }

    @Test(
        "a checkerboard is learned under every schedule of rates", arguments: [Rule.sgd, .bpr, .warp],
        schedules)
    func learnsUnderSchedules(rule: Rule, schedule: RateSchedule) {
        let board = Checkerboard(users: 24, items: 20, classes: 2)
        let model = ContractOptions(schedule: schedule).model(.fast)
        board.train(model, rule, epochs: epochs(rule))
        #expect(board.usersUnderstood(model) == 24)
    }

    @Test("fast and plain stay together over many steps", arguments: Rule.allCases, schedules)
    func fastIsReference(rule: Rule, schedule: RateSchedule) {
        let board = Checkerboard(users: 24, items: 20, classes: 4)
        let options = ContractOptions(schedule: schedule)
        let (fast, plain) = (options.model(.fast), options.model(.reference))
        // Few, because differences of rounding grow with each step, and WARP turns on a comparison.
        for model in [fast, plain] { board.train(model, rule, epochs: 3) }
        for (row, expected) in zip(fast.rows, plain.rows) {
            for (a, b) in zip(row.vector, expected.vector) { #expect(abs(a - b) < 2e-3) }
            #expect(abs(row.bias - expected.bias) < 2e-3)
            #expect(abs(row.step - expected.step) < 2e-3 * max(1, expected.step))
        }
    }

    @Test("the learned numbers are finite and of the data's size", arguments: Rule.allCases, Making.allCases)
    func finite(rule: Rule, making: Making) {
        let board = Checkerboard(users: 24, items: 20, classes: 2)
        let model = ContractOptions().model(making)
        board.train(model, rule, epochs: epochs(rule))
        for row in model.rows {
            let norm = Reference.dot(row.vector, row.vector)
            #expect(norm.isFinite && norm < 100 && abs(row.bias) < 10)
        }
    }

    @Test(
        "more factors than users and items do no harm", arguments: Rule.allCases, Making.allCases)
    func moreFactorsThanData(rule: Rule, making: Making) {
        let board = Checkerboard(users: 6, items: 8, classes: 2)
        var options = ContractOptions()
        (options.users, options.items, options.factors) = (6, 8, 64)
        let model = options.model(making)
        board.train(model, rule, epochs: 2 * epochs(rule))
        #expect(board.usersUnderstood(model) == 6)
    }

    @Test("users with the same events come to rank the same way", arguments: Rule.allCases, Making.allCases)
    func twinsAgree(rule: Rule, making: Making) {
        let board = Checkerboard(users: 24, items: 20, classes: 2)
        let model = ContractOptions().model(making)
        board.train(model, rule, epochs: epochs(rule))
        // Users 0 and 20 hold out the same item, so their events are the same.
        #expect(board.heldOut(0) == board.heldOut(20))
        for item in 0..<20 { #expect(abs(model.score(0, item) - model.score(20, item)) < 0.8) }
    }

    @Test(
        "a rate that diverges is stopped by the guard: rows stay finite", arguments: [Rule.sgd, .bpr, .warp])
    func divergence(rule: Rule) {
        let board = Checkerboard(users: 24, items: 20, classes: 2)
        var options = ContractOptions()
        (options.sgd.learningRate, options.sgd.biasLearningRate) = (30, 30)
        (options.bpr.learningRate, options.warp.learningRate) = (1e4, 1e4)
        let model = options.model(.fast)
        board.train(model, rule, epochs: 5)
        for row in model.rows {
            #expect(Reference.dot(row.vector, row.vector) <= 100 * 100 * 1.001)
            #expect(abs(row.bias) <= 100)
        }
    }
}
