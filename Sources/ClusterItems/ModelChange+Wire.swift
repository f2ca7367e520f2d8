internal import Learners

// The bytes of what a model counts beside its items.
extension ModelChange {
    /// Bytes, about and never fewer.
    var lengthMax: Int {
        Self.headLengthMax + items.count * 8 + followings.reduce(0) { $0 + $1.lengthMax }
            + transitions.count * 28 + retakes.count * 18
            + steps.reduce(0) { $0 + Self.lengthMax(ofStep: $1) }
    }

    private static let headLengthMax = 32

    private static func lengthMax(ofStep step: [Float]) -> Int { 4 * step.count + 3 }

    /// The same in parts that are no longer than this when encoded, where nothing is that follows a single item. Each has the
    /// hashes of those items that it speaks of. The first has what is told of takings again, which is little.
    func pieces(bytesMax: Int) -> [ModelChange] {
        var pieces: [ModelChange] = []
        var (piece, length) = (self, Self.headLengthMax + retakes.count * 18 + transitions.count * 28)
        (piece.followings, piece.steps) = ([], [])
        // Single transitions come from others alone, and none is told on.
        if transitions.isEmpty { piece.items = [] } else { length += items.count * 8 }
        var places: [Int32: Int32] = [:]
        /// Makes room for so many bytes more.
        func reserve(_ bytes: Int) {
            defer { length += bytes }
            guard !piece.isEmpty, length + bytes > bytesMax else { return }
            pieces.append(piece)
            piece = ModelChange(model: Int(model))
            length = Self.headLengthMax
            places = [:]
        }
        func place(_ item: Int32) -> Int32 {
            if let place = places[item] { return place }
            let place = Int32(piece.items.count)
            piece.items.append(items[Int(item)])
            places[item] = place
            return place
        }
        for following in followings {
            // Each of its items may be one that this part has not had.
            reserve(following.lengthMax + 8 * (following.gain.entries.count + 1))
            var told = FollowingChange(item: place(following.item), gain: following.gain)
            for entry in told.gain.entries.indices {
                told.gain.entries[entry].item = place(following.gain.entries[entry].item)
            }
            piece.followings.append(told)
        }
        for step in steps {
            reserve(Self.lengthMax(ofStep: step))
            piece.steps.append(step)
        }
        return pieces + [piece]
    }

    private var isEmpty: Bool {
        followings.isEmpty && transitions.isEmpty && retakes.isEmpty && steps.isEmpty
    }

    /// Hashes of items once each, then what speaks of them by their places.
    func write(to writer: inout WireWriter, _ version: ItemChanges.Version) {
        writer.write(model)
        writer.write(items.count)
        for hash in items { writer.write(fixed: hash) }
        writer.write(transitions.count)
        var time: Int64 = 0
        for transition in transitions {
            writer.write(Int(transition.from) << 1 | (transition.isNear ? 1 : 0))
            writer.write(Int(transition.to))
            writer.write(transition.weight)
            writer.write(transition.time &- time)
            time = transition.time
        }
        writer.write(retakes.count)
        for gain in retakes {
            writer.write(Int64(gain.cell))
            writer.write(gain.taken)
            writer.write(gain.exposed)
        }
        writer.write(steps.count)
        for step in steps {
            writer.write(step.count)
            for number in step { writer.write(number) }
        }
        guard version == .followings else { return }
        writer.write(followings.count)
        for following in followings { following.write(to: &writer) }
    }

    init(_ reader: inout WireReader, _ version: ItemChanges.Version) throws(WireError) {
        self.init(model: Int(try reader.byte()))
        for _ in 0..<(try reader.count(ofAtLeast: 8)) { items.append(try reader.fixed(UInt64.self)) }
        try readTransitions(&reader)
        for _ in 0..<(try reader.count(ofAtLeast: 17)) {
            guard let cell = UInt16(exactly: try reader.whole()) else {
                throw WireError(description: "a cell is too large")
            }
            retakes.append(
                RetakeTable.Gain(cell: cell, taken: try reader.double(), exposed: try reader.double()))
        }
        for _ in 0..<(try reader.count(ofAtLeast: 1)) {
            var step: [Float] = []
            for _ in 0..<(try reader.count(ofAtLeast: 4)) { step.append(try reader.float()) }
            steps.append(step)
        }
        guard version == .followings else { return }
        for _ in 0..<(try reader.count(ofAtLeast: FollowingChange.lengthMin)) {
            followings.append(try FollowingChange(&reader, items: items.count))
        }
    }

    private mutating func readTransitions(_ reader: inout WireReader) throws(WireError) {
        var time: Int64 = 0
        for _ in 0..<(try reader.count(ofAtLeast: 7)) {
            let first = try reader.whole()
            let from = try reader.place(first >> 1, below: items.count)
            let to = try reader.place(below: items.count)
            let weight = try reader.float()
            time = time &+ (try reader.whole())
            transitions.append(
                TransitionChange(from: from, to: to, weight: weight, isNear: first & 1 != 0, time: time))
        }
    }
}

extension FollowingChange {
    /// Bytes, about and never fewer.
    var lengthMax: Int { 40 + gain.entries.count * 13 }

    static let lengthMin = 12

    func write(to writer: inout WireWriter) {
        writer.write(Int(item))
        writer.write(Int(gain.count))
        writer.write(gain.sum)
        writer.write(gain.nearSum)
        writer.write(gain.time)
        writer.write(gain.entries.count)
        for entry in gain.entries {
            writer.write(Int(entry.item) << 1 | (entry.near == 0 ? 0 : 1))
            writer.write(entry.weight)
            if entry.near != 0 { writer.write(entry.near) }
        }
    }

    init(_ reader: inout WireReader, items: Int) throws(WireError) {
        let item = try reader.place(below: items)
        var gain = SuccessorGain()
        gain.count = try reader.whole32()
        gain.sum = try reader.float()
        gain.nearSum = try reader.float()
        gain.time = try reader.whole()
        let count = try reader.count(ofAtLeast: 5)
        gain.entries.reserveCapacity(count)
        for _ in 0..<count {
            let first = try reader.whole()
            let place = try reader.place(first >> 1, below: items)
            let weight = try reader.float()
            let near = first & 1 != 0 ? try reader.float() : 0
            gain.entries.append(SuccessorGain.Entry(item: place, weight: weight, near: near))
        }
        self.init(item: item, gain: gain)
    }
}

extension WireReader {
    /// Of an item that is named.
    fileprivate mutating func place(below items: Int) throws(WireError) -> Int32 {
        try place(try whole(), below: items)
    }

    fileprivate func place(_ number: Int64, below items: Int) throws(WireError) -> Int32 {
        guard number >= 0, number < items else { throw WireError(description: "an item is missing") }
        return Int32(number)
    }
}
