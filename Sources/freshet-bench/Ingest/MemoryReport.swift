internal import BenchmarkSupport
internal import Engine
internal import Factors
internal import Foundation
internal import State

/// What a state took of memory, beside what its size makes of it.
struct MemoryReport: Codable {
    struct Part: Codable {
        var name: String
        var bytes: Int
    }

    /// By what for, as the daemon accounts for it, once all was learned and the last checkpoint written.
    var parts: [Part] = []
    var sum: Int { parts.reduce(0) { $0 + $1.bytes } }
    /// As the kernel counts it: of this process then, before the first event, and the most in between.
    var resident = 0
    var before = 0
    /// Some seconds later, when no event had come any more.
    var atRest = 0
    var peak = 0
    /// 1.3 × the numbers of all rows that are learned, 16 bytes a remembered pair, 48 an id, and the index.
    var bound = 0
    /// Bytes that the C library keeps free, some of which it may have given back in place.
    var free = 0
    var pairs = 0
    var checkpoints = 0
    /// Of the last checkpoint.
    var checkpointMilliseconds = 0.0
    var pauseMilliseconds = 0.0

    init() { before = ResidentMemory.bytes ?? 0 }

    /// What the daemon keeps when it has time to give back the rest.
    mutating func rest() async throws {
        try await Task.sleep(for: .seconds(4))
        atRest = ResidentMemory.bytes ?? 0
    }

    /// While events are learned.
    mutating func watch() { peak = max(peak, ResidentMemory.bytes ?? 0) }

    mutating func take(_ engine: Engine, options: StateOptions) {
        let status = Dictionary(engine.status().map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        func number(_ name: String) -> Double {
            switch status[name] {
            case .integer(let value)?: Double(value)
            case .double(let value)?: value
            default: 0
            }
        }
        let accounted = engine.memoryParts
        parts = accounted.named.map { Part(name: $0.name, bytes: $0.bytes) }
        resident = ResidentMemory.bytes ?? 0
        free = Heap.freeBytes
        watch()
        let ids = Int(number("users.count") + number("items.count"))
        pairs = engine.rememberedPairs
        let tables = options.models.count { $0.learnsRows }
        let rows = ids * options.factors * MemoryLayout<Float>.stride * tables
        bound = rows * 13 / 10 + 16 * pairs + 48 * ids + accounted.index
        checkpoints = Int(number("checkpoint.written"))
        checkpointMilliseconds = number("checkpoint.last-ms")
        pauseMilliseconds = number("checkpoint.last-pause-ms")
    }

    func print() {
        func megabytes(_ bytes: Int) -> String { String(format: "%.1f MB", Double(bytes) / 1_048_576) }
        Swift.print("\nmemory".padded(33) + "bytes")
        for part in parts { Swift.print(part.name.padded(32) + megabytes(part.bytes)) }
        let own = resident - before
        Swift.print("sum".padded(32) + megabytes(sum))
        Swift.print(
            "resident".padded(32) + megabytes(resident) + ", before the first event " + megabytes(before))
        Swift.print(
            "resident at rest".padded(32) + megabytes(atRest)
                + String(
                    format: ", less before it is %.2f of the bound",
                    Double(atRest - before) / Double(max(1, bound))))
        Swift.print("free in the C library's heap".padded(32) + megabytes(free))
        Swift.print("most while learning".padded(32) + megabytes(peak))
        Swift.print(
            "resident less before".padded(32) + megabytes(own)
                + String(format: ", the sum is %.2f of it", Double(sum) / Double(max(1, own))))
        Swift.print(
            "bound".padded(32) + megabytes(bound)
                + String(
                    format: ", resident is %.2f of it, the most %.2f; %d pairs are remembered",
                    Double(resident) / Double(max(1, bound)), Double(peak) / Double(max(1, bound)), pairs))
        Swift.print(
            "checkpoints".padded(32) + "\(checkpoints)"
                + String(
                    format: ", the last one %.0f ms, pause %.1f ms", checkpointMilliseconds, pauseMilliseconds
                ))
    }
}
