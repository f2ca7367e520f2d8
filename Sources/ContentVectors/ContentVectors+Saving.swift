internal import Foundation

// What a state file holds: four blobs of float32, as `ContentMap` lays them out, and one of counts: the layout's number, the
// seed, then counts and the triplets of the unfinished block, 8 bytes each. Of tags' own vectors, learned and shown, the
// tags' keys, ascending, 8 bytes each, and float32 as `TagVectors.saved` has them. All little-endian. What items
// are tagged with stands in the catalogue, and vectors are worked out anew.
extension ContentVectors {
    package static let prefix = "content."
    private static let layout: Int64 = 2
    /// Of states without tags' own vectors.
    private static let layoutOfLetters: Int64 = 1
    private static let wordsOfTriplet = 5

    /// By name.
    package var blobs: [String: [UInt8]] { blobsOfLearning.merging(blobsOfShown) { own, _ in own } }

    var blobsOfLearning: [String: [UInt8]] {
        let tags = model.map.own.saved
        return [
            "\(Self.prefix)counts": Self.bytes(of: countWords),
            "\(Self.prefix)keys": tags.keys,
            "\(Self.prefix)weights": Self.bytes(of: model.map.weights),
            "\(Self.prefix)weights.first": Self.bytes(of: model.first),
            "\(Self.prefix)weights.second": Self.bytes(of: model.second),
            "\(Self.prefix)weights.tags": tags.numbers,
        ]
    }

    private var blobsOfShown: [String: [UInt8]] {
        let tags = shown.own.saved
        return [
            "\(Self.prefix)keys.shown": tags.keys,
            "\(Self.prefix)weights.shown": Self.bytes(of: shown.weights),
            "\(Self.prefix)weights.tags.shown": tags.numbers,
        ]
    }

    private var countWords: [Int64] {
        let head: [Int] = [
            model.steps, counts.triplets, counts.owed, counts.shownSteps, counts.rejected,
        ]
        return [Self.layout, Int64(bitPattern: savedSeed)] + head.map(Int64.init)
            + pending.flatMap { pending -> [Int64] in
                let triplet = pending.triplet
                return [
                    Int64(triplet.anchor), Int64(triplet.positive), Int64(triplet.negative),
                    pending.tag == nil ? 0 : 1, Int64(bitPattern: pending.tag ?? 0),
                ]
            }
    }

    /// Takes over what `blobs` gave; once the tags of all items are placed.
    ///
    /// - Returns: false for what is malformed. Of another layout or seed nothing is taken, and that is no fault.
    package mutating func restore(_ blobs: [String: some Collection<UInt8>]) -> Bool {
        guard let head = blobs["\(Self.prefix)counts"] else { return blobs.isEmpty }
        let words = Self.words(Array(head))
        guard words.count >= 7, (words.count - 7) % Self.wordsOfTriplet == 0,
            (words.count - 7) / Self.wordsOfTriplet < TripletBlock.most
        else { return false }
        guard words[0] == Self.layout || words[0] == Self.layoutOfLetters,
            UInt64(bitPattern: words[1]) == savedSeed
        else { return true }
        func lanes(_ name: String) -> [TripletModel.Lane]? {
            blobs["\(Self.prefix)\(name)"].flatMap { Self.lanes(Array($0)) }
        }
        guard let weights = lanes("weights"), let shown = lanes("weights.shown"),
            let first = lanes("weights.first"), let second = lanes("weights.second"),
            words[2...6].allSatisfy({ (0...1 << 56).contains($0) }),
            let tags = words[0] == Self.layout ? Self.tags(blobs, "") : TagVectors(),
            let shownTags = words[0] == Self.layout ? Self.tags(blobs, ".shown") : TagVectors(),
            let model = TripletModel(
                map: ContentMap(weights: weights, own: tags), first: first, second: second,
                steps: Int(words[2]))
        else { return false }
        var pending: [Pending] = []
        for start in stride(from: 7, to: words.count, by: Self.wordsOfTriplet) {
            let rows = words[start..<start + 3].compactMap(Int32.init(exactly:))
            guard rows.count == 3, rows.allSatisfy({ $0 >= 0 }) else { return false }
            pending.append(
                Pending(
                    triplet: .init(anchor: rows[0], positive: rows[1], negative: rows[2]),
                    tag: words[start + 3] == 0 ? nil : UInt64(bitPattern: words[start + 4])))
        }
        let counts = Counts(
            triplets: Int(words[3]), owed: Int(words[4]), shownSteps: Int(words[5]), rejected: Int(words[6]))
        restore(
            model, shown: ContentMap(weights: shown, own: shownTags), counts: counts, pending: pending,
            isOlder: words[0] != Self.layout)
        return true
    }

    /// Tags' own vectors; `nil` where they are malformed.
    private static func tags(_ blobs: [String: some Collection<UInt8>], _ suffix: String) -> TagVectors? {
        guard let keys = blobs["\(prefix)keys\(suffix)"].map({ words(Array($0)) }),
            let bytes = blobs["\(prefix)weights.tags\(suffix)"].map({ Array($0) })
        else { return nil }
        let (size, perTag) = (MemoryLayout<Float>.stride, TagVectors.numbers)
        guard bytes.count == keys.count * perTag * size else { return nil }
        let numbers = bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / size).map { bytes.loadUnaligned(fromByteOffset: $0 * size, as: Float.self) }
        }
        guard numbers.allSatisfy(\.isFinite) else { return nil }
        return TagVectors(
            keys: keys.map { UInt64(bitPattern: $0) },
            numbers: keys.indices.map { Array(numbers[$0 * perTag..<($0 + 1) * perTag]) })
    }

    private static func bytes(of words: [Int64]) -> [UInt8] {
        words.map(\.littleEndian).withUnsafeBytes { Array($0) }
    }

    /// Lanes are eight float32 each, and nothing else.
    private static func bytes(of lanes: [TripletModel.Lane]) -> [UInt8] {
        lanes.withUnsafeBytes { Array($0) }
    }

    private static func words(_ bytes: [UInt8]) -> [Int64] {
        bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / 8).map {
                Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self))
            }
        }
    }

    /// `nil` where the length is another, or a number is not finite.
    private static func lanes(_ bytes: [UInt8]) -> [TripletModel.Lane]? {
        guard bytes.count == TripletModel.floatCount * MemoryLayout<Float>.stride else { return nil }
        let lanes = bytes.withUnsafeBytes { bytes in
            (0..<bytes.count / MemoryLayout<TripletModel.Lane>.stride).map {
                bytes.loadUnaligned(
                    fromByteOffset: $0 * MemoryLayout<TripletModel.Lane>.stride, as: TripletModel.Lane.self)
            }
        }
        return lanes.allSatisfy { lane in (0..<8).allSatisfy { lane[$0].isFinite } } ? lanes : nil
    }
}
