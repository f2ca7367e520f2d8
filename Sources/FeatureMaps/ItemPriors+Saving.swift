internal import Factors

// To and from a state file.
extension ItemPriors {
    /// Puts maps back, once items' features are set. `names` have no repeats.
    ///
    /// - Parameter taken: how often each was taken.
    /// - Returns: false where they do not go together.
    package func restore(names: [String], maps restored: [FeatureMap?], taken: [Float]) -> Bool {
        guard restored.count == maps.count, taken.count == names.count,
            taken.allSatisfy({ $0.isFinite && $0 >= 0 }),
            restored.allSatisfy({ $0.map { $0.features == names.count && $0.isFinite } ?? true })
        else { return false }
        self.names = names
        maps = restored
        counts = FeatureCounts(taken: taken, kinds: names.map { FeatureKind(of: $0) })
        solutions += 1
        columns = Array(repeating: -1, count: words.count)
        // A feature that no item has just now is one all the same, for the next item that has it.
        for (column, name) in names.enumerated() { columns[Int(number(of: name))] = Int32(column) }
        chooseAll()
        return true
    }

    /// The same from before counts were kept: they are made anew.
    package func restore(names: [String], maps: [FeatureMap?], users: (Int) -> Int32) -> Bool {
        let none = [Float](repeating: 0, count: names.count)
        guard restore(names: names, maps: maps, taken: none) else { return false }
        count(lists.rowEnd, users: users)
        return true
    }

    /// A model's map as bytes: base, then weights, feature by feature; little-endian float32.
    package func bytes(ofModel model: Int) -> [UInt8]? {
        guard let map = maps[model] else { return nil }
        return Self.bytes(map.base + map.weights)
    }

    /// `counts` as bytes.
    package var bytesOfCounts: [UInt8] { Self.bytes(counts.taken) }

    /// The inverse; `nil` where the bytes are no counts.
    package static func taken(_ bytes: [UInt8]) -> [Float]? { bytes.count % 4 == 0 ? numbers(bytes) : nil }

    private static func bytes(_ numbers: [Float]) -> [UInt8] {
        numbers.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    }

    private static func numbers(_ bytes: [UInt8]) -> [Float] {
        bytes.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4).map {
                Float(
                    bitPattern: UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self))
                )
            }
        }
    }

    /// The inverse; `nil` where the bytes are no map of such rows.
    package static func map(_ bytes: [UInt8], width: Int) -> FeatureMap? {
        guard bytes.count % (4 * width) == 0, !bytes.isEmpty else { return nil }
        let numbers = numbers(bytes)
        let map = FeatureMap(
            width: width, weights: Array(numbers[width...]), base: Array(numbers[..<width]))
        return map.isFinite ? map : nil
    }
}
