// A step as numbers, for those who learn the same weights elsewhere: gap, basket, experience, hits, and, of one that says
// something of the weights, its slope and the lower triangle of its curvature.
extension BlendStep {
    public var numbers: [Float] {
        var numbers = [Float(context.gap), Float(context.basket), Float(context.experience)] + hits
        guard slope.contains(where: { $0 != 0 }) || curvature.contains(where: { $0 != 0 }) else {
            return numbers
        }
        numbers += slope.map { Float($0) }
        for row in slope.indices {
            for column in 0...row { numbers.append(Float(curvature[row * slope.count + column])) }
        }
        return numbers
    }

    /// `nil` where the numbers are no step of such a shape.
    public init?(_ numbers: [Float], shape: BlendShape) {
        let (features, orders) = (shape.features, 2 + shape.parts.count)
        let head = 3 + orders
        guard numbers.count == head || numbers.count == head + features * (features + 3) / 2,
            numbers.allSatisfy(\.isFinite),
            numbers[..<3].allSatisfy({ $0 >= 0 && $0 < Float(BlendContext.buckets) && $0 == $0.rounded() })
        else { return nil }
        let context = BlendContext(
            gap: Int(numbers[0]), basket: Int(numbers[1]), experience: Int(numbers[2]))
        self.init(features: features, context: context)
        hits = Array(numbers[3..<head])
        guard numbers.count > head else { return }
        slope = numbers[head..<head + features].map { Double($0) }
        var place = head + features
        for row in 0..<features {
            for column in 0...row {
                curvature[row * features + column] = Double(numbers[place])
                curvature[column * features + row] = Double(numbers[place])
                place += 1
            }
        }
    }
}
