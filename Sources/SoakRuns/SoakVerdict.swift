internal import Foundation

/// What a soak comes to. Only the steady phase tells whether the daemon grows: a restart would hide it.
package struct SoakVerdict: Sendable, Equatable {
    /// The daemon may grow so much over a fixed population.
    package static let growthMax = 1.05
    /// Events of the steady phase after which it is taken to have its size: it was started shortly before.
    package static let referenceEvents = 2_000_000
    /// A file is bounded that in the second half of the steady phase is not longer than in the first by more than this.
    package static let fileGrowthMax = 1.1
    private static let fileSlack: Int64 = 4 << 20
    /// Samples of which the median is taken.
    private static let around = 7

    /// Where the daemon was measured first, and last.
    package private(set) var events = (first: 0, last: 0)
    package private(set) var residentBytes = (first: Int64(0), last: Int64(0))
    /// Of each file the longest in either half.
    package private(set) var files: [(name: String, first: Int64, second: Int64)] = []
    package private(set) var longest: [(name: String, bytes: Int64)] = []

    package static func == (left: SoakVerdict, right: SoakVerdict) -> Bool {
        left.events == right.events && left.residentBytes == right.residentBytes
    }

    /// `nil` where the steady phase is too short to tell.
    package init?(_ samples: [SoakSample], referenceEvents: Int = Self.referenceEvents) {
        let steady = samples.filter { $0.phase == .steady }
        let begin = steady.first?.events ?? 0
        let after = steady.filter { $0.events - begin >= referenceEvents }
        guard after.count >= 2 * Self.around, let last = after.last else { return nil }
        let first = after.prefix(Self.around)
        events = (first[first.startIndex].events, last.events)
        residentBytes = (
            Self.median(first.map(\.residentBytes)),
            Self.median(after.suffix(Self.around).map(\.residentBytes))
        )
        let half = after.count / 2
        for file in SoakFiles.all {
            func longest(_ samples: some Sequence<SoakSample>) -> Int64 {
                samples.map { $0.files[keyPath: file.path] }.max() ?? 0
            }
            files.append((file.name, longest(after[..<half]), longest(after[half...])))
            self.longest.append((file.name, longest(samples)))
        }
    }

    private static func median(_ values: [Int64]) -> Int64 { values.sorted()[values.count / 2] }

    package var growth: Double { Double(residentBytes.last) / Double(max(1, residentBytes.first)) }

    package var growingFiles: [String] {
        files.filter { Double($0.second) > Double($0.first) * Self.fileGrowthMax + Double(Self.fileSlack) }
            .map(\.name)
    }

    package var isKept: Bool { growth <= Self.growthMax && growingFiles.isEmpty }

    package var text: String {
        func mebibytes(_ bytes: Int64) -> String { String(format: "%.1f MiB", Double(bytes) / 1_048_576) }
        var lines = [
            "resident after \(events.first) events \(mebibytes(residentBytes.first)), after \(events.last) "
                + "\(mebibytes(residentBytes.last)): "
                + String(format: "%.3f x, at most %.2f x: ", growth, Self.growthMax)
                + (growth <= Self.growthMax ? "kept" : "NOT KEPT")
        ]
        for (file, longest) in zip(files, longest) {
            let isGrowing = growingFiles.contains(file.name)
            lines.append(
                "\(file.name): longest \(mebibytes(longest.bytes)); in the halves of the steady phase "
                    + "\(mebibytes(file.first)), \(mebibytes(file.second)): "
                    + (isGrowing ? "GROWS" : "bounded"))
        }
        return lines.joined(separator: "\n")
    }
}
