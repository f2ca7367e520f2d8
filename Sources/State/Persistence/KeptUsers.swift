internal import Counting
internal import Factors
internal import Histories

/// What a checkpoint says of a user who changed before the checkpoint came to the user, taken out of where it was kept.
///
/// A history is shared until the live one changes, which then changes a copy; that, and that nothing changes this, is what
/// `@unchecked Sendable` stands on.
struct KeptUser: @unchecked Sendable {
    var row: Int32
    var user: UserState?
    /// Of each model whose row is to be written: its vector, bias and step, and the long-term vector where there is one.
    var numbers: [Float] = []
    /// Which models those are.
    var models: [UInt8] = []
    /// Of the models that count, what they keep of the user.
    var trails: [UserTrail] = []
}

/// The kept users of a shard. While a large log is caught up with, that is most users for a while, and so it is as small as may
/// be and lies in large pieces, each mapped and given back as a whole: in small blocks between those that stay it would leave
/// holes that no allocator can give back.
struct KeptUsers: Sendable {
    /// Where each one lies, by local row.
    private var places: [Int32: Int32] = [:]
    private var pieces: [KeptPiece?] = []
    /// Pieces that have room, the one to be filled next last.
    private var roomy: [Int32] = []
    /// Of histories and trails.
    private var heapBytes = 0

    var count: Int { places.count }

    var bytes: Int {
        places.capacity * 2 * MemoryLayout<Int32>.stride + heapBytes
            + pieces.reduce(0) { $0 + ($1?.bytes ?? 0) }
    }

    /// - Parameters:
    ///   - numbers: at most, of any user.
    ///   - fill: appends the rows of models that are to be written.
    mutating func put(
        _ local: Int, row: Int32, user: UserState?, numbers: Int, fill: (inout KeptPiece.Rows) -> Void
    ) {
        if roomy.isEmpty {
            roomy.append(Int32(pieces.firstIndex { $0 == nil } ?? pieces.count))
            let piece = KeptPiece(numbersPerUser: numbers)
            if Int(roomy[0]) < pieces.count { pieces[Int(roomy[0])] = piece } else { pieces.append(piece) }
        }
        let number = roomy[roomy.count - 1]
        guard let piece = pieces[Int(number)] else { return }
        let slot = piece.put(row, user, fill)
        if piece.isFull { roomy.removeLast() }
        places[Int32(local)] = number * Int32(KeptPiece.slots) + Int32(slot)
        heapBytes += piece.heapBytes(slot)
    }

    mutating func take(_ local: Int) -> KeptUser? {
        guard let place = places.removeValue(forKey: Int32(local)) else { return nil }
        let (number, slot) = Int(place).quotientAndRemainder(dividingBy: KeptPiece.slots)
        guard let piece = pieces[number] else { return nil }
        heapBytes -= piece.heapBytes(slot)
        let (wasFull, user) = (piece.isFull, piece.take(slot))
        if piece.isEmpty {
            pieces[number] = nil
            roomy.removeAll { $0 == number }
        } else if wasFull {
            // The one that is being filled stays last.
            roomy.insert(Int32(number), at: 0)
        }
        return user
    }
}

/// Room for so many users. Guarded by the lock of whoever has it; that is what `@unchecked Sendable` stands on.
final class KeptPiece: @unchecked Sendable {
    static let slots = 4_096

    private let numbersPerUser: Int
    /// Mapped, as it is large.
    private var block = GrowingBlock()
    private var numbers: UnsafeMutablePointer<Float>
    private var owners = [(row: Int32, user: UserState?, rows: Rows)?](repeating: nil, count: slots)
    private var free = (0..<Int16(slots)).reversed() as [Int16]

    /// The rows of one user.
    struct Rows {
        fileprivate var start: UnsafeMutablePointer<Float>
        fileprivate var count = 0
        /// A bit each.
        fileprivate var models = SIMD4<UInt64>()
        fileprivate var trails: [UserTrail] = []

        /// Adds the row of a model: its numbers, its bias and its step, and its long-term numbers where it has any.
        mutating func append(_ model: Int, _ table: FactorTable, _ local: Int, longTerm: (FactorTable, Int)?)
        {
            models[model >> 6] |= 1 << UInt64(model & 63)
            table.copyVector(local, to: start + count)
            count += table.factors
            start[count] = table.bias(local)
            start[count + 1] = table.step(local)
            count += 2
            guard let (table, local) = longTerm else { return }
            table.copyVector(local, to: start + count)
            count += table.factors
        }

        /// Ascending.
        fileprivate var modelNumbers: [UInt8] {
            var numbers: [UInt8] = []
            for word in models.indices {
                var bits = models[word]
                while bits != 0 {
                    numbers.append(UInt8(word << 6 + bits.trailingZeroBitCount))
                    bits &= bits - 1
                }
            }
            return numbers
        }

        mutating func append(_ model: Int, _ trail: UserTrail) {
            models[model >> 6] |= 1 << UInt64(model & 63)
            trails.append(trail)
        }
    }

    init(numbersPerUser: Int) {
        self.numbersPerUser = numbersPerUser
        block.reserve(numbersPerUser * Self.slots * MemoryLayout<Float>.stride)
        numbers = block.start.assumingMemoryBound(to: Float.self)
    }

    deinit { block.free() }

    var isFull: Bool { free.isEmpty }
    var isEmpty: Bool { free.count == Self.slots }

    var bytes: Int {
        numbersPerUser * Self.slots * MemoryLayout<Float>.stride
            + owners.count * MemoryLayout<(row: Int32, user: UserState?, rows: Rows)?>.stride
    }

    func heapBytes(_ slot: Int) -> Int {
        guard let owner = owners[slot] else { return 0 }
        let trails = owner.rows.trails
        return (owner.user?.heapBytes ?? 0) + trails.reduce(0) { $0 + $1.bytes }
            + AllocatedBytes.ofArray(trails.count * MemoryLayout<UserTrail>.stride)
    }

    func put(_ row: Int32, _ user: UserState?, _ fill: (inout Rows) -> Void) -> Int {
        let slot = Int(free.removeLast())
        var rows = Rows(start: numbers + slot * numbersPerUser)
        fill(&rows)
        assert(rows.count <= numbersPerUser)
        owners[slot] = (row, user, rows)
        return slot
    }

    func take(_ slot: Int) -> KeptUser? {
        guard let owner = owners[slot] else { return nil }
        owners[slot] = nil
        free.append(Int16(slot))
        let rows = owner.rows
        return KeptUser(
            row: owner.row, user: owner.user,
            numbers: Array(UnsafeBufferPointer(start: rows.start, count: rows.count)),
            models: rows.modelNumbers, trails: rows.trails)
    }
}
