internal import Learners

// The bytes of changes: `FXI`, version, head, items, models, and a CRC-32 of all behind. Numbers as `WireWriter` has them.
extension ItemChanges {
    private static let magic: UInt32 = 0x4958_4601

    package var encoded: [UInt8] {
        var writer = WireWriter()
        writer.write(fixed: Self.magic)
        for value in [origin, life, shape] { writer.write(fixed: value) }
        writer.write(sequence)
        writer.write(events)
        writer.write(ratings.count)
        if ratings.count > 0 {
            writer.write(ratings.sum)
            writer.write(ratings.squares)
        }
        writer.write(items.count)
        for item in items { item.write(to: &writer) }
        writer.write(models.count)
        for model in models { model.write(to: &writer) }
        writer.seal()
        return writer.bytes
    }

    /// - Throws: where the bytes are damaged, or of a version that is not known.
    package init(_ bytes: [UInt8]) throws(WireError) {
        var reader = try WireReader(sealed: bytes)
        guard try reader.fixed(UInt32.self) == Self.magic else {
            throw WireError(description: "it is no change of items, or one of another version")
        }
        self.init()
        origin = try reader.fixed(UInt64.self)
        life = try reader.fixed(UInt64.self)
        shape = try reader.fixed(UInt64.self)
        sequence = try reader.whole()
        events = try reader.whole()
        let count = try reader.whole()
        if count > 0 {
            ratings = RatingMoments(count: count, sum: try reader.double(), squares: try reader.double())
        }
        for _ in 0..<(try reader.count(ofAtLeast: 9)) { items.append(try ItemChange(&reader)) }
        for _ in 0..<(try reader.count(ofAtLeast: 5)) { models.append(try ModelChange(&reader)) }
        guard reader.isAtEnd else { throw WireError(description: "more follows than it says") }
        try check()
    }

    /// The same in pieces that are no longer than this when encoded, where no single item is; the first has what is of no
    /// item. Each by itself can be merged.
    package func pieces(bytesMax: Int) -> [ItemChanges] {
        var pieces: [ItemChanges] = []
        var (piece, length) = (self, 128 + models.reduce(0) { $0 + $1.lengthMax })
        piece.items = []
        for item in items {
            let itemLength = item.lengthMax
            if !piece.items.isEmpty || length > 256, length + itemLength > bytesMax {
                pieces.append(piece)
                let next = piece.sequence + 1
                piece = ItemChanges()
                (piece.origin, piece.life, piece.shape, piece.sequence) = (origin, life, shape, next)
                length = 128
            }
            piece.items.append(item)
            length += itemLength
        }
        return pieces + [piece]
    }
}

extension ItemChange {
    private struct Has: OptionSet {
        let rawValue: UInt8
        static let name = Has(rawValue: 1)
        static let stats = Has(rawValue: 2)
        static let description = Has(rawValue: 4)
    }

    /// Bytes, about and never fewer.
    var lengthMax: Int {
        var length = 32 + (name?.utf8.count ?? 0) + (stats == nil ? 0 : 34)
        if let description {
            length += 48 + (description.title?.utf8.count ?? 0)
            length += (description.tags ?? []).reduce(0) { $0 + $1.utf8.count + 3 }
        }
        return parts.reduce(length) { $0 + 64 + ($1.row?.codes.count ?? 0) }
    }

    func write(to writer: inout WireWriter) {
        var has: Has = []
        if name != nil { has.insert(.name) }
        if stats != nil { has.insert(.stats) }
        if description != nil { has.insert(.description) }
        writer.write(fixed: hash)
        writer.write(has.rawValue)
        if let name { writer.write(name) }
        stats?.write(to: &writer)
        description?.write(to: &writer)
        writer.write(parts.count)
        var before: ItemPart?
        for part in parts {
            part.write(to: &writer, after: before)
            before = part
        }
    }

    init(_ reader: inout WireReader) throws(WireError) {
        self.init(hash: try reader.fixed(UInt64.self))
        let has = Has(rawValue: try reader.byte())
        if has.contains(.name) { name = try reader.text() }
        if has.contains(.stats) { stats = try StatsChange(&reader) }
        if has.contains(.description) { description = try DescriptionChange(&reader) }
        for _ in 0..<(try reader.count(ofAtLeast: 2)) {
            parts.append(try ItemPart(&reader, after: parts.last))
        }
    }
}

extension StatsChange {
    func write(to writer: inout WireWriter) {
        writer.write(Int64(users))
        writer.write(Int64(ratings))
        if ratings != 0 || ratingSum != 0 {
            writer.write(UInt8(1))
            writer.write(ratingSum)
        } else {
            writer.write(UInt8(0))
        }
        writer.write(time: lastEvent)
    }

    init(_ reader: inout WireReader) throws(WireError) {
        users = try reader.whole32()
        ratings = try reader.whole32()
        ratingSum = try reader.byte() == 0 ? 0 : try reader.double()
        lastEvent = try reader.time()
    }
}

extension DescriptionChange {
    func write(to writer: inout WireWriter) {
        let bits = (title == nil ? 0 : 1) | (tags == nil ? 0 : 2) | (available.map { $0 ? 4 : 8 } ?? 0)
        writer.write(UInt8(bits))
        if let title { writer.write(title) }
        if let tags {
            writer.write(tags.count)
            for tag in tags { writer.write(tag) }
        }
        for time in [titleAt, tagsAt, availableAt] { writer.write(time: time) }
    }

    init(_ reader: inout WireReader) throws(WireError) {
        let bits = try reader.byte()
        title = bits & 1 != 0 ? try reader.text() : nil
        available = bits & 12 == 0 ? nil : bits & 4 != 0
        if bits & 2 != 0 {
            var all: [String] = []
            for _ in 0..<(try reader.count(ofAtLeast: 1)) { all.append(try reader.text()) }
            tags = all
        }
        titleAt = try reader.time()
        tagsAt = try reader.time()
        availableAt = try reader.time()
    }
}

extension ItemPart {
    private struct Has: OptionSet {
        let rawValue: UInt8
        static let positives = Has(rawValue: 1)
        static let counts = Has(rawValue: 2)
        static let fading = Has(rawValue: 4)
        static let row = Has(rawValue: 8)
        static let step = Has(rawValue: 16)
        /// Positives and counts are those of the part before: models that take the same as liked count alike.
        static let sameCounts = Has(rawValue: 32)
    }

    func write(to writer: inout WireWriter, after before: ItemPart?) {
        var has: Has = []
        let isSame = before.map { $0.positives == positives && $0.counts == counts } ?? false
        if isSame, counts != nil { has.insert(.sameCounts) }
        if !has.contains(.sameCounts), positives != 0 { has.insert(.positives) }
        if !has.contains(.sameCounts), counts != nil { has.insert(.counts) }
        if fading != nil { has.insert(.fading) }
        if let row { has.formUnion(row.step == 0 ? .row : [.row, .step]) }
        writer.write(model)
        writer.write(has.rawValue)
        if has.contains(.positives) { writer.write(Int64(positives)) }
        if has.contains(.counts), let counts {
            writer.write(counts.popular)
            writer.write(counts.trend)
            writer.write(counts.age)
        }
        if let fading {
            for number in 0..<4 { writer.write(fading.gains[number]) }
            writer.write(fading.age)
            writer.write(fading.time)
        }
        guard let row else { return }
        writer.write(row.scale)
        writer.write(row.bias)
        if row.step != 0 { writer.write(row.step) }
        writer.write(Int64(row.weight))
        writer.write(row.codes.count)
        writer.write(row.codes)
    }

    init(_ reader: inout WireReader, after before: ItemPart?) throws(WireError) {
        self.init(model: Int(try reader.byte()))
        let has = Has(rawValue: try reader.byte())
        if has.contains(.sameCounts), let before { (positives, counts) = (before.positives, before.counts) }
        if has.contains(.positives) { positives = try reader.whole32() }
        if has.contains(.counts) {
            counts = CountsChange(
                popular: try reader.double(), trend: try reader.double(), age: try reader.whole())
        }
        if has.contains(.fading) {
            var gains = SIMD4<Float>.zero
            for number in 0..<4 { gains[number] = try reader.float() }
            fading = FadingChange(gains: gains, age: try reader.whole(), time: try reader.whole())
        }
        guard has.contains(.row) else { return }
        let (scale, bias) = (try reader.float(), try reader.float())
        let step = has.contains(.step) ? try reader.float() : 0
        let weight = try reader.whole32()
        let codes = try reader.codes(try reader.count(ofAtLeast: 1))
        row = RowChange(scale: scale, codes: codes, bias: bias, step: step, weight: weight)
    }
}

extension ModelChange {
    var lengthMax: Int {
        24 + items.count * 8 + transitions.count * 28 + retakes.count * 18
            + steps.reduce(0) { $0 + 4 * $1.count + 3 }
    }

    /// Hashes of items once each, then the transitions by their places.
    func write(to writer: inout WireWriter) {
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
    }

    init(_ reader: inout WireReader) throws(WireError) {
        self.init(model: Int(try reader.byte()))
        for _ in 0..<(try reader.count(ofAtLeast: 8)) { items.append(try reader.fixed(UInt64.self)) }
        func place(_ number: Int64) throws(WireError) -> Int32 {
            guard number >= 0, number < items.count else {
                throw WireError(description: "an item is missing")
            }
            return Int32(number)
        }
        var time: Int64 = 0
        for _ in 0..<(try reader.count(ofAtLeast: 7)) {
            let first = try reader.whole()
            let (from, to) = (try place(first >> 1), try place(try reader.whole()))
            let weight = try reader.float()
            time = time &+ (try reader.whole())
            transitions.append(
                TransitionChange(from: from, to: to, weight: weight, isNear: first & 1 != 0, time: time))
        }
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
    }
}

extension WireWriter {
    package mutating func write(time: Int64?) {
        write(UInt8(time == nil ? 0 : 1))
        if let time { write(time) }
    }
}

extension WireReader {
    package mutating func time() throws(WireError) -> Int64? { try byte() == 0 ? nil : try whole() }
}
