internal import CoreMetrics
internal import Synchronization

/// A number that only grows.
final class CountingHandler: CounterHandler, FloatingPointCounterHandler {
    private let sum = AtomicDouble()

    var value: Double { sum.value }

    func increment(by amount: Int64) { sum.add(Double(amount)) }
    func increment(by amount: Double) { sum.add(amount) }
    func reset() { sum.set(0) }
}

/// A number that goes up and down.
final class GaugeHandler: MeterHandler, RecorderHandler {
    private let number = AtomicDouble()

    var value: Double { number.value }

    func set(_ value: Int64) { number.set(Double(value)) }
    func set(_ value: Double) { number.set(value) }
    func increment(by amount: Double) { number.add(amount) }
    func decrement(by amount: Double) { number.add(-amount) }
    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }
}

/// How often values fell into each of a few fixed ranges.
final class HistogramHandler: RecorderHandler, TimerHandler {
    /// An atomic cannot stand in an array; an object that holds one can.
    private final class Cell: Sendable {
        let count = Atomic<Int>(0)
    }

    private let bounds: HistogramBounds
    /// One more than there are bounds.
    private let cells: [Cell]
    private let sum = AtomicDouble()

    init(bounds: HistogramBounds) {
        self.bounds = bounds
        cells = (0...bounds.upper.count).map { _ in Cell() }
    }

    /// What was recorded while this is read may be in a cell and not yet in the sum, or the other way round.
    var distribution: Distribution {
        Distribution(
            bounds: bounds, counts: cells.map { $0.count.load(ordering: .relaxed) }, sum: sum.value)
    }

    func record(_ value: Int64) { record(Double(value)) }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) * 1e-9) }

    func record(_ value: Double) {
        cells[bounds.cell(of: value)].count.add(1, ordering: .relaxed)
        sum.add(value)
    }
}

/// A double that many threads add to. Relaxed: it stands alone.
private final class AtomicDouble: Sendable {
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    func add(_ amount: Double) {
        var old = bits.load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (exchanged, original) = bits.weakCompareExchange(
                expected: old, desired: new, ordering: .relaxed)
            if exchanged { return }
            old = original
        }
    }
}
