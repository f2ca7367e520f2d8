/// Bytes of histories and of what else users own on the heap, as far as they are known.
///
/// To look at all users would hold up learning where they are many. So each measure looks at one part of them, in turn, and at
/// some users of each other part, always the same: by as much as these have grown since the part was measured, all of it has.
/// Where nothing changes the sum is exact, and while a backlog is learned it does not lag behind by the time of a whole turn.
struct HeapMeasure {
    private struct Part {
        var bytes: Int
        /// Of each so many users the first one was looked at apart, and these came to so much.
        var stride: Int
        var sampled: Int
    }

    /// Users looked at in each part that is not measured, about, and in all parts together.
    private static let sampledPerPart = 256
    private static let sampledMax = 16_384

    private var parts: [Part] = []
    private var next = 0

    /// - Parameters:
    ///   - users: as many as there are places.
    ///   - usersPerPart: the same at each call.
    ///   - bytes: of the user at a place.
    mutating func measure(users: Int, usersPerPart: Int, bytes: (Int) -> Int) -> Int {
        let count = (users + usersPerPart - 1) / usersPerPart
        let isFirst = parts.isEmpty
        if next >= count { next = 0 }
        parts.removeLast(max(0, parts.count - count))
        let stride = max(1, usersPerPart / Self.sampledPerPart, users / Self.sampledMax)
        var sum = 0
        for number in 0..<count {
            let places = number * usersPerPart..<min((number + 1) * usersPerPart, users)
            if isFirst || number == next {
                let part = Part(
                    bytes: places.reduce(0) { $0 + bytes($1) }, stride: stride,
                    sampled: Self.sample(places, by: stride, bytes))
                if number < parts.count { parts[number] = part } else { parts.append(part) }
                sum += part.bytes
            } else if number < parts.count {
                let part = parts[number]
                let grown = Self.sample(places, by: part.stride, bytes) - part.sampled
                sum += max(0, part.bytes + grown * part.stride)
            } else {
                sum += Self.sample(places, by: stride, bytes) * stride
            }
        }
        next += 1
        return sum
    }

    private static func sample(_ places: Range<Int>, by step: Int, _ bytes: (Int) -> Int) -> Int {
        stride(from: places.lowerBound, to: places.upperBound, by: step).reduce(0) { $0 + bytes($1) }
    }
}
