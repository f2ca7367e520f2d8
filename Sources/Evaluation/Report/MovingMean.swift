/// The mean of the last values, for curves over a stream. Σ is taken anew whenever the ring is full, against drift.
public struct MovingMean: Sendable {
    private var ring: [Double] = []
    private let length: Int
    private var place = 0
    private var sum = 0.0

    /// - Parameter length: values in the window, at least 1.
    public init(length: Int) {
        self.length = max(1, length)
    }

    public mutating func add(_ value: Double) {
        if ring.count < length {
            ring.append(value)
            sum += value
            return
        }
        sum += value - ring[place]
        ring[place] = value
        place += 1
        if place == length {
            place = 0
            sum = ring.reduce(0, +)
        }
    }

    public var count: Int { ring.count }
    /// `nil` before the first value.
    public var mean: Double? { ring.isEmpty ? nil : sum / Double(ring.count) }
}
