package import Checkpoints
package import ClusterUsers
internal import Foundation
internal import Locking

/// The copies in a folder, one file each: `PARTITION.sqlite`.
///
/// Safe to call from any thread; what is done with one copy waits for what is done with another.
package final class StandbyCopies: Sendable {
    private struct Copies {
        var files: [Int32: StandbyFile] = [:]
        var places: [Int32: StandbyCopy] = [:]
        /// Not told to the files yet, save with the next records.
        var saved: [Int32: Int64] = [:]
    }

    /// Milliseconds between two times that a file is told that nothing has happened.
    private static let quiet: Int64 = 60_000

    private let folder: String
    private let copies = Lock(Copies())
    /// The places again: who asks for them must not wait for a disk.
    private let shown = Lock<[Int32: StandbyCopy]>([:])

    /// Finds what an earlier process left. What cannot be read, or is too old to be of any use, is removed.
    ///
    /// - Parameter now: milliseconds since 1970.
    package init(folder: String, at now: Int64) throws(StandbyError) {
        self.folder = folder
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw StandbyError(description: "'\(folder)' cannot be made: \(error.localizedDescription)")
        }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            guard name.hasSuffix(".sqlite"), let partition = Int32(name.dropLast(7)) else { continue }
            if let file = try? StandbyFile(path: path(of: partition)), let copy = try? file.copy(),
                !copy.isStale(at: now)
            {
                copies.withLock { ($0.files[partition], $0.places[partition]) = (file, copy) }
                shown.withLock { $0[partition] = copy }
            } else {
                removeFiles(of: partition)
            }
        }
    }

    private func path(of partition: Int32) -> String { "\(folder)/\(partition).sqlite" }

    private func removeFiles(of partition: Int32) {
        for suffix in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: path(of: partition) + suffix)
        }
    }

    /// How far each is.
    package var places: [Int32: StandbyCopy] { shown.withLock { $0 } }

    /// Of all files, with their write-ahead logs.
    package var bytes: Int64 {
        places.keys.reduce(0) { sum, partition in
            ["", "-wal"].reduce(sum) { sum, suffix in
                let attributes = try? FileManager.default.attributesOfItem(
                    atPath: path(of: partition) + suffix)
                return sum + ((attributes?[.size] as? Int64) ?? 0)
            }
        }
    }

    /// What came of records that were read.
    package enum Outcome: Equatable, Sendable {
        case taken
        /// They are of another changelog than the copy is; nothing of the copy is left.
        case otherChangelog
        /// The copy heard nothing for so long that it may hold who was forgotten; nothing of it is left.
        case stale
    }

    /// - Parameters:
    ///   - records: in their order, from where the copy stands, or from its last marker on.
    ///   - next: the offset behind them.
    ///   - isEnd: that is where the changelog ends just now.
    ///   - now: milliseconds since 1970.
    package func take(
        _ records: [FollowedRecord], of partition: Int32, next: Int64, isEnd: Bool, at now: Int64
    ) throws(StandbyError) -> Outcome {
        let result: Result<Outcome, StandbyError> = copies.withLock { copies in
            do throws(StandbyError) {
                return .success(try take(records, of: partition, next, isEnd, now, &copies))
            } catch {
                drop(partition, &copies)
                return .failure(error)
            }
        }
        return try result.get()
    }

    private func take(
        _ records: [FollowedRecord], of partition: Int32, _ next: Int64, _ isEnd: Bool, _ now: Int64,
        _ copies: inout Copies
    ) throws(StandbyError) -> Outcome {
        var copy = copies.places[partition] ?? StandbyCopy(at: now)
        if copy.isStale(at: now) {
            drop(partition, &copies)
            return .stale
        }
        for record in records {
            guard case .marker = RecordKey(record.key),
                let marker = record.value.flatMap({ PartitionMarker($0) })
            else { continue }
            // A position that goes back is another changelog too, of before they had names, or of a topic of events that was made
            // anew. A copy that is read from the beginning meets both in one changelog, and the newer one stands.
            if let known = copy.marker,
                known.changelog != marker.changelog || (copy.isWhole && known.position > marker.position)
            {
                drop(partition, &copies)
                return .otherChangelog
            }
            (copy.marker, copy.markerOffset) = (marker, record.offset)
        }
        copy.next = next
        if isEnd { (copy.heard, copy.isWhole) = (now, true) }
        if !records.isEmpty || now - (copies.saved[partition] ?? 0) > Self.quiet {
            try file(of: partition, &copies).take(records, copy)
            copies.saved[partition] = now
        }
        copies.places[partition] = copy
        shown.withLock { $0[partition] = copy }
        return .taken
    }

    private func file(of partition: Int32, _ copies: inout Copies) throws(StandbyError) -> StandbyFile {
        if let file = copies.files[partition] { return file }
        removeFiles(of: partition)
        let file = try StandbyFile(path: path(of: partition))
        copies.files[partition] = file
        return file
    }

    package func drop(_ partition: Int32) { copies.withLock { drop(partition, &$0) } }

    private func drop(_ partition: Int32, _ copies: inout Copies) {
        copies.files.removeValue(forKey: partition)?.close()
        (copies.places[partition], copies.saved[partition]) = (nil, nil)
        shown.withLock { $0[partition] = nil }
        removeFiles(of: partition)
    }

    /// All users of a copy, so many at a time, in the order of their ids' bytes.
    ///
    /// - Returns: what is remembered of the partition's last events.
    package func read(
        _ partition: Int32, usersAtOnce countMax: Int, _ body: ([TravellingUser]) -> Void
    ) throws(StandbyError) -> [String: Scalar] {
        guard let file = copies.withLock({ $0.files[partition] }) else {
            throw StandbyError(description: "there is no copy of partition \(partition)")
        }
        try file.forEachUsers(countMax, body)
        return try file.recent()
    }

    package func close() {
        copies.withLock { copies in
            for file in copies.files.values { file.close() }
            copies.files = [:]
        }
    }
}
