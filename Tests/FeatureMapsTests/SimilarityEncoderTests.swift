import Factors
import Testing

@testable import FeatureMaps

@Suite("Similarity encoder")
struct SimilarityEncoderTests {
    /// Users of two tastes; what an item's one feature says of it decides who likes it. Half of the cells are known.
    private struct World {
        let ratings: DescribedRatings.Ratings
        let items: FeatureMatrix
        let users: FeatureMatrix
        static let (userCount, itemCount) = (40, 30)

        static func truth(_ user: Int, _ item: Int) -> Float { user % 2 == item % 2 ? 4.5 : 2.5 }

        /// - Parameter known: of users and items with ratings.
        init(known: (Int, Int) -> Bool) {
            var (users, items, values): ([Int32], [Int32], [Float]) = ([], [], [])
            for user in 0..<Self.userCount {
                for item in 0..<Self.itemCount where known(user, item) && (user + 3 * item) % 4 < 2 {
                    users.append(Int32(user))
                    items.append(Int32(item))
                    values.append(Self.truth(user, item))
                }
            }
            ratings = DescribedRatings.Ratings(users: users, items: items, values: values)
            var (ofItems, ofUsers) = (FeatureMatrix(columns: 2), FeatureMatrix(columns: 2))
            for item in 0..<Self.itemCount { ofItems.append([Int32(item % 2)]) }
            for user in 0..<Self.userCount { ofUsers.append([Int32(user % 2)]) }
            (self.items, self.users) = (ofItems, ofUsers)
        }

        func model(_ input: SimilarityEncoder.Input) -> SimilarityEncoder {
            var options = SimilarityEncoder.Options()
            (options.input, options.factors, options.epochs) = (input, 4, 60)
            (options.learningRate, options.decay, options.batchItems) = (0.05, 0.001, 8)
            return SimilarityEncoder(
                ratings, userFeatures: users, itemFeatures: items, seed: 3, options: options
            ) { _ in }
        }
    }

    @Test("items that nobody has rated are told apart by their features, and not by the identity")
    func newItems() {
        let world = World { _, item in item < 24 }
        let (features, identity) = (world.model(.features), world.model(.identity))
        var (own, other): (Float, Float) = (0, 0)
        for user in 0..<World.userCount {
            for item in 24..<World.itemCount {
                let truth = World.truth(user, item)
                own = max(own, abs(features.predict(user: user, item: item) - truth))
                other = max(other, abs(identity.predict(user: user, item: item) - truth))
            }
        }
        #expect(own < 0.3)
        #expect(other > 0.7)
        #expect(features.isFinite && identity.isFinite)
    }

    @Test("users without ratings are encoded from their features, the items' embeddings held fixed")
    func newUsers() {
        let world = World { user, _ in user < 32 }
        let model = world.model(.features)
        var greatest: Float = 0
        for user in 32..<World.userCount {
            for item in 0..<World.itemCount {
                greatest = max(
                    greatest, abs(model.predict(user: user, item: item) - World.truth(user, item)))
            }
        }
        #expect(greatest < 0.4)
    }

    @Test("with the identity as input known cells are factorised")
    func identity() {
        let world = World { _, _ in true }
        let model = world.model(.identity)
        var greatest: Float = 0
        for (user, item) in zip(world.ratings.users, world.ratings.items) {
            let predicted = model.predict(user: Int(user), item: Int(item))
            greatest = max(greatest, abs(predicted - World.truth(Int(user), Int(item))))
        }
        #expect(greatest < 0.4)
    }

    @Test("what is learned is a function of the ratings and the seed")
    func seeded() {
        let world = World { _, _ in true }
        let (first, second) = (world.model(.features), world.model(.features))
        #expect(first.predict(user: 3, item: 5) == second.predict(user: 3, item: 5))
    }
}

@Suite("Similarity learned from features")
struct LearnedSimilarityTests {
    /// Items of three kinds: alike within, unalike between. One feature tells the kind, others tell nothing.
    private func world(_ count: Int = 60) -> (features: FeatureMatrix, similarities: [Float]) {
        var random = KeyedRandom(seed: 5)
        var features = FeatureMatrix(columns: 23)
        for row in 0..<count {
            features.append([Int32(row % 3)] + (0..<4).map { _ in Int32(3 + random.next(below: 20)) })
        }
        let similarities = (0..<count * count).map { place -> Float in
            (place / count) % 3 == (place % count) % 3 ? 0.5 : -0.2
        }
        return (features, similarities)
    }

    @Test("products of pairs that were never learned come near what they shall be", arguments: [0, 0.4])
    func heldOut(dropout: Double) {
        let (features, similarities) = world()
        var options = LearnedSimilarity.Options()
        (options.hidden, options.outputs, options.epochs) = (30, 10, 150)
        (options.learningRate, options.batchItems, options.dropout) = (0.01, 16, dropout)
        options.hiddenDropout = dropout / 2
        let model = LearnedSimilarity(
            features, rows: Array(0..<48), similarities: similarities, seed: 2, options: options
        ) { _ in }
        let (vectors, width) = model.vectors(of: features)
        #expect(model.isFinite && width == 16 && vectors.count == 60 * 16)
        func product(_ left: Int, _ right: Int) -> Float {
            (0..<width).reduce(0) { $0 + vectors[left * width + $1] * vectors[right * width + $1] }
        }
        var (alike, unalike): ([Float], [Float]) = ([], [])
        for left in 48..<60 {
            for right in 0..<left {
                if left % 3 == right % 3 {
                    alike.append(product(left, right))
                } else {
                    unalike.append(product(left, right))
                }
            }
        }
        let means = [alike, unalike].map { $0.reduce(0, +) / Float($0.count) }
        #expect(means[0] > 0.2 && means[1] < 0)
        // Places beyond the outputs stay zero.
        #expect((0..<60).allSatisfy { row in (10..<16).allSatisfy { vectors[row * 16 + $0] == 0 } })
    }
}

@Suite("Adam")
struct AdamTableTests {
    @Test("steps are those of the textbook, number by number")
    func textbook() {
        var table = AdamTable(rows: 1, width: 3) { _, place in Float(place) + 1 }
        var (values, first, second) = ([1.0, 2, 3], [0.0, 0, 0], [0.0, 0, 0])
        for step in 1...5 {
            let slopes = values.indices.map { values[$0] * 0.5 - Double($0 * step) }
            for place in 0..<3 { table.gradient[0][place] = Float(slopes[place]) }
            table.step(rate: 0.1, decay: 0.2, share: 2)
            for place in 0..<3 {
                let slope = 2 * slopes[place]
                first[place] = 0.9 * first[place] + 0.1 * slope
                second[place] = 0.999 * second[place] + 0.001 * slope * slope
                let (m, v) = (
                    first[place] / (1 - powers(0.9, step)), second[place] / (1 - powers(0.999, step))
                )
                values[place] = values[place] * (1 - 0.1 * 0.2) - 0.1 * m / (v.squareRoot() + 1e-8)
            }
        }
        for place in 0..<3 { #expect(abs(Double(table.values[0][place]) - values[place]) < 1e-4) }
        #expect(table.values[0][3] == 0 && table.gradient[0] == .zero)
    }

    private func powers(_ base: Double, _ count: Int) -> Double {
        (0..<count).reduce(1) { value, _ in value * base }
    }
}
