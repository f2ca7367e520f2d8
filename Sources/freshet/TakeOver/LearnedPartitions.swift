import Engine

/// The partitions that a daemon learns, as it tells them to the one that takes over: `0 2 3`. A daemon of an earlier version
/// tells none.
struct LearnedPartitions: Equatable {
    let partitions: Set<Int32>

    /// - Parameter status: of the engine, which has a lag of each.
    init(_ status: [StatusField]) {
        partitions = Set(
            status.compactMap { field in
                field.name.hasPrefix("lag.") ? Int32(field.name.dropFirst("lag.".count)) : nil
            })
    }

    init(_ payload: [UInt8]) {
        partitions = Set(
            String(decoding: payload, as: UTF8.self).split(separator: " ").compactMap { Int32($0) })
    }

    var payload: [UInt8] { Array(partitions.sorted().map(String.init).joined(separator: " ").utf8) }
}
