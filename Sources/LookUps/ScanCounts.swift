package import Retrieval
internal import Synchronization

/// Counts by which path passes over the catalogue were made.
package final class ScanCounts: Sendable {
    private final class Count: Sendable {
        let value = Atomic<Int>(0)
    }
    private let counts = ScanPath.allCases.map { (path: $0, count: Count()) }

    func count(_ path: ScanPath) {
        for entry in counts where entry.path == path { entry.count.value.add(1, ordering: .relaxed) }
    }

    /// Of the paths that were taken at all, in a fixed order.
    package var taken: [(path: ScanPath, count: Int)] {
        counts.map { ($0.path, $0.count.value.load(ordering: .relaxed)) }.filter { $0.1 > 0 }
    }
}
