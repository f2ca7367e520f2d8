import Testing

@testable import Evaluation

@Suite("Tasks")
struct TaskTests {
    // User 0 has seen item 0 and is tested on 1 and 2; user 1 has seen 1 and is tested on 0.
    private let rows = [
        observation(0, 0), observation(1, 1, 1), observation(0, 1), observation(0, 2, 2, liked: false),
        observation(1, 0),
    ]
    private var data: Dataset { dataset(users: 2, items: 5, rows) }

    private func split() throws -> Split {
        try Split(
            rows,
            rule: .given([
                GivenPair(user: 0, item: 1), GivenPair(user: 0, item: 2), GivenPair(user: 1, item: 0),
            ]),
            seed: 1)
    }

    private func task(_ candidates: CandidateRule = .full, depths: [Int] = [1, 2]) throws -> RankingTask {
        RankingTask(dataset: data, split: try split(), candidates: candidates, depths: depths)
    }

    @Test("seen items do not compete, unliked held-out ones do")
    func fullRanking() throws {
        // For user 0 item 0 is seen: 1 stands behind 2. For user 1 item 0 stands first once 1 is out.
        let model = TableRecommender(scores: [[9, 5, 7, 1, 0], [8, 9, 1, 2, 3]])
        let sheet = try task().measure(model)
        #expect(sheet.sums(.hitRate(1))?.sums == [0, 1])
        #expect(sheet.sums(.hitRate(2))?.sums == [1, 1])
        #expect(isClose(sheet.value(.ndcg(2)), (1 / 1.584962500721156 + 1) / 2))
        // User 0: item 1 beats 3 and 4 of {2, 3, 4}; user 1 is perfect.
        #expect(isClose(sheet.value(.auc), (2.0 / 3 + 1) / 2))
    }

    @Test("coverage counts what is recommended to anybody, novelty what few have seen")
    func variety() throws {
        let model = TableRecommender(scores: [[9, 5, 7, 1, 0], [8, 9, 1, 2, 3]])
        let sheet = try task().measure(model)
        #expect(isClose(sheet.value(.coverage(1)), 2.0 / 5))
        // First places: item 2, seen by nobody and counted as one of two users; item 0, seen by one of two.
        #expect(isClose(sheet.value(.novelty(1)), 1))
    }

    @Test("ties do not pass for variety: all equal covers no more than it must")
    func tiedVariety() throws {
        let flat = TableRecommender(scores: [[0, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
        let sheet = try task().measure(flat)
        #expect(isClose(sheet.value(.coverage(1)), 2.0 / 5))
        #expect(isClose(sheet.value(.hitRate(1)), 0.25))
    }

    @Test("given negatives alone compete, and a held-out item is none of them")
    func given() throws {
        let lists = ItemLists(users: 2, pairs: [(0, 3), (0, 1), (1, 2)])
        let model = TableRecommender(scores: [[9, 5, 7, 1, 0], [8, 9, 10, 2, 3]])
        let sheet = try task(.given(lists)).measure(model)
        #expect(sheet.sums(.hitRate(1))?.sums == [1, 0])
    }

    @Test("drawn negatives are unseen, distinct, keyed by the seed, and all there are where few are left")
    func drawn() throws {
        let many = dataset(users: 1, items: 50, [observation(0, 3), observation(0, 4), observation(0, 5)])
        let parts = try Split(many.observations, rule: .leaveOneOut, seed: 1)
        let task = RankingTask(dataset: many, split: parts, candidates: .full, depths: [10])
        let drawn = task.drawn(20, user: 0, seed: 1)
        #expect(drawn.count == 20 && Set(drawn).count == 20)
        #expect(Set(drawn).isDisjoint(with: [3, 4, 5]))
        #expect(task.drawn(20, user: 0, seed: 1) == drawn)
        #expect(task.drawn(20, user: 0, seed: 2) != drawn)
        #expect(Set(task.drawn(100, user: 0, seed: 1)).count == 47)
    }

    @Test("a score that is no number names the model and the user")
    func nonFinite() throws {
        let bad = TableRecommender(name: "bpr", scores: [[1, 2, 3, 4, 5], [1, .nan, 3, 4, 5]])
        let task = try task()
        #expect(throws: EvaluationError.nonFinite(model: "bpr", user: "u1")) { try task.measure(bad) }
        let infinite = TableRecommender(
            name: "sgd", predictsRatings: true, scores: [[1, .infinity, 3, 4, 5], [1, 2, 3, 4, 5]])
        let ratings = RatingTask(dataset: data, split: try split())
        #expect(throws: EvaluationError.nonFinite(model: "sgd", user: "u0")) { try ratings.measure(infinite) }
    }

    @Test("the result does not depend on the number of threads")
    func workers() throws {
        let users = 40
        let rows: [Observation] = (0..<users * 6).map { row in
            let user = row / 6
            return liked(user, (user * 7 + row % 6 * 5) % 30, at: row)
        }
        let data = dataset(users: users, items: 30, rows)
        let parts = try Split(rows, rule: .leaveOneOut, seed: 1)
        let task = RankingTask(dataset: data, split: parts, candidates: .full, depths: [5])
        let model = RandomRecommender(seed: 5)
        let one = try task.measure(model)
        let four = try task.measure(model, workers: 4)
        #expect(one.columns.map(\.sums) == four.columns.map(\.sums))
        #expect(one.value(.coverage(5)) == four.value(.coverage(5)))
    }

    @Test("RMSE and MAE are over test ratings, clipped to those of training")
    func errors() throws {
        let model = TableRecommender(predictsRatings: true, scores: [[0, 4, 4, 0, 0], [9, 0, 0, 0, 0]])
        let sheet = try #require(try RatingTask(dataset: data, split: try split()).measure(model))
        // Errors: 5 − 4, 2 − 4, 5 − 5, the 9 clipped.
        #expect(isClose(sheet.value(.rmse), (5.0 / 3).squareRoot()))
        #expect(isClose(sheet.value(.mae), 1))
        #expect(try RatingTask(dataset: data, split: try split()).measure(RandomRecommender(seed: 1)) == nil)
    }

    @Test("AUC over all cells is one ranking over all users; ties count a half")
    func cells() throws {
        let small = dataset(users: 2, items: 2, [observation(0, 0), observation(1, 1)])
        let liked = ItemLists(users: 2, pairs: [(0, 0), (1, 1)])
        func auc(_ scores: [[Float]]) throws -> Double? {
            try CellAUC.measure(
                TableRecommender(scores: scores), dataset: small, positives: liked, excluded: nil)
        }
        #expect(isClose(try auc([[2, 1], [1, 2]]), 1))
        #expect(isClose(try auc([[0, 0], [-0.0, 0]]), 0.5))
        // Liked 0.5 and 10, others −1 and 9: perfect within each user, three of four pairs over all.
        #expect(isClose(try auc([[0.5, -1], [9, 10]]), 0.75))
        // The cell of 9 left out.
        let excluded = ItemLists(users: 2, pairs: [(1, 0)])
        let without = try CellAUC.measure(
            TableRecommender(scores: [[0.5, -1], [9, 10]]), dataset: small, positives: liked,
            excluded: excluded)
        #expect(isClose(without, 1))
    }
}

@Suite("Baselines")
struct BaselineTests {
    private func scores(_ model: some Recommender, items: Int, user: Int = 0) -> [Float] {
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: items)
        defer { buffer.deallocate() }
        buffer.initialize(repeating: .nan)
        model.score(user: user, into: buffer)
        return Array(buffer)
    }

    @Test("popularity counts who liked; decayed, an event is worth half after the half-life")
    func popularity() {
        let train = [
            observation(0, 0, time: 1), observation(1, 0, time: 2), observation(2, 1, time: 3),
            observation(2, 2, 1, time: 4, liked: false),
        ]
        #expect(scores(PopularityRecommender(train: train, items: 3), items: 3) == [2, 1, 0])
        let decayed = PopularityRecommender(train: train, items: 3, halfLife: 1)
        #expect(scores(decayed, items: 3) == [0.75, 1, 0])
    }

    @Test("random is keyed by seed and user, and evenly spread")
    func random() {
        let model = RandomRecommender(seed: 1)
        let first = scores(model, items: 1000)
        #expect(first == scores(model, items: 1000))
        #expect(first != scores(model, items: 1000, user: 1))
        #expect(first != scores(RandomRecommender(seed: 2), items: 1000))
        let mean = first.reduce(0, +) / 1000
        #expect(abs(mean - 0.5) < 0.05)
    }

    @Test("means shrinks the offsets of items and users")
    func means() {
        let train = [observation(0, 0, 5), observation(1, 0, 3), observation(1, 1, 1)]
        let model = MeansRecommender(train: train, users: 3, items: 3)
        let itemOffset = (8.0 - 2 * 3) / (2 + 10)
        let userOffset = (5.0 - 3 - itemOffset) / (1 + 5)
        #expect(
            isClose(
                model.rating(user: 0, item: 0).map(Double.init), 3 + itemOffset + userOffset, within: 1e-6))
        // Neither user nor item known: the mean.
        #expect(model.rating(user: 2, item: 2) == 3)
    }
}
