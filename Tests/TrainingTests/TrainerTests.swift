import Factors
import Learners
import Testing

@testable import Training

@Suite("Training in a batch")
struct TrainerTests {
    private func epochs(_ name: Algorithm.Name) -> Int {
        switch name {
        case .sgd: 8
        case .bpr: 20
        case .warp: 8
        case .als: 4
        case .mlp: 12
        }
    }

    @Test("a checkerboard's held-out cells are ranked right", arguments: Algorithm.Name.allCases, 1...3)
    func learnsCheckerboard(name: Algorithm.Name, shards: Int) throws {
        // Blocks of 16 rows go to shards whole: with several there has to be more than one.
        let board = Checkerboard(users: 64, items: 64)
        let model = try boardTrainer(name, shards: shards).train(
            board.interactions(ratings: name.predictsRatings), epochsMax: epochs(name), seen: board.all)
        #expect(board.usersUnderstood(model) == 64)
        #expect(model.isFinite)
        #expect(model.predictsRatings == (name.predictsRatings))
    }

    @Test(
        "the same seed and shards give the same model to the bit", arguments: Algorithm.Name.allCases, [1, 3])
    func deterministic(name: Algorithm.Name, shards: Int) throws {
        let board = Checkerboard(users: 96, items: 80, classes: 4)
        let data = board.interactions(ratings: name.predictsRatings)
        func model(seed: UInt64) throws -> [Float] {
            var trainer = boardTrainer(name, shards: shards, schedule: .adaGrad)
            trainer.seed = seed
            return try trainer.train(data, epochsMax: 3).numbers
        }
        let first = try model(seed: 1)
        #expect(try model(seed: 1) == first)
        #expect(try model(seed: 2) != first)
    }

    @Test("pairwise learners take as many negatives at each event as their options say")
    func samples() throws {
        // Of a thousand items each user took one, so that a draw always finds another.
        let rows = (0..<200).map { Int32($0) }
        let data = Interactions(
            userCount: 200, itemCount: 1_000, users: rows, items: rows, values: rows.map { _ in 1 },
            times: rows.map { _ in 0 })
        func updates(_ algorithm: Algorithm) throws -> Int {
            var sum = 0
            _ = try Trainer(algorithm).train(data, epochsMax: 1) { report, _ in
                sum = report.updates
                return true
            }
            return sum
        }
        var (bpr, warp) = (BPR.Options(), WARP.Options())
        // No item stands so far above another.
        warp.margin = 100
        for samples in [1, 3] {
            (bpr.samples, warp.samples) = (samples, samples)
            #expect(try updates(.bpr(bpr)) == samples * 200)
            #expect(try updates(.warp(warp)) == samples * 200)
        }
    }

    @Test("ALS gives the same model whatever the number of shards")
    func alsOnShards() throws {
        let data = Checkerboard(users: 96, items: 80, classes: 4).interactions(ratings: false)
        let one = try boardTrainer(.als).train(data, epochsMax: 3).numbers
        #expect(try boardTrainer(.als, shards: 4).train(data, epochsMax: 3).numbers == one)
    }

    @Test("on one shard, every example is learned once an epoch, in an order of its own")
    func oneEpochIsEveryExample() {
        let data = Checkerboard(users: 96, items: 80).interactions(ratings: true)
        for shards in [1, 3] {
            let team = ShardTeam(shards: shards, seed: 1, factors: 8)
            var orders: [[Int32]] = []
            for epoch in 0..<3 {
                let grid = EpochGrid(data, team: team, epoch: epoch)
                let cells = (0..<shards).flatMap { round in
                    (0..<shards).flatMap { grid.cell(round: round, userShard: $0).examples.map(\.index) }
                }
                #expect(cells.sorted() == (0..<Int32(data.count)).map { $0 })
                orders.append(cells)
            }
            #expect(orders[0] != orders[1] && orders[1] != orders[2])
            #expect(orders[0] != orders[0].sorted())
        }
    }

    @Test("cells of one round share neither users' nor items' shards")
    func roundsDoNotCollide() {
        let data = Checkerboard(users: 96, items: 80).interactions(ratings: true)
        let team = ShardTeam(shards: 3, seed: 1, factors: 8)
        let grid = EpochGrid(data, team: team, epoch: 0)
        for round in 0..<3 {
            var itemShards: Set<Int> = []
            for shard in 0..<3 {
                let cell = grid.cell(round: round, userShard: shard)
                itemShards.insert(cell.itemShard)
                for example in cell.examples {
                    #expect(team.userAssignment.shard(of: Int(example.user)) == shard)
                    #expect(grid.assignment.shard(of: Int(example.item)) == cell.itemShard)
                }
            }
            #expect(itemShards.count == 3)
        }
    }

    @Test(
        "training reports each epoch, and ends when told that it is enough",
        arguments: Algorithm.Name.allCases)
    func reports(name: Algorithm.Name) throws {
        let data = Checkerboard().interactions(ratings: name.predictsRatings)
        var reports: [EpochReport] = []
        _ = try boardTrainer(name).train(data, epochsMax: 30) { report, model in
            #expect(model.isFinite)
            reports.append(report)
            return report.epoch < 20
        }
        #expect(reports.map(\.epoch) == Array(1...20))
        #expect(reports.allSatisfy { $0.rejected == 0 && $0.loss.isFinite && $0.updatesPerSecond >= 0 })
        if name.predictsRatings { #expect(reports.allSatisfy { $0.updates == data.count }) }
        let (first, last) = (reports[0].loss, reports[19].loss)
        #expect(last < 0.8 * first)
    }

    @Test("the objective of ALS never grows from sweep to sweep", arguments: [0, 1] as [Float])
    func objectiveFalls(power: Float) throws {
        var options = ALS.Options()
        (options.regularization, options.regularizationPower) = (power == 0 ? 1 : 0.01, power)
        var trainer = Trainer(.als(options))
        trainer.factors = 8
        var losses: [Double] = []
        _ = try trainer.train(Checkerboard(classes: 4).interactions(ratings: false), epochsMax: 15) {
            report, _ in
            losses.append(report.loss)
            return true
        }
        for (before, after) in zip(losses, losses.dropFirst()) { #expect(after < before + 1e-5) }
    }

    @Test("the reported RMSE of a model that stands still is that of its predictions")
    func reportedLoss() throws {
        let data = Checkerboard().interactions(ratings: true)
        var options = BiasedSGD.Options()
        (options.learningRate, options.biasLearningRate) = (0, 0)
        var trainer = Trainer(.sgd(options))
        trainer.factors = 8
        var loss = 0.0
        let model = try trainer.train(data, epochsMax: 1) { report, _ in
            loss = report.loss
            return true
        }
        var sum = 0.0
        for index in 0..<data.count {
            let error =
                data.values[index] - model.predict(user: Int(data.users[index]), item: Int(data.items[index]))
            sum += Double(error * error)
        }
        #expect(abs(loss - (sum / Double(data.count)).squareRoot()) < 1e-6)
    }

    @Test("a model can be trained on, and a copy of it stands still", arguments: Algorithm.Name.allCases)
    func goesOn(name: Algorithm.Name) throws {
        let data = Checkerboard().interactions(ratings: name.predictsRatings)
        let trainer = boardTrainer(name, schedule: .adaGrad)
        let model = try trainer.train(data, epochsMax: 2)
        let copy = model.copy()
        let before = copy.numbers
        #expect(before == model.numbers)
        let same = try trainer.train(data, epochsMax: 2, from: model)
        #expect(same === model)
        #expect(model.numbers != before && copy.numbers == before)
    }

    @Test("new rows are as small as asked, and presets ask")
    func initialScale() throws {
        let data = Checkerboard().interactions(ratings: true)
        var trainer = boardTrainer(.sgd)
        let whole = try trainer.train(data, epochsMax: 0).numbers
        trainer.initialScale = 0.5
        #expect(try trainer.train(data, epochsMax: 0).numbers == whole.map { $0 / 2 })
        for name in Algorithm.Name.allCases {
            let preset = Algorithm.Preset.preset(name)
            #expect(preset.algorithm.name == name && preset.epochs > 0)
            #expect(preset.trainer(factors: 16).initialScale == preset.initialScale)
        }
    }

    @Test("scores of all items at once are the predictions one by one")
    func scores() throws {
        for name in [Algorithm.Name.sgd, .bpr] {
            let data = Checkerboard().interactions(ratings: name.predictsRatings)
            let model = try boardTrainer(name).train(data, epochsMax: 3)
            var scores: [Float] = []
            model.scores(user: 3, into: &scores)
            #expect(scores.count == 20)
            for item in 0..<20 { #expect(abs(scores[item] - model.predict(user: 3, item: item)) < 1e-5) }
        }
    }

    @Test("recency lets a user's last events weigh more in the user's row")
    func recency() throws {
        // Every user but the last likes one class; the last liked class 0 long ago and class 1 of late.
        let board = Checkerboard(users: 40, items: 20)
        let base = board.all
        let (first, second) = ((0..<5).map { $0 * 2 }, (0..<5).map { $0 * 2 + 1 })
        let data = Interactions(
            userCount: 41, itemCount: 20, users: base.users + [Int32](repeating: 40, count: 10),
            items: base.items + (first + second).map(Int32.init),
            values: base.values + [Float](repeating: 1, count: 10),
            times: base.times + (1...10).map(Int64.init))
        func lead(halfLife: Float) throws -> Float {
            var options = ALS.Options()
            (options.alpha, options.regularization, options.halfLifeEvents) = (2, 1, halfLife)
            var trainer = Trainer(.als(options))
            trainer.factors = 8
            let model = try trainer.train(data, epochsMax: 5)
            func mean(_ items: [Int]) -> Float {
                items.reduce(0) { $0 + model.predict(user: 40, item: $1) } / Float(items.count)
            }
            return mean(second) - mean(first)
        }
        let (alike, recent) = (try lead(halfLife: 0), try lead(halfLife: 1))
        #expect(abs(alike) < 0.01)
        #expect(recent > 0.02)
    }
}
