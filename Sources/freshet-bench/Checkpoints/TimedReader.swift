internal import Checkpoints

/// Takes a state in by another reader, and knows how long each part of it took.
///
/// Each stage is counted by the one thread that calls it (see `StateReader`), and read when both have ended.
final class TimedReader: StateReader {
    private let reader: any StateReader
    private let clock = ContinuousClock()
    private(set) var rows = Duration.zero
    private(set) var scalars = Duration.zero
    private(set) var users = Duration.zero
    private(set) var items = Duration.zero
    private(set) var userFactors = Duration.zero
    private(set) var itemFactors = Duration.zero
    private(set) var ending = Duration.zero

    init(_ reader: any StateReader) { self.reader = reader }

    private func time(_ total: inout Duration, _ body: () throws(StateError) -> Void) throws(StateError) {
        let start = clock.now
        try body()
        total += start.duration(to: clock.now)
    }

    func expect(userRows: Int, itemRows: Int) throws(StateError) {
        try time(&rows) { () throws(StateError) in
            try reader.expect(userRows: userRows, itemRows: itemRows)
        }
    }

    func read(position: Int64, partition: Int32) { reader.read(position: position, partition: partition) }

    func read(scalar: Scalar, name: String) {
        let start = clock.now
        reader.read(scalar: scalar, name: name)
        scalars += start.duration(to: clock.now)
    }

    func read(scalar: Scalar, name: String, model: String) {
        let start = clock.now
        reader.read(scalar: scalar, name: name, model: model)
        scalars += start.duration(to: clock.now)
    }

    func read(user: ReadUser) throws(StateError) {
        try time(&users) { () throws(StateError) in try reader.read(user: user) }
    }

    func read(item: StoredItem) throws(StateError) {
        try time(&items) { () throws(StateError) in try reader.read(item: item) }
    }

    func read(userRow: ReadRow) throws(StateError) {
        try time(&userFactors) { () throws(StateError) in try reader.read(userRow: userRow) }
    }

    func read(itemRow: ReadRow, popularity: StoredPopularity) throws(StateError) {
        try time(&itemFactors) { () throws(StateError) in
            try reader.read(itemRow: itemRow, popularity: popularity)
        }
    }

    func finish() throws(StateError) {
        try time(&ending) { () throws(StateError) in try reader.finish() }
    }

    /// By name, in the order in which they begin.
    var stages: [(name: String, time: Duration)] {
        [
            ("making room", rows), ("scalars", scalars), ("users", users), ("items", items),
            ("user_factors", userFactors), ("item_factors", itemFactors), ("checking the whole", ending),
        ]
    }
}
