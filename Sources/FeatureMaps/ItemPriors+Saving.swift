internal import Factors

// To and from a state file.
extension ItemPriors {
    /// Puts maps back, once items' features are set. `names` have no repeats.
    ///
    /// - Parameter taken: how often each was taken.
    /// - Returns: false where they do not go together.
    package func restore(names: [String], maps restored: [FeatureMap?], taken: [Float]) -> Bool {
        guard restored.count == maps.count, Self.fit(names, restored, taken) else { return false }
        self.names = names
        maps = restored
        counts = FeatureCounts(taken: taken, kinds: names.map { FeatureKind(of: $0) })
        solutions += 1
        columns = self.columns(of: names)
        chooseAll()
        return true
    }

    private static func fit(_ names: [String], _ maps: [FeatureMap?], _ taken: [Float]) -> Bool {
        taken.count == names.count && taken.allSatisfy { $0.isFinite && $0 >= 0 }
            && maps.allSatisfy { $0.map { $0.features == names.count && $0.isFinite } ?? true }
            && Set(names).count == names.count
    }

    /// By number in the vocabulary. A feature that no item has just now is one all the same, for the next item that has it.
    private func columns(of names: [String]) -> [Int32] {
        let numbers = names.map { number(of: $0) }
        var columns = [Int32](repeating: -1, count: words.count)
        for (column, number) in numbers.enumerated() { columns[Int(number)] = Int32(column) }
        return columns
    }

    /// The same from before counts were kept: they are made anew.
    package func restore(names: [String], maps: [FeatureMap?], users: (Int) -> Int32) -> Bool {
        let none = [Float](repeating: 0, count: names.count)
        guard restore(names: names, maps: maps, taken: none) else { return false }
        counts = Self.counts(of: names) { add in
            for item in 0..<lists.rowEnd where users(item) > 0 {
                features.with(row: item) { add(users(item), $0) }
            }
        }
        return true
    }

    // MARK: - Maps on their way to the rows

    /// Maps that rows do not all stand on yet, as they are stored.
    package struct StoredPending: Sendable {
        /// Ordinal of the event after which the first rows move, events between portions, rows there were then (−1 before
        /// then), rows that have moved: int64 each, little-endian.
        package var schedule: [UInt8]
        package var names: [String]
        /// As `bytesOfCounts`.
        package var taken: [Float]
        /// By model.
        package var maps: [FeatureMap?]

        package init(schedule: [UInt8], names: [String], taken: [Float], maps: [FeatureMap?]) {
            (self.schedule, self.names, self.taken, self.maps) = (schedule, names, taken, maps)
        }
    }

    /// Waits for the solution; `nil` where nothing is pending.
    package var storedPending: StoredPending? {
        guard let pending else { return nil }
        let numbers = [
            pending.schedule.start, pending.schedule.stride, Int64(pending.end ?? -1), Int64(pending.moved),
        ]
        let solution = pending.awaited.solution
        return StoredPending(
            schedule: numbers.flatMap { value in withUnsafeBytes(of: value.littleEndian) { Array($0) } },
            names: pending.names, taken: solution.counts.taken, maps: solution.maps)
    }

    /// Puts maps back that were on their way to the rows, behind those that the others stand on.
    ///
    /// - Parameter items: rows there are.
    /// - Returns: false where they are malformed.
    package func restore(pending stored: StoredPending, items: Int) -> Bool {
        guard stored.maps.count == maps.count, Self.fit(stored.names, stored.maps, stored.taken),
            stored.schedule.count == 32
        else { return false }
        let numbers = stored.schedule.withUnsafeBytes { bytes in
            (0..<4).map { Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
        }
        let (end, moved) = (numbers[2], numbers[3])
        guard let schedule = PriorSchedule(start: numbers[0], stride: numbers[1]),
            end == -1 ? moved == 0 : (0..<max(0, end)).contains(moved) && end <= items
        else { return false }
        let solution = PriorSolution(
            counts: FeatureCounts(taken: stored.taken, kinds: stored.names.map { FeatureKind(of: $0) }),
            maps: stored.maps)
        let columns = self.columns(of: stored.names)
        pending = PendingPriors(
            schedule, names: stored.names, columns: columns, areSameFeatures: stored.names == names,
            awaited: AwaitedSolution(solution), portionMin: options.portionMin)
        if end >= 0 { pending?.restore(end: Int(end), moved: Int(moved), from: maps, lists: lists) }
        return true
    }

    // MARK: - Bytes

    /// A model's map as bytes: base, then weights, feature by feature; little-endian float32.
    package func bytes(ofModel model: Int) -> [UInt8]? {
        maps[model].map(Self.bytes(of:))
    }

    package static func bytes(of map: FeatureMap) -> [UInt8] { bytes(map.base + map.weights) }

    /// `counts` as bytes.
    package var bytesOfCounts: [UInt8] { Self.bytes(counts.taken) }

    /// The inverse; `nil` where the bytes are no counts.
    package static func taken(_ bytes: [UInt8]) -> [Float]? { bytes.count % 4 == 0 ? numbers(bytes) : nil }

    package static func bytes(_ numbers: [Float]) -> [UInt8] {
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
