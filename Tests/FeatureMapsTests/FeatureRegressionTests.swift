import Factors
import Testing

@testable import FeatureMaps

@Suite("Regression on features")
struct FeatureRegressionTests {
    /// Rows with features of an invented truth, and what they are worth with a little noise.
    private struct Truth {
        let features: FeatureMatrix
        let weights: [[Double]]
        let base: [Double]
        var targets: [Float] = []
        var evidence: [Float] = []
        let width = 3

        init(rows: Int, columns: Int, noise: Double = 0, seed: UInt64 = 1) {
            var random = KeyedRandom(seed: seed)
            let weights = (0..<columns).map { _ in (0..<3).map { _ in random.nextUnit() * 2 - 1 } }
            let base = (0..<3).map { _ in random.nextUnit() }
            var features = FeatureMatrix(columns: columns)
            for row in 0..<rows {
                let list = (0..<1 + random.next(below: 5)).map { _ in Int32(random.next(below: columns)) }
                features.append(list)
                for place in 0..<3 {
                    let worth = features[row].reduce(base[place]) { $0 + weights[Int($1)][place] }
                    targets.append(Float(worth + noise * (random.nextUnit() - 0.5)))
                }
                evidence.append(Float(random.nextUnit()))
            }
            (self.features, self.weights, self.base) = (features, weights, base)
        }
    }

    /// The same by textbook: dense matrices, an unpenalised column of ones, Gaussian elimination with pivots.
    private func reference(_ truth: Truth, evidence: [Float], penalty: Double) -> [[Double]] {
        let (rows, order) = (truth.features.rows, truth.features.columns + 1)
        var matrix = [[Double]](repeating: Array(repeating: 0, count: order + truth.width), count: order)
        for row in 0..<rows {
            let list = truth.features[row].map(Int.init) + [order - 1]
            for left in list {
                for right in list { matrix[left][right] += Double(evidence[row]) }
                for place in 0..<truth.width {
                    matrix[left][order + place] +=
                        Double(evidence[row]) * Double(truth.targets[row * truth.width + place])
                }
            }
        }
        for feature in 0..<order - 1 { matrix[feature][feature] += penalty }
        for column in 0..<order {
            let pivot = (column..<order).max { abs(matrix[$0][column]) < abs(matrix[$1][column]) } ?? column
            matrix.swapAt(column, pivot)
            for row in 0..<order where row != column {
                let share = matrix[row][column] / matrix[column][column]
                for place in column..<order + truth.width {
                    matrix[row][place] -= share * matrix[column][place]
                }
            }
        }
        return (0..<order).map { row in
            (0..<truth.width).map { matrix[row][order + $0] / matrix[row][row] }
        }
    }

    private func expect(_ map: FeatureMap, equals reference: [[Double]], within: Double) {
        for feature in 0..<map.features {
            for (place, weight) in map.weights(of: Int32(feature)).enumerated() {
                #expect(abs(Double(weight) - reference[feature][place]) < within)
            }
        }
        for (place, weight) in map.base.enumerated() {
            #expect(abs(Double(weight) - reference[map.features][place]) < within)
        }
    }

    @Test("both ways give what elimination gives", arguments: [0.01, 1, 20])
    func reference(penalty: Double) {
        let truth = Truth(rows: 300, columns: 25, noise: 0.5)
        let wanted = reference(truth, evidence: truth.evidence, penalty: penalty)
        for isFactorised in [true, false] {
            var options = FeatureRegression.Options()
            (options.penalty, options.tolerance) = (penalty, 1e-9)
            options.choleskyMax = isFactorised ? 100 : 0
            let map = FeatureRegression(options).solve(
                truth.features, targets: truth.targets, width: 3, weights: truth.evidence)
            expect(map, equals: wanted, within: 1e-4)
        }
    }

    @Test("single precision gives the same to four digits, and leaves to double what it cannot solve")
    func single() {
        let truth = Truth(rows: 5_000, columns: 60, noise: 0.5)
        var options = FeatureRegression.Options()
        options.isSingle = true
        for penalty in [0.1, 10] {
            options.penalty = penalty
            let map = FeatureRegression(options).solve(
                truth.features, targets: truth.targets, width: 3, weights: truth.evidence)
            expect(
                map, equals: reference(truth, evidence: truth.evidence, penalty: penalty), within: 2e-4)
        }
        // Features that always come together: nothing but λ holds them apart, which is lost beside 4,000 in float32.
        var features = FeatureMatrix(columns: 2)
        for row in 0..<8_000 { features.append(row % 2 == 0 ? [0, 1] : []) }
        options.penalty = 1e-5
        let map = FeatureRegression(options).solve(
            features, targets: (0..<8_000).map { $0 % 2 == 0 ? 3 : 1 }, width: 1,
            weights: Array(repeating: 1, count: 8_000))
        #expect(abs(map.weights[0] - 1) < 1e-3 && abs(map.weights[1] - 1) < 1e-3)
        #expect(abs(map.base[0] - 1) < 1e-3)
    }

    @Test("with little penalty and no noise the truth is found, and a row is the sum of its parts")
    func truth() {
        let truth = Truth(rows: 800, columns: 30)
        var options = FeatureRegression.Options()
        options.penalty = 1e-6
        let map = FeatureRegression(options).solve(
            truth.features, targets: truth.targets, width: 3, weights: truth.evidence)
        expect(map, equals: truth.weights + [truth.base], within: 1e-3)
        let row = map.row(of: [2, 7])
        for place in 0..<3 {
            #expect(
                abs(
                    Double(row[place]) - truth.base[place] - truth.weights[2][place] - truth.weights[7][place]
                ) < 3e-3)
        }
        #expect(map.row(of: []) == map.base)
    }

    @Test("features that always come together share what they are worth")
    func collinear() {
        var features = FeatureMatrix(columns: 3)
        var targets: [Float] = []
        for row in 0..<40 {
            features.append(row % 2 == 0 ? [0, 1] : [2])
            targets.append(row % 2 == 0 ? 3 : 1)
        }
        var options = FeatureRegression.Options()
        options.penalty = 1e-3
        for choleskyMax in [0, 100] {
            options.choleskyMax = choleskyMax
            let map = FeatureRegression(options).solve(
                features, targets: targets, width: 1, weights: Array(repeating: 1, count: 40))
            #expect(map.isFinite)
            #expect(abs(map.weights[0] - map.weights[1]) < 1e-3)
            #expect(abs(map.row(of: [0, 1])[0] - 3) < 1e-2 && abs(map.row(of: [2])[0] - 1) < 1e-2)
        }
    }

    @Test("what is no number, has no weight or no features never makes a map that is no number")
    func strange() {
        let truth = Truth(rows: 50, columns: 10)
        var (targets, evidence) = (truth.targets, truth.evidence)
        targets[4] = .nan
        targets[30] = .infinity
        evidence[20] = 0
        evidence[21] = .nan
        evidence[22] = -1
        let map = FeatureRegression().solve(truth.features, targets: targets, width: 3, weights: evidence)
        #expect(map.isFinite && map.weights.contains { $0 != 0 })
        for row in [1, 10, 20, 21, 22] { evidence[row] = 0 }
        #expect(
            map
                == FeatureRegression().solve(
                    truth.features, targets: truth.targets, width: 3, weights: evidence))
        let none = FeatureRegression().solve(
            truth.features, targets: truth.targets, width: 3, weights: evidence.map { _ in 0 })
        #expect(none == FeatureMap(features: 10, width: 3))
        var empty = FeatureMatrix(columns: 0)
        for _ in 0..<4 { empty.append([]) }
        let mean = FeatureRegression().solve(empty, targets: [1, 2, 3, 6], width: 1, weights: [1, 1, 1, 1])
        #expect(mean.base == [3] && mean.features == 0)
    }

    @Test("going on from an earlier solution needs fewer steps, and gives the same")
    func warmStart() {
        let truth = Truth(rows: 500, columns: 60, noise: 0.5)
        var options = FeatureRegression.Options()
        (options.choleskyMax, options.tolerance) = (0, 1e-8)
        let whole = FeatureRegression(options).solve(
            truth.features, targets: truth.targets, width: 3, weights: truth.evidence)
        options.iterationsMax = 1
        let again = FeatureRegression(options).solve(
            truth.features, targets: truth.targets, width: 3, weights: truth.evidence, start: whole)
        let anew = FeatureRegression(options).solve(
            truth.features, targets: truth.targets, width: 3, weights: truth.evidence)
        func distance(_ map: FeatureMap) -> Float {
            zip(map.weights, whole.weights).reduce(0) { max($0, abs($1.0 - $1.1)) }
        }
        #expect(distance(again) < 1e-5 && distance(anew) > 1e-2)
    }

    @Test("features are the names on enough of the rows that count, in the order of their bytes")
    func names() {
        let lists = [["b", "a", "b"], ["a", "c"], ["a", "b"], ["b", "c"], ["c"]]
        let all = FeatureMatrix(of: lists, rowsMin: 3)
        #expect(all.columns == 3 && all[0] == [0, 1] && all[4] == [2])
        let some = FeatureMatrix(of: lists, rowsMin: 2) { $0 < 3 }
        #expect(some.columns == 2 && some[3] == [1] && some[4] == [] && some.rows == 5)
        #expect(TitleYear.names(in: "Toy Story (1995)") == ["year:1995", "decade:1990"])
        #expect(["(1995) a", "x (95)", "y (199A)", "", ")"].allSatisfy { TitleYear.names(in: $0).isEmpty })
    }
}

@Suite("Ratings of what is described")
struct DescribedRatingsTests {
    /// Users who like one of two kinds of items, and features that tell the kinds, and which items are good.
    private func world(
        users: Int = 120, items: Int = 90, holdOut: (Int, Int) -> Bool
    ) -> (train: DescribedRatings.Ratings, test: [(Int, Int, Float)], FeatureMatrix, FeatureMatrix) {
        var random = KeyedRandom(seed: 3)
        var train = DescribedRatings.Ratings(users: [], items: [], values: [])
        var test: [(Int, Int, Float)] = []
        for user in 0..<users {
            for item in 0..<items where random.nextUnit() < 0.4 || holdOut(user, item) {
                let liking: Float = user % 2 == item % 2 ? 0.8 : -0.8
                let value = 3 + liking + (item % 3 == 0 ? 0.6 : -0.3) + Float(user % 5) * 0.1
                let rating = value + 0.3 * Float(random.nextUnit() - 0.5)
                if holdOut(user, item) {
                    test.append((user, item, rating))
                } else {
                    train.users.append(Int32(user))
                    train.items.append(Int32(item))
                    train.values.append(rating)
                }
            }
        }
        let itemFeatures = FeatureMatrix(
            of: (0..<items).map { ["kind\($0 % 2)", "good\($0 % 3 == 0)", "noise\($0 % 7)"] }, rowsMin: 2)
        let userFeatures = FeatureMatrix(of: (0..<users).map { ["taste\($0 % 2)"] }, rowsMin: 2)
        return (train, test, userFeatures, itemFeatures)
    }

    private func error(holdOut: (Int, Int) -> Bool) throws -> Float {
        let (train, test, userFeatures, itemFeatures) = world(holdOut: holdOut)
        var options = DescribedRatings.Options()
        (options.factors, options.sweeps, options.featurePenalty) = (4, 8, 1)
        let model = try DescribedRatings(
            train, userFeatures: userFeatures, itemFeatures: itemFeatures, options: options)
        let squares = test.map { user, item, rating in
            let error = model.predict(user: user, item: item) - rating
            return error * error
        }
        #expect(!squares.isEmpty)
        return (squares.reduce(0, +) / Float(squares.count)).squareRoot()
    }

    @Test("what features say is found for new items, new users and both: the noise alone is left over")
    func cold() throws {
        // The ratings' spread is 0.95, the noise 0.087.
        #expect(try error { _, item in item % 10 == 3 } < 0.2)
        #expect(try error { user, _ in user % 10 == 3 } < 0.3)
        #expect(try error { user, item in user % 10 == 3 && item % 10 == 3 } < 0.3)
        #expect(try error { user, item in (user + item) % 10 == 3 } < 0.4)
    }

    @Test("the number of threads decides nothing, and the seed is all that is drawn")
    func deterministic() throws {
        let (train, _, users, items) = world { user, _ in user == 0 }
        func predictions(workers: Int, seed: UInt64) throws -> [Float] {
            var options = DescribedRatings.Options()
            (options.factors, options.sweeps, options.seed) = (4, 3, seed)
            let model = try DescribedRatings(
                train, userFeatures: users, itemFeatures: items, options: options, workers: workers)
            return (0..<20).map { model.predict(user: $0, item: 89 - $0) }
        }
        #expect(try predictions(workers: 1, seed: 1) == predictions(workers: 4, seed: 1))
        #expect(try predictions(workers: 1, seed: 1) != predictions(workers: 1, seed: 2))
    }

    @Test("singular vectors with ridge know the kinds too, and predict numbers for whoever is unknown")
    func spectral() {
        let (train, test, _, items) = world { _, item in item % 10 == 3 }
        var options = SpectralRidge.Options()
        (options.factors, options.penalty) = (4, 1)
        let model = SpectralRidge(train, users: 121, itemFeatures: items, seed: 1, options: options)
        let squares = test.map { user, item, rating in
            let error = model.predict(user: user, item: item) - rating
            return error * error
        }
        #expect((squares.reduce(0, +) / Float(squares.count)).squareRoot() < 0.75)
        #expect(model.predict(user: 120, item: 3).isFinite)
    }
}
