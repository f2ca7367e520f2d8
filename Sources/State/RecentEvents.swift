/// The last events of each partition, by their fingerprints: what is delivered again is known again.
///
/// A window of `capacity` fingerprints a partition, oldest first out, so that memory is bounded: 16 bytes for each, and
/// for most of them the time of one look into a table. Confined to the engine's queue.
package struct RecentEvents {
    /// Fingerprints kept of a partition; 0 keeps none.
    package private(set) var capacity: Int
    private(set) var windows: [Int32: Window] = [:]

    package init(capacity: Int) { self.capacity = capacity }

    /// Takes the event in; false if it is in the window of its partition already.
    package mutating func insert(_ fingerprint: UInt64, of partition: Int32) -> Bool {
        guard capacity > 0 else { return true }
        return windows[partition, default: Window(capacity: capacity)].insert(fingerprint)
    }

    /// Another number is kept from here on; of what is there the newest that fit.
    package mutating func resize(to capacity: Int) {
        guard capacity != self.capacity else { return }
        self.capacity = capacity
        windows =
            capacity > 0
            ? windows.mapValues { Window(capacity: capacity, newest: $0.inOrder) } : [:]
    }

    /// Takes events in, one after the other: for each of those that `fingerprints` knows, the place in `isNews` becomes false
    /// if it is in the window of its partition already. Much cheaper than each by itself: the table is far larger than the
    /// cache, and what comes next is known here.
    package mutating func insert(
        _ fingerprints: [(partition: Int32, fingerprint: UInt64, place: Int)], isNews: inout [Bool]
    ) {
        guard capacity > 0 else { return }
        var start = 0
        while start < fingerprints.count {
            let partition = fingerprints[start].partition
            let end = fingerprints[start...].firstIndex { $0.partition != partition } ?? fingerprints.count
            windows[partition, default: Window(capacity: capacity)].insert(
                fingerprints[start..<end], isNews: &isNews)
            start = end
        }
    }

    /// What came last of this partition is known elsewhere.
    package mutating func remove(_ partition: Int32) { windows[partition] = nil }

    package var bytes: Int { windows.values.reduce(0) { $0 + $1.bytes } }

    /// One partition's.
    struct Window {
        private(set) var ring: FingerprintRing
        /// Fingerprints ever taken in; the next one stands at `total mod capacity`.
        private(set) var total = 0
        /// `total` when it was last copied for a checkpoint.
        var saved = 0
        private var known: FingerprintTable

        var capacity: Int { ring.capacity }

        init(capacity: Int) {
            ring = FingerprintRing(capacity: capacity)
            known = FingerprintTable(places: capacity)
        }

        /// A window as it was.
        init(capacity: Int, ring: some Sequence<UInt64>, total: Int) {
            self.init(capacity: capacity)
            self.total = total
            for fingerprint in ring {
                _ = known.insert(fingerprint, at: self.ring.count, in: self.ring)
                self.ring.append(fingerprint)
            }
        }

        /// A window of the newest that fit; `newest` has the oldest first.
        init(capacity: Int, newest: [UInt64]) {
            let kept = Array(newest.suffix(capacity))
            self.init(capacity: capacity, ring: kept, total: kept.count)
        }

        /// Oldest first.
        var inOrder: [UInt64] {
            let oldest = ring.isFull ? total % capacity : 0
            return (0..<ring.count).map { ring[(oldest + $0) % capacity] }
        }

        var bytes: Int { ring.bytes + known.bytes }

        /// By how many events memory is asked for ahead of its use.
        private static let ahead = 16

        mutating func insert(
            _ fingerprints: ArraySlice<(partition: Int32, fingerprint: UInt64, place: Int)>,
            isNews: inout [Bool]
        ) {
            for index in fingerprints.indices {
                if index + Self.ahead < fingerprints.endIndex {
                    known.prefetch(fingerprints[index + Self.ahead].fingerprint)
                }
                if ring.isFull {
                    // The one that leaves then, if nothing comes twice in between.
                    known.prefetch(ring[(total + Self.ahead) % capacity])
                }
                if !insert(fingerprints[index].fingerprint) { isNews[fingerprints[index].place] = false }
            }
        }

        mutating func insert(_ fingerprint: UInt64) -> Bool {
            let place = ring.isFull ? total % capacity : ring.count
            guard let slot = known.insert(fingerprint, at: place, in: ring) else { return false }
            if ring.isFull {
                let oldest = ring[place]
                ring[place] = fingerprint
                known.remove(oldest, at: place, heir: slot, in: ring)
            } else {
                ring.append(fingerprint)
            }
            total += 1
            return true
        }
    }

    /// For the persistence of windows, below.
    mutating func set(_ window: Window, of partition: Int32) { windows[partition] = window }
}
