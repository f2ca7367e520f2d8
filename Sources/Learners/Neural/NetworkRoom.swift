internal import CKernels
internal import Factors

/// Zeroed numbers on a 64-byte boundary, as the kernels want them.
///
/// Owns what it points to. Who owns it says who may touch it.
final class NumberBlock {
    let numbers: UnsafeMutablePointer<Float>
    let count: Int

    init(_ count: Int) {
        self.count = count
        let bytes = max(64, count * MemoryLayout<Float>.stride)
        numbers = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
            .bindMemory(to: Float.self, capacity: count)
        numbers.initialize(repeating: 0, count: count)
    }

    deinit { numbers.deallocate() }

    func clear() { numbers.update(repeating: 0, count: count) }

    var array: [Float] { Array(UnsafeBufferPointer(start: numbers, count: count)) }

    func set(_ values: [Float]) {
        for (place, value) in values.enumerated() where place < count { numbers[place] = value }
    }
}

/// What a network is to learn of the events since its last step: ascents of its weights, summed in the order of the events.
///
/// Confined to one queue at a time: each shard fills its own, and the engine's queue adds them up between rounds.
public final class NetworkSums: @unchecked Sendable {
    let block: NumberBlock
    private let (units, upper, inputs): (Int, Int, Int)
    /// Events summed.
    public internal(set) var count = 0

    /// For a network of this shape.
    public init(hidden: Int, second: Int = 0, factors: Int) {
        (units, upper, inputs) = (RatingNetwork.units(hidden), RatingNetwork.units(second), 2 * factors)
        block = NumberBlock(RatingNetwork.size(units: units, upper: upper, factors: factors))
    }

    /// Of the second layer.
    var upperParts: network_sums {
        let outputs = block.numbers + units * inputs + units
        let weights = outputs + upper
        return network_sums(by_unit: weights, biases: weights + upper * units, outputs: outputs)
    }

    var parts: network_sums {
        let biases = block.numbers + units * inputs
        return network_sums(by_unit: block.numbers, biases: biases, outputs: biases + units)
    }

    public func clear() {
        block.clear()
        count = 0
    }

    /// Takes over what another has summed, which is cleared.
    public func take(from other: NetworkSums) {
        guard other.count > 0 else { return }
        for place in 0..<block.count { block.numbers[place] += other.block.numbers[place] }
        count += other.count
        other.clear()
    }

    public var bytes: Int { block.count * MemoryLayout<Float>.stride }

    /// The same before there are any.
    public static func bytes(hidden: Int, second: Int, factors: Int) -> Int {
        RatingNetwork.size(
            units: RatingNetwork.units(hidden), upper: RatingNetwork.units(second), factors: factors)
            * MemoryLayout<Float>.stride
    }

    /// For a file.
    public var numbers: [Float] { block.array }

    /// False, and nothing is changed, for what is of another shape or not finite.
    public func restore(_ numbers: [Float], count: Int) -> Bool {
        guard numbers.count == block.count, count >= 0, numbers.allSatisfy(\.isFinite) else { return false }
        block.set(numbers)
        self.count = count
        return true
    }
}

/// Room for what comes of one user and item on the way through a network.
///
/// Confined to one queue at a time, like the rows that are worked on.
public final class NetworkRoom: @unchecked Sendable {
    // Sendable by confinement: each shard makes one and uses it on its own queue alone.
    let rows: Scratch
    private let (input, ascent, halves, deltaBlock): (NumberBlock, NumberBlock, NumberBlock, NumberBlock)
    let active: UnsafeMutablePointer<UInt32>
    private let (units, factors): (Int, Int)
    /// Of a second layer: rectified units below it, its own before they are rectified, zeros, ascents of the units below.
    private let (rectifiedBlock, upperBlock, nothingBlock, unitAscentBlock):
        (NumberBlock, NumberBlock, NumberBlock, NumberBlock)
    /// Of units that are dropped: what is kept of each, w times that, and room for sums.
    private let (keptBlock, keptAboveBlock, aboveBlock, scratchBlock):
        (NumberBlock, NumberBlock, NumberBlock, NumberBlock)
    /// Whether units are dropped.
    private(set) var isDropping = false

    public init(hidden: Int, second: Int = 0, factors: Int) {
        units = RatingNetwork.units(hidden)
        self.factors = factors
        let upper = RatingNetwork.units(second)
        let most = max(units, upper)
        (rectifiedBlock, upperBlock, nothingBlock, unitAscentBlock) = (
            NumberBlock(units), NumberBlock(upper), NumberBlock(upper), NumberBlock(units)
        )
        (keptBlock, keptAboveBlock, aboveBlock, scratchBlock) = (
            NumberBlock(units), NumberBlock(upper), NumberBlock(most), NumberBlock(most)
        )
        rows = Scratch(factors: factors)
        (input, ascent, halves, deltaBlock) = (
            NumberBlock(2 * factors), NumberBlock(2 * factors), NumberBlock(2 * units), NumberBlock(most)
        )
        active = .allocate(capacity: most)
        active.initialize(repeating: 0, count: most)
    }

    deinit { active.deallocate() }

    public var userHalf: UnsafeMutablePointer<Float> { halves.numbers }
    public var itemHalf: UnsafeMutablePointer<Float> { halves.numbers + units }
    var deltas: UnsafeMutablePointer<Float> { deltaBlock.numbers }
    var rectified: UnsafeMutablePointer<Float> { rectifiedBlock.numbers }
    var upperHalf: UnsafeMutablePointer<Float> { upperBlock.numbers }
    var nothing: UnsafeMutablePointer<Float> { nothingBlock.numbers }
    var unitAscent: UnsafeMutablePointer<Float> { unitAscentBlock.numbers }
    var kept: UnsafeMutablePointer<Float> { keptBlock.numbers }
    var keptAbove: UnsafeMutablePointer<Float> { keptAboveBlock.numbers }
    var above: UnsafeMutablePointer<Float> { aboveBlock.numbers }
    var scratch: UnsafeMutablePointer<Float> { scratchBlock.numbers }

    /// The second layer's.
    var upperPass: network_pass {
        network_pass(input: rectified, user_half: upperHalf, item_half: nothing, ascent: unitAscent)
    }

    /// Drops each unit with this chance, by the key, and makes up for it by what the others count, until `keepAll`. Srivastava
    /// et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.
    func drop(_ chance: Float, key: UInt64) {
        isDropping = true
        var random = KeyedRandom(seed: 0xD409, index: key)
        let bound = UInt64(chance * 65_536)
        let scale = 1 / (1 - Float(bound) / 65_536)
        for block in [keptBlock, keptAboveBlock] {
            var (bits, left): (UInt64, Int) = (0, 0)
            for unit in 0..<block.count {
                if left == 0 { (bits, left) = (random.next(), 4) }
                block.numbers[unit] = bits & 0xFFFF < bound ? 0 : scale
                bits >>= 16
                left -= 1
            }
        }
    }

    func keepAll() { isDropping = false }

    var pass: network_pass {
        network_pass(
            input: input.numbers, user_half: userHalf, item_half: itemHalf, ascent: ascent.numbers)
    }

    func take(_ user: Row, _ item: Row) {
        input.numbers.update(from: user.addresses.vector, count: factors)
        (input.numbers + factors).update(from: item.addresses.vector, count: factors)
    }

    @inline(__always)
    func userAscent(_ lane: Int) -> SIMD8<Float> {
        UnsafeRawPointer(ascent.numbers + 8 * lane).load(as: SIMD8<Float>.self)
    }

    @inline(__always)
    func itemAscent(_ lane: Int) -> SIMD8<Float> {
        UnsafeRawPointer(ascent.numbers + factors + 8 * lane).load(as: SIMD8<Float>.self)
    }
}
