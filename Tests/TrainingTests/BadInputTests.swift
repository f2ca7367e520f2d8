import Factors
import Learners
import Testing

@testable import Training

@Suite("Training on odd data")
struct BadInputTests {
    private func interactions(
        users: Int, items: Int, _ cells: [(Int32, Int32, Float)]
    ) -> Interactions {
        Interactions(
            userCount: users, itemCount: items, users: cells.map(\.0), items: cells.map(\.1),
            values: cells.map(\.2), times: cells.map { _ in 0 })
    }

    @Test("no events leave the model as it starts", arguments: Algorithm.Name.allCases, 1...2)
    func nothing(name: Algorithm.Name, shards: Int) throws {
        let trainer = boardTrainer(name, shards: shards)
        for (users, items) in [(0, 0), (3, 0), (0, 3), (3, 3)] {
            let model = try trainer.train(interactions(users: users, items: items, []), epochsMax: 3)
            #expect(model.users.count == users && model.items.count == items && model.isFinite)
            #expect(model.scale.mean == 0)
        }
    }

    @Test("one user, one item, one event", arguments: Algorithm.Name.allCases, 1...2)
    func one(name: Algorithm.Name, shards: Int) throws {
        let model = try boardTrainer(name, shards: shards).train(
            interactions(users: 1, items: 1, [(0, 0, 4)]), epochsMax: 20)
        #expect(model.isFinite)
        if name.predictsRatings { #expect(abs(model.predict(user: 0, item: 0) - 4) < 0.01) }
    }

    @Test("one user of many items, one item of many users", arguments: Algorithm.Name.allCases)
    func oneSided(name: Algorithm.Name) throws {
        let wide = interactions(users: 1, items: 40, (0..<30).map { (0, $0, 1) })
        let tall = interactions(users: 40, items: 1, (0..<30).map { ($0, 0, 1) })
        for data in [wide, tall] {
            #expect(try boardTrainer(name).train(data, epochsMax: 20).isFinite)
        }
    }

    @Test(
        "a user who has seen everything has no negatives, and the others learn",
        arguments: Algorithm.Name.allCases)
    func sawEverything(name: Algorithm.Name) throws {
        let board = Checkerboard()
        let data = board.interactions(ratings: name.predictsRatings)
        let more = Interactions(
            userCount: 25, itemCount: 20, users: data.users + [Int32](repeating: 24, count: 20),
            items: data.items + (0..<20), values: data.values + [Float](repeating: 3, count: 20),
            times: data.times + [Int64](repeating: 0, count: 20))
        let all = board.all
        let seen = Interactions(
            userCount: 25, itemCount: 20, users: all.users + [Int32](repeating: 24, count: 20),
            items: all.items + (0..<20), values: all.values + [Float](repeating: 1, count: 20),
            times: all.times + [Int64](repeating: 0, count: 20))
        let model = try boardTrainer(name).train(more, epochsMax: name == .als ? 6 : 40, seen: seen)
        #expect(model.isFinite)
        #expect(board.usersUnderstood(model) == 24)
    }

    @Test("ratings that are all equal are predicted as they are")
    func allEqual() throws {
        let data = Checkerboard().all.mapValues { _ in 3 }
        var losses: [Double] = []
        let model = try boardTrainer(.sgd).train(data, epochsMax: 10) { report, _ in
            losses.append(report.loss)
            return true
        }
        #expect(abs(model.predict(user: 0, item: 1) - 3) < 0.01)
        #expect(losses.count == 10 && losses.allSatisfy { $0 < 0.01 })
    }

    @Test("more factors than users and items do no harm", arguments: Algorithm.Name.allCases)
    func moreFactorsThanData(name: Algorithm.Name) throws {
        let board = Checkerboard(users: 6, items: 8)
        var trainer = boardTrainer(name)
        trainer.factors = 64
        let data = board.interactions(ratings: name.predictsRatings)
        let model = try trainer.train(data, epochsMax: name == .als ? 10 : 150, seen: board.all)
        #expect(model.isFinite)
        #expect(board.usersUnderstood(model) == 6)
    }

    @Test("contradictory ratings of one cell meet at their mean")
    func contradiction() throws {
        var options = BiasedSGD.Options()
        (options.learningRate, options.biasLearningRate) = (0.02, 0.02)
        (options.regularization, options.biasRegularization) = (0, 0)
        var trainer = Trainer(.sgd(options))
        trainer.factors = 8
        let data = interactions(
            users: 2, items: 2, [(0, 0, 1), (0, 0, 5), (0, 0, 1), (0, 0, 5), (1, 1, 3)])
        let model = try trainer.train(data, epochsMax: 200)
        #expect(abs(model.predict(user: 0, item: 0) - 3) < 0.1)
    }

    @Test(
        "a rate that diverges stops the training with advice",
        arguments: [Algorithm.Name.sgd, .bpr, .warp, .mlp])
    func diverges(name: Algorithm.Name) throws {
        for rate in [1, 5, 1e3, 1e30] as [Float] {
            var trainer = boardTrainer(name)
            switch trainer.algorithm {
            case .sgd(var options):
                (options.learningRate, options.biasLearningRate) = (rate, rate)
                trainer.algorithm = .sgd(options)
            case .bpr(var options):
                (options.learningRate, options.regularization) = (rate * 10, 0.5)
                trainer.algorithm = .bpr(options)
            case .warp(var options):
                (options.learningRate, options.regularization) = (rate * 10, 0.5)
                trainer.algorithm = .warp(options)
            case .mlp(var options):
                (options.rows.learningRate, options.rows.biasLearningRate) = (rate * 10, rate)
                trainer.algorithm = .mlp(options)
            case .als: break
            }
            let data = Checkerboard().interactions(ratings: name.predictsRatings)
            var models: [FactorModel] = []
            let error = #expect(throws: TrainingError.self) {
                _ = try trainer.train(data, epochsMax: 100) { _, model in
                    models.append(model)
                    return true
                }
            }
            #expect(error.map { "\($0)".contains("lower the learning rate") } == true)
            #expect(models.allSatisfy { $0.isFinite })
        }
    }

    @Test("ALS whose rows outgrow the guard stops with advice")
    func alsOutgrows() throws {
        var trainer = boardTrainer(.als)
        trainer.updateGuard = UpdateGuard(normMax: 0.01)
        let error = #expect(throws: TrainingError.self) {
            _ = try trainer.train(Checkerboard().interactions(ratings: false), epochsMax: 5)
        }
        #expect(error.map { "\($0)".contains("raise the regularization") } == true)
    }

    @Test("values that no learner can take are refused by their place", arguments: Algorithm.Name.allCases)
    func badValues(name: Algorithm.Name) throws {
        let bad: [Float] = name.predictsRatings ? [.nan, .infinity] : [.nan, .infinity, 0, -1]
        for value in bad {
            let data = interactions(users: 2, items: 2, [(0, 0, 1), (1, 1, value)])
            let error = #expect(throws: TrainingError.self) {
                _ = try boardTrainer(name).train(data, epochsMax: 1)
            }
            guard case .badValue(index: 1, value: _, wanted: _) = error else {
                Issue.record("refused as \(String(describing: error))")
                return
            }
        }
    }

    @Test("a model of another shape is not gone on from")
    func otherShape() throws {
        let data = Checkerboard().interactions(ratings: true)
        let model = try boardTrainer(.sgd).train(data, epochsMax: 1)
        let fewer = Checkerboard(users: 20).interactions(ratings: true)
        #expect(throws: TrainingError.self) {
            _ = try boardTrainer(.sgd).train(fewer, epochsMax: 1, from: model)
        }
        var wider = boardTrainer(.sgd)
        wider.factors = 16
        #expect(throws: TrainingError.self) { _ = try wider.train(data, epochsMax: 1, from: model) }
    }
}
