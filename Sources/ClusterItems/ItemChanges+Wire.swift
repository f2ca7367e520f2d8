internal import Learners

// The bytes of changes: `FXI`, version, head, items, models, and a CRC-32 of all behind. Numbers as `WireWriter` has them.
extension ItemChanges {
    /// The last byte of the magic.
    package enum Version: UInt8, Sendable {
        /// Told what followed what one by one.
        case transitions = 1
        case followings = 2

        fileprivate var magic: UInt32 { 0x4958_4600 | UInt32(rawValue) }
    }

    package var encoded: [UInt8] { encoded(as: .followings) }

    /// - Parameter version: an earlier one leaves out what it had no word for.
    package func encoded(as version: Version) -> [UInt8] {
        var writer = WireWriter()
        writer.write(fixed: version.magic)
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
        for model in models { model.write(to: &writer, version) }
        writer.seal()
        return writer.bytes
    }

    /// - Throws: where the bytes are damaged, or of a version that is not known.
    package init(_ bytes: [UInt8]) throws(WireError) {
        var reader = try WireReader(sealed: bytes)
        let magic = try reader.fixed(UInt32.self)
        guard let version = Version(rawValue: UInt8(truncatingIfNeeded: magic)), version.magic == magic else {
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
        for _ in 0..<(try reader.count(ofAtLeast: 5)) {
            models.append(try ModelChange(&reader, version))
        }
        guard reader.isAtEnd else { throw WireError(description: "more follows than it says") }
        try check()
    }

    /// The same in pieces that are no longer than this when encoded, where no single item is, nor what follows one; the first has
    /// what is of no item. They are to be merged in their order: items are named before models speak of them.
    package func pieces(bytesMax: Int) -> [ItemChanges] {
        var pieces: [ItemChanges] = []
        var (piece, length) = (self, Self.headLengthMax)
        (piece.items, piece.models) = ([], [])
        /// Makes room for so many bytes more.
        func reserve(_ bytes: Int) {
            defer { length += bytes }
            guard length > Self.headLengthMax, length + bytes > bytesMax else { return }
            pieces.append(piece)
            let next = piece.sequence + 1
            piece = ItemChanges()
            (piece.origin, piece.life, piece.shape, piece.sequence) = (origin, life, shape, next)
            length = Self.headLengthMax
        }
        for item in items {
            reserve(item.lengthMax)
            piece.items.append(item)
        }
        for model in models {
            for part in model.pieces(bytesMax: bytesMax - Self.headLengthMax) {
                reserve(part.lengthMax)
                piece.models.append(part)
            }
        }
        return pieces + [piece]
    }

    private static let headLengthMax = 128
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

extension WireWriter {
    package mutating func write(time: Int64?) {
        write(UInt8(time == nil ? 0 : 1))
        if let time { write(time) }
    }
}

extension WireReader {
    package mutating func time() throws(WireError) -> Int64? { try byte() == 0 ? nil : try whole() }
}
