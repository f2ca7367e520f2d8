internal import BenchmarkSupport
internal import Foundation

/// A file that takes all the room there is.
struct FullDisk {
    private let path: String
    /// So that nobody's disk is filled by a slip.
    private static let mostBytes: UInt64 = 4 << 30

    init(_ folder: String) throws {
        path = folder + "/fill-\(UUID().uuidString.prefix(8))"
        let attributes = try FileManager.default.attributesOfFileSystem(forPath: folder)
        let size = (attributes[.systemSize] as? NSNumber)?.uint64Value ?? .max
        guard size <= Self.mostBytes else {
            throw BenchmarkFailure(
                "the file system of '\(folder)' has \(size >> 30) GiB; --small-disk wants one of at most 4, made for this"
            )
        }
    }

    func fill() throws {
        try Data().write(to: URL(fileURLWithPath: path))
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        defer { try? file.close() }
        // Ever smaller pieces, to the last page.
        for size in [1 << 20, 4_096] {
            let piece = Data(count: size)
            while (try? file.write(contentsOf: piece)) != nil {}
        }
    }

    func empty() { try? FileManager.default.removeItem(atPath: path) }
}
