/// A view of one row of a factor table: `factors` float32 in lanes of eight, the bias and the step.
///
/// Unsafe by nature: it points into the table. It is valid as long as the lease, or the queue, that gave it holds;
/// learners take rows as arguments and never keep one.
@frozen
public struct Row {
    @usableFromInline let lanes: UnsafeMutablePointer<SIMD8<Float>>
    @usableFromInline let laneCount: Int
    @usableFromInline let biasPointer: UnsafeMutablePointer<Float>
    @usableFromInline let stepPointer: UnsafeMutablePointer<Float>

    @inlinable
    init(
        lanes: UnsafeMutablePointer<SIMD8<Float>>, laneCount: Int, bias: UnsafeMutablePointer<Float>,
        step: UnsafeMutablePointer<Float>
    ) {
        self.lanes = lanes
        self.laneCount = laneCount
        self.biasPointer = bias
        self.stepPointer = step
    }

    /// Rows of eight factors.
    @inlinable public var indices: Range<Int> { 0..<laneCount }

    /// Factors `8 * lane ..< 8 * lane + 8`.
    @inlinable
    public subscript(lane: Int) -> SIMD8<Float> {
        get { lanes[lane] }
        nonmutating set { lanes[lane] = newValue }
    }

    @inlinable
    public var bias: Float {
        get { biasPointer.pointee }
        nonmutating set { biasPointer.pointee = newValue }
    }

    /// What a learning-rate schedule remembers of the row: the sum of squared gradients for AdaGrad, the number of
    /// updates for inverse time; unused by a constant rate. Starts at 0.
    @inlinable
    public var step: Float {
        get { stepPointer.pointee }
        nonmutating set { stepPointer.pointee = newValue }
    }

    /// Inner product. `a + b * c` rather than `addingProduct`: without FMA hardware flags the latter is a call per
    /// element, four times slower.
    @inlinable
    public func dot(_ other: Row) -> Float {
        var sum = SIMD8<Float>.zero
        for lane in 0..<laneCount { sum = sum + lanes[lane] * other.lanes[lane] }
        return sum.sum()
    }

    /// Where the factors and the bias lie, for kernels in C: valid as long as the row, on a 32-byte boundary.
    public var addresses: (vector: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>) {
        (UnsafeMutableRawPointer(lanes).assumingMemoryBound(to: Float.self), biasPointer)
    }

    /// Whether all it holds are numbers; not so for a row whose squares overflow.
    public var isFinite: Bool { dot(self).isFinite && bias.isFinite && step.isFinite }

    /// Whether all factors are 0.
    public var isZero: Bool { indices.allSatisfy { lanes[$0] == .zero } }

    public var vector: [Float] {
        let start = UnsafeRawPointer(lanes).assumingMemoryBound(to: Float.self)
        return Array(UnsafeBufferPointer(start: start, count: laneCount * 8))
    }

    /// Takes over a vector of little-endian float32, as every machine that this runs on has them.
    public func load(littleEndian bytes: UnsafeRawBufferPointer, bias: Float, step: Float = 0) {
        precondition(bytes.count == laneCount * MemoryLayout<SIMD8<Float>>.size)
        for lane in 0..<laneCount {
            lanes[lane] = bytes.loadUnaligned(
                fromByteOffset: lane * MemoryLayout<SIMD8<Float>>.size, as: SIMD8<Float>.self)
        }
        self.bias = bias
        self.step = step
    }

    public func set(vector: some Collection<Float>, bias: Float) {
        let copied: Void? = vector.withContiguousStorageIfAvailable { numbers in
            // A lane is eight floats, one behind the other; no more are copied than the row has room for.
            guard let source = numbers.baseAddress else { return }
            UnsafeMutableRawPointer(lanes).copyMemory(
                from: source, byteCount: min(numbers.count, laneCount * 8) * MemoryLayout<Float>.stride)
        }
        if copied == nil {
            for (factor, value) in vector.enumerated() where factor < laneCount * 8 {
                lanes[factor >> 3][factor & 7] = value
            }
        }
        self.bias = bias
    }
}

/// Rows of a learner's own, to work out new values before they replace the old ones.
///
/// Confined to one queue at a time, like the rows that are worked on.
public final class Scratch: @unchecked Sendable {
    // Sendable by confinement: each shard makes one and uses it on its own queue alone.
    private let table: FactorTable
    public let first: Row
    public let second: Row
    public let third: Row

    /// The three vectors, one after another.
    public var vectors: UnsafeMutablePointer<Float> { first.addresses.vector }

    public init(factors: Int) {
        table = FactorTable(factors: factors)
        table.grow(to: 3) { _, _ in }
        first = table.row(0)
        second = table.row(1)
        third = table.row(2)
    }
}
