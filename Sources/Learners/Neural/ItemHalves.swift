public import Factors

/// What each item adds to the units of a network before these are rectified, worked out ahead: an item's score for a user
/// is one product of U numbers then.
///
/// Shape: items × U. Whoever owns it guards it: that is what `@unchecked Sendable` stands on.
public final class ItemHalves: @unchecked Sendable {
    public let units: Int
    public private(set) var count = 0
    private var block: NumberBlock

    public init(units: Int) {
        self.units = units
        block = NumberBlock(0)
    }

    public var bytes: Int { block.count * MemoryLayout<Float>.stride }

    /// Makes room for items up to `count`; what comes is zero.
    public func grow(to count: Int) {
        guard count > self.count else { return }
        if count * units > block.count {
            let roomy = NumberBlock(max(count, self.count * 3 / 2) * units)
            roomy.numbers.update(from: block.numbers, count: self.count * units)
            block = roomy
        }
        self.count = count
    }

    /// Works out an item.
    public func set(_ row: Int, _ item: Row, _ network: RatingNetwork) {
        precondition(row < count && network.units == units)
        network.itemHalf(item.addresses.vector, into: block.numbers + row * units)
    }

    /// Takes over an item of another.
    public func set(_ row: Int, from other: ItemHalves, at place: Int) {
        precondition(row < count && place < other.count && other.units == units)
        (block.numbers + row * units).update(from: other.block.numbers + place * units, count: units)
    }

    func start(_ row: Int) -> UnsafePointer<Float> {
        precondition(row < count)
        return UnsafePointer(block.numbers + row * units)
    }
}

/// A user as a network sees them: worked out once for many items.
///
/// Confined to whoever made it.
public final class NeuralUser {
    private let rule: NeuralRating
    private let network: RatingNetwork
    private let row: Scratch
    private let half: NumberBlock

    /// - Parameter vector: K numbers.
    public init(_ vector: [Float], _ rule: NeuralRating, _ network: RatingNetwork) {
        (self.rule, self.network) = (rule, network)
        row = Scratch(factors: network.factors)
        row.first.set(vector: vector, bias: 0)
        half = NumberBlock(network.units)
        network.userHalf(row.first.addresses.vector, into: half.numbers)
    }

    /// Whether items' vectors are asked for, and not their halves alone.
    public var needsVectors: Bool { rule.options.mix > 0 }

    /// w·h of items, `count` from `first` on.
    public func outputs(_ halves: ItemHalves, from first: Int, count: Int) -> [Float] {
        guard count > 0 else { return [] }
        precondition(first + count <= halves.count)
        return [Float](unsafeUninitializedCapacity: count) { room, filled in
            guard let results = room.baseAddress else { return }
            network.outputs(half.numbers, halves.start(first), count: count, into: results)
            filled = count
        }
    }

    /// What the item's score is beside the biases.
    ///
    /// - Parameter vector: the item's, where vectors are needed.
    public func match(output: Float, vector: UnsafeBufferPointer<Float>?) -> Float {
        guard let vector, needsVectors else { return rule.combined(dot: 0, network: output) }
        row.second.set(vector: vector, bias: 0)
        return rule.combined(dot: row.first.dot(row.second), network: output)
    }
}

extension NeuralRating {
    /// Times that a session's items are gone through.
    private static let foldInPasses = 12

    /// The row that a new user comes to who gives these ratings over and over: steps of the user's row alone, smaller from
    /// time to time, with items and network held fixed.
    ///
    /// - Returns: `nil` where there is none that the guard allows.
    public func foldIn(_ items: FoldInItems, network: RatingNetwork) -> FoldedUser? {
        guard items.count > 0 else { return nil }
        let table = FactorTable(factors: items.factors)
        table.grow(to: items.count + 1) { _, _ in }
        for place in 0..<items.count {
            table.row(place).set(
                vector: items.vectors[place * items.factors..<(place + 1) * items.factors],
                bias: items.biases[place])
        }
        let (user, room) = (
            table.row(items.count),
            NetworkRoom(hidden: network.hidden, second: network.second, factors: items.factors)
        )
        for pass in 0..<Self.foldInPasses {
            for place in 0..<items.count {
                let result = replay(
                    rating: items.values[place] + items.biases[place], user: user, item: table.row(place),
                    network: network, room: room, share: 1 / (1 + Float(pass) / 4))
                guard result == .applied else { return nil }
            }
        }
        return FoldedUser(vector: user.vector, bias: user.bias)
    }
}
