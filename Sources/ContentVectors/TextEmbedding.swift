// ContentVectors: items as vectors of what is said of them.
//
// Here live the embedding of words, who carries which tag, the choice of triplets, the linear map learned from them
// (Weinberger, Saul 2009; Schroff, Kalenichenko, Philbin 2015), and the vectors that come of it. Tags by item row come in,
// vectors by item row and the map for words go out. What never comes in: events, ids, users, files, and who asks.

internal import Factors

/// Words as vectors of `dimensions` numbers, without a dictionary: hashed character 3–5-grams (Weinberger et al. 2009;
/// Bojanowski et al. 2017), each word, and the whole tag. A word never seen lies near those that share letters with it.
package struct TextEmbedding: Sendable, Equatable {
    package static let dimensions = 768
    /// Of a tag, from its beginning; what is longer says no more.
    private static let charactersMax = 128
    private static let gramLengths = 3...5

    private let seed: UInt64

    package init(seed: UInt64) { self.seed = seed }

    /// As tags are compared: in lower case, without blanks around; `nil` where nothing is left.
    package static func normalised(_ tag: String) -> String? {
        let text = tag.lowercased()
        guard let first = text.firstIndex(where: { !$0.isWhitespace }),
            let last = text.lastIndex(where: { !$0.isWhitespace })
        else { return nil }
        return String(text[first...last])
    }

    /// The vector of a normalised tag, of length 1.
    package func embed(_ tag: String) -> SparseVector {
        let characters = tag.unicodeScalars.prefix(Self.charactersMax).map(\.value)
        // Marked at both ends, so that beginnings and ends of words are grams of their own.
        let marked = [2] + characters + [3]
        var sum = [Int32](repeating: 0, count: Self.dimensions)
        var grams = 0
        for length in Self.gramLengths where length <= marked.count {
            for start in 0...marked.count - length {
                add(marked[start..<start + length], kind: 1, weight: 1, to: &sum)
                grams += 1
            }
        }
        // The whole counts a quarter of what all grams do together, its words as much as half of them.
        let share = Float(max(1, grams)).squareRoot() / 2
        add(characters[...], kind: 2, weight: max(1, Int32(share.rounded())), to: &sum)
        let words = characters.split { Self.isBlank($0) }
        let perWord = (Float(max(1, grams)) / Float(2 * max(1, words.count))).squareRoot()
        for word in words { add(word, kind: 3, weight: max(1, Int32(perWord.rounded())), to: &sum) }
        return SparseVector(unit: sum)
    }

    private func add(_ gram: ArraySlice<UInt32>, kind: UInt64, weight: Int32, to sum: inout [Int32]) {
        var hash = KeyedRandom.mix(seed &+ kind &* 0x9E37_79B9_7F4A_7C15)
        for character in gram { hash = KeyedRandom.mix(hash ^ UInt64(character)) }
        let place = Int(truncatingIfNeeded: hash.multipliedFullWidth(by: UInt64(Self.dimensions)).high)
        // Signs make what falls on the same place cancel on average.
        sum[place] += hash & 1 == 0 ? weight : -weight
    }

    private static func isBlank(_ scalar: UInt32) -> Bool {
        Unicode.Scalar(scalar)?.properties.isWhitespace ?? false
    }
}

/// A vector most of whose numbers are 0: small whole numbers, two bytes each with their place, times one scale.
package struct SparseVector: Sendable, Equatable {
    private static let valueMax: Int32 = 31

    /// Place × 64 + value + 32.
    private let entries: [UInt16]
    private let scale: Float

    /// Values beyond ±31 are cut.
    init(unit sum: [Int32]) {
        var (entries, squares) = ([UInt16](), Int32(0))
        for (place, value) in sum.enumerated() where value != 0 {
            let value = max(-Self.valueMax, min(Self.valueMax, value))
            entries.append(UInt16(place << 6 | Int(value + 32)))
            squares += value * value
        }
        self.entries = entries
        scale = squares > 0 ? 1 / Float(squares).squareRoot() : 0
    }

    package var isZero: Bool { entries.isEmpty }

    var bytes: Int { entries.count * MemoryLayout<UInt16>.stride }

    /// Calls `body` with each place that is not 0 and its number.
    @inline(__always)
    func forEach(_ body: (Int, Float) -> Void) {
        for entry in entries { body(Int(entry >> 6), Float(Int(entry & 63) - 32) * scale) }
    }

    /// vector ← vector + weight × self.
    @inline(__always)
    func add(to vector: inout [Float], weight: Float) {
        let factor = weight * scale
        for entry in entries { vector[Int(entry >> 6)] += factor * Float(Int(entry & 63) - 32) }
    }

    /// All numbers.
    package var dense: [Float] {
        var vector = [Float](repeating: 0, count: TextEmbedding.dimensions)
        add(to: &vector, weight: 1)
        return vector
    }
}
