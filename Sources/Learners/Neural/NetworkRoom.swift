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
    private let (units, inputs): (Int, Int)
    /// Events summed.
    public internal(set) var count = 0

    /// For a network of this shape.
    public init(hidden: Int, factors: Int) {
        (units, inputs) = (RatingNetwork.units(hidden), 2 * factors)
        block = NumberBlock(RatingNetwork.size(units: units, factors: factors))
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
    public static func bytes(hidden: Int, factors: Int) -> Int {
        RatingNetwork.size(units: RatingNetwork.units(hidden), factors: factors) * MemoryLayout<Float>.stride
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

    public init(hidden: Int, factors: Int) {
        units = RatingNetwork.units(hidden)
        self.factors = factors
        rows = Scratch(factors: factors)
        (input, ascent, halves, deltaBlock) = (
            NumberBlock(2 * factors), NumberBlock(2 * factors), NumberBlock(2 * units), NumberBlock(units)
        )
        active = .allocate(capacity: units)
        active.initialize(repeating: 0, count: units)
    }

    deinit { active.deallocate() }

    public var userHalf: UnsafeMutablePointer<Float> { halves.numbers }
    public var itemHalf: UnsafeMutablePointer<Float> { halves.numbers + units }
    var deltas: UnsafeMutablePointer<Float> { deltaBlock.numbers }

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
