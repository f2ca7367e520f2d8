import Evaluation

/// Scores as a table, one row per user.
struct TableRecommender: Recommender {
    var name = "table"
    var isBaseline = false
    var predictsRatings = false
    var scores: [[Float]]

    func score(user: Int, into scores: UnsafeMutableBufferPointer<Float>) {
        for (item, score) in self.scores[user].enumerated() { scores[item] = score }
    }

    func rating(user: Int, item: Int) -> Float? { predictsRatings ? scores[user][item] : nil }
}

func observation(
    _ user: Int32, _ item: Int32, _ value: Float = 5, time: Int64 = 0, liked: Bool = true
) -> Observation {
    Observation(user: user, item: item, value: value, time: time, isPositive: liked)
}

func dataset(users: Int, items: Int, _ observations: [Observation]) -> Dataset {
    Dataset(
        userIDs: (0..<users).map { "u\($0)" }, itemIDs: (0..<items).map { "i\($0)" },
        observations: observations)
}

func isClose(_ left: Double?, _ right: Double, within tolerance: Double = 1e-9) -> Bool {
    left.map { abs($0 - right) <= tolerance } ?? false
}

/// A liked observation, from plain integers: the compiler is slow to sort out conversions in long expressions.
func liked(_ user: Int, _ item: Int, at time: Int) -> Observation {
    observation(Int32(user), Int32(item), time: Int64(time))
}
