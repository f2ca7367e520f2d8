import Evaluation
import Reporting
import Training

/// Ratings of items, or by users, of which nothing but descriptions was learned: several splits, the same for every
/// algorithm, and errors of all of them together.
struct ColdStartEvaluation {
    struct Options {
        var algorithms: [AlgorithmArgument]
        var rule: SplitRule
        /// How many splits, each with a seed of its own.
        var splits: Int
        var factors: Int
        var seed: Int
    }

    /// Which of the test ratings are measured together.
    private enum Cell: CaseIterable {
        case newItem, newUser, bothNew, neitherNew

        init(userIsKnown: Bool, itemIsKnown: Bool) {
            switch (userIsKnown, itemIsKnown) {
            case (true, false): self = .newItem
            case (false, true): self = .newUser
            case (false, false): self = .bothNew
            case (true, true): self = .neitherNew
            }
        }

        var title: String {
            switch self {
            case .newItem: "ratings of new items by known users"
            case .newUser: "ratings of known items by new users"
            case .bothNew: "ratings of new items by new users"
            case .neitherNew: "ratings of known items by known users"
            }
        }
    }

    /// What came of one algorithm, over the splits.
    private struct Tally {
        let isBaseline: Bool
        var all: RatingErrors
        var cells: [Cell: RatingErrors] = [:]
        var bySplit: [Double] = []
    }

    let dataset: Dataset
    let descriptions: DatasetDescriptions
    let options: Options
    let workers: Int
    let bootstrap: Bootstrap
    let progress: EvaluationProgress
    /// Throws where the work is to end.
    let goesOn: () throws -> Void

    /// - Throws: `CommandError`, `EvaluationError`, `TrainingError`.
    func report(_ setup: EvaluationProtocol) throws -> EvaluationReport {
        let algorithms = try options.algorithms.map {
            try EvaluatedAlgorithm($0, factors: options.factors, isColdStart: true)
        }
        var (order, tallies): ([String], [String: Tally]) = ([], [:])
        var (learned, tested) = (0, 0)
        for number in 0..<options.splits {
            let seed = UInt64(bitPattern: Int64(options.seed + number))
            let split = try Split(dataset.observations, rule: options.rule, seed: seed)
            let test = SplitTest(split, dataset)
            (learned, tested) = (learned + split.train.count, tested + test.ratings.count)
            let prefix = "split \(number + 1) of \(options.splits): "
            func measure(_ recommender: any Recommender) throws {
                guard recommender.predictsRatings else {
                    throw CommandError(
                        "--algorithm \(recommender.name): it predicts no ratings, and --hold-out measures nothing else",
                        code: .usage)
                }
                if tallies[recommender.name] == nil { order.append(recommender.name) }
                var tally =
                    tallies[recommender.name]
                    ?? Tally(
                        isBaseline: recommender.isBaseline, all: RatingErrors(users: dataset.userIDs.count))
                var own = RatingErrors(users: dataset.userIDs.count)
                for rating in test.ratings {
                    let (user, item) = (Int(rating.user), Int(rating.item))
                    guard let predicted = recommender.rating(user: user, item: item), predicted.isFinite
                    else {
                        throw EvaluationError.nonFinite(model: recommender.name, user: dataset.userIDs[user])
                    }
                    let cell = test.cell(user, item)
                    own.add(rating.value, predicted: predicted, user: user, range: test.range)
                    tally.all.add(rating.value, predicted: predicted, user: user, range: test.range)
                    tally.cells[cell, default: RatingErrors(users: dataset.userIDs.count)].add(
                        rating.value, predicted: predicted, user: user, range: test.range)
                }
                tally.bySplit.append(own.rmse ?? .nan)
                tallies[recommender.name] = tally
                try goesOn()
            }
            for algorithm in algorithms {
                progress.say("\(prefix)training \(algorithm.name)", isStep: true)
                let trained = try algorithm.train(
                    split.train, users: dataset.userIDs.count, items: dataset.itemIDs.count, seed: seed,
                    shards: workers, descriptions: descriptions, watch: nil
                ) { _, _ in try goesOn() }
                try measure(trained.recommender)
            }
            for baseline in baselines(split.train) { try measure(baseline) }
        }
        progress.say("resampling", isStep: true)
        var report = EvaluationReport(
            setup: describe(
                setup, algorithms, order.map { ($0, tallies[$0]?.bySplit ?? []) }, learned, tested),
            level: bootstrap.level)
        report.sections = sections(order, tallies)
        return report
    }

    /// One split's test part.
    private struct SplitTest {
        let ratings: [Observation]
        let range: ClosedRange<Float>
        private var hasUser: [Bool]
        private var hasItem: [Bool]

        init(_ split: Split, _ dataset: Dataset) {
            ratings = split.test.filter(\.isRating)
            hasUser = Array(repeating: false, count: dataset.userIDs.count)
            hasItem = Array(repeating: false, count: dataset.itemIDs.count)
            var (least, greatest) = (Float.greatestFiniteMagnitude, -Float.greatestFiniteMagnitude)
            for rating in split.train where rating.isRating {
                hasUser[Int(rating.user)] = true
                hasItem[Int(rating.item)] = true
                (least, greatest) = (min(least, rating.value), max(greatest, rating.value))
            }
            range = min(least, greatest)...greatest
        }

        func cell(_ user: Int, _ item: Int) -> Cell {
            Cell(userIsKnown: hasUser[user], itemIsKnown: hasItem[item])
        }
    }

    private func baselines(_ train: [Observation]) -> [any Recommender] {
        let (users, items) = (dataset.userIDs.count, dataset.itemIDs.count)
        return PlainMeansRecommender.shares.map {
            PlainMeansRecommender(train: train, users: users, items: items, share: $0)
        } + [MeansRecommender(train: train, users: users, items: items)]
    }

    private func sections(_ order: [String], _ tallies: [String: Tally]) -> [EvaluationSection] {
        func section(_ title: String, _ errors: (Tally) -> RatingErrors?) -> EvaluationSection? {
            let sheets = order.compactMap { name -> ScoreSheet? in
                guard let tally = tallies[name] else { return nil }
                return errors(tally)?.sheet(name: name, isBaseline: tally.isBaseline)
            }
            guard !sheets.isEmpty, let count = order.first.flatMap({ tallies[$0].flatMap(errors)?.count })
            else { return nil }
            return EvaluationSection(
                title: title,
                note:
                    "\(NumberText.grouped(count)) ratings of \(options.splits) splits together; RMSE and MAE clipped "
                    + "to the range of the ratings learned, raw- as predicted; intervals over users",
                comparison: Comparison(sheets, bootstrap: bootstrap))
        }
        let cells = Cell.allCases.compactMap { cell in section(cell.title) { $0.cells[cell] } }
        return cells.count == 1
            ? cells : [section("all ratings held out") { $0.all }].compactMap(\.self) + cells
    }

    private func describe(
        _ setup: EvaluationProtocol, _ algorithms: [EvaluatedAlgorithm],
        _ bySplit: [(name: String, values: [Double])], _ learned: Int, _ tested: Int
    ) -> EvaluationProtocol {
        var setup = setup
        setup.add(
            "split", "\(options.rule.description); \(options.splits) splits, seeds from \(options.seed)")
        setup.add(
            "parts",
            "\(NumberText.grouped(learned / options.splits)) events to learn, "
                + "\(NumberText.grouped(tested / options.splits)) ratings for test, on average")
        let items = descriptions.items.count { !$0.isEmpty }
        let users = descriptions.users.count { !$0.isEmpty }
        setup.add(
            "described",
            "\(NumberText.grouped(items)) of \(NumberText.grouped(dataset.itemIDs.count)) items and "
                + "\(NumberText.grouped(users)) of \(NumberText.grouped(dataset.userIDs.count)) users")
        let trained = algorithms.compactMap(\.training)
        if !trained.isEmpty { setup.add("trained", trained.joined(separator: "; ")) }
        for (name, values) in bySplit {
            setup.add("RMSE of \(name)", values.map(EvaluationReport.number).joined(separator: " "))
        }
        return setup
    }
}
