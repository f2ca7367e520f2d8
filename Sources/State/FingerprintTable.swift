internal import CKernels

/// Which fingerprints stand in a ring, and where: open addressing with linear probing and deletion by shifting back
/// (Knuth, TAOCP 3, 6.4, algorithm R), at most three quarters full. The standard library's `Set` hashes keyed, which takes
/// ten times as long for numbers that are hashes already.
///
/// A slot has 32 bits rather than the fingerprint's 64: its place in the ring, how far the slot is from its home, and a tag
/// of its uppermost bits. To ask the ring is a cache miss, and so it is asked of what agrees in all of that alone, which
/// nearly always is the fingerprint itself, and of what is too far from home to say how far.
struct FingerprintTable {
    /// 0 where nothing stands.
    private var slots: [UInt32] = []
    private var form = SlotForm(places: 1)
    private(set) var count = 0
    /// Places of the ring: no more than are ever full at once.
    private let places: Int

    /// - Parameter places: of the ring; of these, 2^30 may be full.
    init(places: Int) { self.places = places }

    var bytes: Int { slots.capacity * MemoryLayout<UInt32>.stride }

    /// Takes in a fingerprint that is to stand in the ring at `place`, where another may still be.
    ///
    /// - Returns: its slot, until the table changes; `nil` if it is there already.
    mutating func insert(_ fingerprint: UInt64, at place: Int, in ring: FingerprintRing) -> Int? {
        // There are more places than slots only where a damaged file had the same in many of them.
        while (count + 1) * 4 > slots.count * 3 || place >= slots.count { grow(ring) }
        var slot = home(of: fingerprint)
        var mark = form.markAtHome(of: fingerprint)
        while slots[slot] != 0 {
            if form.mark(slots[slot]) == mark, ring[form.place(slots[slot])] == fingerprint { return nil }
            slot = next(slot)
            mark = form.markFarther(mark)
        }
        slots[slot] = form.slot(mark, place)
        count += 1
        return slot
    }

    /// Asks memory for where the fingerprint stands or would.
    func prefetch(_ fingerprint: UInt64) {
        slots.withUnsafeBufferPointer { slots in
            // The address is only asked for.
            guard let base = slots.baseAddress, !slots.isEmpty else { return }
            cache_prefetch(base + home(of: fingerprint), MemoryLayout<UInt32>.stride)
        }
    }

    /// Takes out a fingerprint that stood in the ring at `place`.
    ///
    /// - Parameter heir: the slot of that which stands there now.
    mutating func remove(_ fingerprint: UInt64, at place: Int, heir: Int, in ring: FingerprintRing) {
        var hole = home(of: fingerprint)
        while slots[hole] != 0, hole == heir || form.place(slots[hole]) != place { hole = next(hole) }
        // So of what a damaged file had twice.
        guard slots[hole] != 0 else { return }
        count -= 1
        slots[hole] = 0
        // What stands behind the hole and would be sought across it moves into it.
        var slot = next(hole)
        while slots[slot] != 0 {
            let distanceFromHome = distance(at: slot, in: ring)
            let distanceFromHole = (slot - hole) & (slots.count - 1)
            if distanceFromHome >= distanceFromHole {
                slots[hole] = form.moved(slots[slot], to: distanceFromHome - distanceFromHole)
                slots[slot] = 0
                hole = slot
            }
            slot = next(slot)
        }
    }

    private func distance(at slot: Int, in ring: FingerprintRing) -> Int {
        form.distance(slots[slot]) ?? (slot - home(of: ring[form.place(slots[slot])])) & (slots.count - 1)
    }

    private func home(of fingerprint: UInt64) -> Int {
        Int(truncatingIfNeeded: fingerprint) & (slots.count - 1)
    }

    private func next(_ slot: Int) -> Int { (slot + 1) & (slots.count - 1) }

    private mutating func grow(_ ring: FingerprintRing) {
        let (old, oldForm) = (slots, form)
        slots = Array(repeating: 0, count: max(64, old.count * 2))
        form = SlotForm(places: min(places, slots.count))
        count = 0
        for slot in old where slot != 0 {
            let place = oldForm.place(slot)
            _ = insert(ring[place], at: place, in: ring)
        }
    }
}

/// How the bits of a slot are shared out: from the lowest on the place, the distance and one, so that no slot in use is 0, and
/// the tag. Distance and tag together are the mark, which what is sought must agree in.
private struct SlotForm {
    private let placeBits: UInt32
    private let placeMask: UInt32
    /// The greatest distance and one, which says no more than that the slot is as far from home or farther.
    private let far: UInt32
    private let distanceBits: UInt32
    private let tagBits: UInt32

    /// The fewer bits the places need, the more are left; of these at most half are the distance's, and four suffice.
    init(places: Int) {
        precondition(places > 0 && places <= 1 << 30)
        placeBits = UInt32(Int.bitWidth - (places - 1).leadingZeroBitCount)
        placeMask = 1 << placeBits - 1
        distanceBits = min(4, (32 - placeBits) / 2)
        far = 1 << distanceBits - 1
        tagBits = 32 - placeBits - distanceBits
    }

    func place(_ slot: UInt32) -> Int { Int(slot & placeMask) }

    func mark(_ slot: UInt32) -> UInt32 { slot &>> placeBits }

    /// `nil` where the slot does not say.
    func distance(_ slot: UInt32) -> Int? {
        let distance = mark(slot) & far
        return distance == far ? nil : Int(distance) - 1
    }

    func markAtHome(of fingerprint: UInt64) -> UInt32 {
        let tag = UInt32(truncatingIfNeeded: fingerprint &>> 32) &>> (32 - tagBits)
        return tag &<< distanceBits | 1
    }

    /// Of the same fingerprint, a slot farther on.
    func markFarther(_ mark: UInt32) -> UInt32 { mark & far == far ? mark : mark &+ 1 }

    func slot(_ mark: UInt32, _ place: Int) -> UInt32 {
        mark &<< placeBits | UInt32(truncatingIfNeeded: place)
    }

    func moved(_ slot: UInt32, to distance: Int) -> UInt32 {
        let mark = mark(slot) & ~far | min(far, UInt32(truncatingIfNeeded: distance) + 1)
        return self.slot(mark, place(slot))
    }
}
