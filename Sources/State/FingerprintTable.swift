internal import CKernels

/// A set of fingerprints: open addressing with linear probing and deletion by shifting back (Knuth, TAOCP 3, 6.4,
/// algorithm R), at most three quarters full. The standard library's `Set` hashes keyed, which takes ten times as long for numbers
/// that are hashes already.
struct FingerprintTable {
    /// 0 where nothing stands; a fingerprint of 0 is kept as 1.
    private var slots: [UInt64] = []
    private(set) var count = 0

    var bytes: Int { slots.capacity * MemoryLayout<UInt64>.stride }

    /// False if it is there already.
    mutating func insert(_ fingerprint: UInt64) -> Bool {
        let wanted = max(1, fingerprint)
        if (count + 1) * 4 > slots.count * 3 { grow() }
        var slot = home(of: wanted)
        while slots[slot] != 0 {
            if slots[slot] == wanted { return false }
            slot = next(slot)
        }
        slots[slot] = wanted
        count += 1
        return true
    }

    /// Asks memory for where the fingerprint stands or would.
    func prefetch(_ fingerprint: UInt64) {
        slots.withUnsafeBufferPointer { slots in
            // The address is only asked for.
            guard let base = slots.baseAddress, !slots.isEmpty else { return }
            cache_prefetch(base + home(of: max(1, fingerprint)), MemoryLayout<UInt64>.stride)
        }
    }

    mutating func remove(_ fingerprint: UInt64) {
        let wanted = max(1, fingerprint)
        guard count > 0 else { return }
        var hole = home(of: wanted)
        while slots[hole] != wanted {
            if slots[hole] == 0 { return }
            hole = next(hole)
        }
        count -= 1
        slots[hole] = 0
        // What stands behind the hole and would be sought across it moves into it.
        var slot = next(hole)
        while slots[slot] != 0 {
            let distanceFromHome = (slot - home(of: slots[slot])) & (slots.count - 1)
            let distanceFromHole = (slot - hole) & (slots.count - 1)
            if distanceFromHome >= distanceFromHole {
                slots[hole] = slots[slot]
                slots[slot] = 0
                hole = slot
            }
            slot = next(slot)
        }
    }

    private func home(of fingerprint: UInt64) -> Int {
        Int(truncatingIfNeeded: fingerprint) & (slots.count - 1)
    }

    private func next(_ slot: Int) -> Int { (slot + 1) & (slots.count - 1) }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: 0, count: max(64, old.count * 2))
        count = 0
        for fingerprint in old where fingerprint != 0 { _ = insert(fingerprint) }
    }
}
