package import Checkpoints
internal import Foundation

// Scalars of the state file: `recent.P` is how many fingerprints were ever taken in of partition P, `recent.P.capacity`
// the length of its ring, and `recent.P.B` block B of the ring, 8 bytes a fingerprint, little-endian. A checkpoint writes
// the blocks that changed.
extension RecentEvents {
    static let scalarPrefix = "recent."
    private static let blockLength = FingerprintRing.blockLength

    /// What changed since the last call.
    mutating func takeChanges() -> RecentChanges {
        var changes = RecentChanges()
        for (partition, var window) in windows where window.saved < window.total {
            let name = "\(Self.scalarPrefix)\(partition)"
            changes.lengths[name] = .integer(Int64(window.total))
            changes.lengths["\(name).capacity"] = .integer(Int64(capacity))
            for block in Self.changedBlocks(of: window).sorted() {
                changes.blocks.append(("\(name).\(block)", window.ring.blocks[block]))
            }
            window.saved = window.total
            set(window, of: partition)
        }
        return changes
    }

    private static func changedBlocks(of window: Window) -> Set<Int> {
        let first = max(window.saved, window.total - window.capacity)
        var blocks: Set<Int> = []
        var place = first
        while place < window.total {
            let slot = place % window.capacity
            let block = slot / blockLength
            blocks.insert(block)
            // On to the next block, or to the ring's beginning.
            place += min(window.capacity, (block + 1) * blockLength) - slot
        }
        return blocks
    }

    /// The last changes could not be written: all of it is written next time.
    package mutating func markUnsaved() {
        for partition in windows.keys { markUnsaved(partition) }
    }

    /// The same of one partition's, which has come from elsewhere.
    package mutating func markUnsaved(_ partition: Int32) {
        guard var window = windows[partition] else { return }
        window.saved = 0
        set(window, of: partition)
    }

    /// Rebuilds the windows from what `takeChanges` gave over time; with another capacity, from the newest that fit.
    package mutating func restore(_ scalars: [String: Scalar]) {
        guard capacity > 0 else { return }
        for (name, value) in scalars {
            guard let partition = Int32(name.dropFirst(Self.scalarPrefix.count)),
                case .integer(let total) = value, total > 0, StoredCount.isOne(total),
                case .integer(let stored)? = scalars["\(name).capacity"], stored > 0,
                StoredCount.isOne(stored),
                let ring = Self.ring(name, count: min(Int(total), Int(stored)), in: scalars)
            else { continue }
            let asStored = Window(capacity: Int(stored), ring: ring, total: Int(total))
            guard asStored.capacity == capacity else {
                set(Window(capacity: capacity, newest: asStored.inOrder), of: partition)
                continue
            }
            var window = asStored
            window.saved = window.total
            set(window, of: partition)
        }
    }

    /// `nil` where a block is missing: the window then starts anew, and what it would have known is learned again.
    private static func ring(_ name: String, count: Int, in scalars: [String: Scalar]) -> [UInt64]? {
        var ring: [UInt64] = []
        // As much room as there is something for.
        guard count > 0, scalars["\(name).\((count - 1) / blockLength)"] != nil else { return nil }
        ring.reserveCapacity(min(count, scalars.count * blockLength))
        var block = 0
        while ring.count < count {
            guard case .blob(let data)? = scalars["\(name).\(block)"], data.count >= 8 else { return nil }
            data.withUnsafeBytes { bytes in
                for start in stride(from: 0, to: bytes.count - 7, by: 8) where ring.count < count {
                    ring.append(
                        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self)))
                }
            }
            block += 1
        }
        return ring
    }
}

/// What is to be written of windows: their blocks are put into bytes as they are, and until then shared with the live ones.
struct RecentChanges: Sendable {
    fileprivate(set) var lengths: [String: Scalar] = [:]
    /// Let go as they are taken, so that live ones are shared no longer than they have to be.
    fileprivate(set) var blocks: [(name: String, fingerprints: [UInt64])] = []

    /// Blocks that are put into bytes at a time.
    private static let perPage = 64

    init() {}

    /// The next scalars; `nil` after the last ones.
    mutating func nextPage() -> [String: Scalar]? {
        var page = lengths
        lengths = [:]
        for (name, fingerprints) in blocks.suffix(Self.perPage) {
            page[name] = .blob(fingerprints.map(\.littleEndian).withUnsafeBytes { Data($0) })
        }
        blocks.removeLast(min(Self.perPage, blocks.count))
        return page.isEmpty ? nil : page
    }
}
