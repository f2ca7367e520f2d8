/// What ratings are measured by: their mean and standard deviation. Learners of ratings learn how many deviations from the
/// mean a rating lies, z = (r − μ) / σ, so that the same rates suit stars, percent and any other range.
public struct RatingScale: Sendable, Equatable {
    /// μ and σ, in the unit of the ratings; σ is 0 where all are equal.
    public var mean: Double
    public var deviation: Double

    /// A rating further out than this teaches what this teaches: a single one, after many that were equal, lies any number
    /// of deviations from them, and a step that long would go far past its aim.
    public static let deviationsMax = 6.0

    public init(mean: Double, deviation: Double) {
        (self.mean, self.deviation) = (mean, deviation)
    }

    /// z. Where all ratings are equal 0: there is nothing to learn.
    @inline(__always)
    public func standardised(_ rating: Float) -> Float {
        guard deviation > 0 else { return 0 }
        let deviations = (Double(rating) - mean) / deviation
        return Float(max(-Self.deviationsMax, min(Self.deviationsMax, deviations)))
    }

    /// The rating of z.
    @inline(__always)
    public func rating(_ standardised: Float) -> Float { Float(mean + deviation * Double(standardised)) }

    /// A difference of ratings, of one of z: biases and products.
    @inline(__always)
    public func difference(_ standardised: Float) -> Float { Float(deviation * Double(standardised)) }
}

/// Mean and deviation of ratings as they come. Welford, "Note on a Method for Calculating Corrected Sums of Squares and
/// Products", 1962: sums of squares would lose a small spread about a large mean.
public struct RatingMoments: Sendable, Equatable {
    public private(set) var count: Int64 = 0
    /// Σ r, and Σ (r − μ)² about the mean so far.
    public private(set) var sum = 0.0
    public private(set) var squares = 0.0

    /// A spread smaller than this part of the mean is that of rounding.
    private static let resolution = 1e-9

    public init() {}

    public init(count: Int64, sum: Double, squares: Double) {
        (self.count, self.sum, self.squares) = (count, sum, squares)
    }

    public init(of ratings: some Sequence<Float>) {
        for rating in ratings { add(rating) }
    }

    public mutating func add(_ rating: Float) {
        let value = Double(rating)
        let before = count > 0 ? mean : value
        count += 1
        sum += value
        squares += (value - before) * (value - mean)
    }

    /// Adds ratings that others have seen. Chan, Golub, LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing
    /// Sample Variances", 1979.
    public mutating func merge(_ other: RatingMoments) {
        guard other.count != 0 else { return }
        guard count > 0 else {
            self = other
            return
        }
        let apart = other.mean - mean
        squares +=
            other.squares + apart * apart * Double(count) * Double(other.count) / Double(count + other.count)
        count += other.count
        sum += other.sum
    }

    /// The ratings that came since these were `earlier`.
    public func since(_ earlier: RatingMoments) -> RatingMoments {
        guard earlier.count > 0 else { return self }
        let (count, sum) = (count - earlier.count, sum - earlier.sum)
        guard count > 0 else { return RatingMoments() }
        let apart = sum / Double(count) - earlier.mean
        let between = apart * apart * Double(earlier.count) * Double(count) / Double(self.count)
        return RatingMoments(count: count, sum: sum, squares: max(0, squares - earlier.squares - between))
    }

    /// μ, 0 without any.
    public var mean: Double { count > 0 ? sum / Double(count) : 0 }

    public var scale: RatingScale {
        let deviation = count > 0 ? (max(0, squares) / Double(count)).squareRoot() : 0
        return RatingScale(
            mean: mean, deviation: deviation > Self.resolution * abs(mean) ? deviation : 0)
    }
}
