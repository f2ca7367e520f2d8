package import Events
internal import Factors
internal import Foundation

/// Records as a producer writes them, one after another in one buffer, each with the user's id as its key.
package struct RecordedEvents: Sendable {
    package private(set) var bytes: [UInt8] = []
    private var ends: [(payload: Int, key: Int)] = []

    package var count: Int { ends.count }

    /// Calls `body` with a record; both buffers hold for the call, and `EventDecoder.padding` readable bytes follow.
    package func withRecord<Result>(
        _ index: Int,
        _ body: (_ key: UnsafeRawBufferPointer, _ payload: UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        let start = index == 0 ? 0 : ends[index - 1].key
        let (payload, key) = ends[index]
        return try bytes.withUnsafeBytes { all in
            try body(
                UnsafeRawBufferPointer(rebasing: all[payload..<key]),
                UnsafeRawBufferPointer(rebasing: all[start..<payload]))
        }
    }

    private mutating func append(_ event: Event, _ options: EventOptions) {
        bytes += EventEncoder.encode(event, options: options)
        let payload = bytes.count
        bytes += event.key.string.utf8
        ends.append((payload, bytes.count))
    }

    private mutating func pad() { bytes += [UInt8](repeating: 0, count: EventDecoder.padding) }
}

extension RecordedEvents {
    /// A file's events in the order of their times.
    package init(file: String, options: EventOptions) throws {
        let source = try EventFile.open(file, format: nil, options: options)
        var events: [Event] = []
        while let line = try source.next() {
            if case .event(let event) = line { events.append(event) }
        }
        guard !events.isEmpty else { throw BenchmarkFailure("'\(file)' holds no events") }
        let order = events.indices.sorted { (events[$0].time ?? 0, $0) < (events[$1].time ?? 0, $1) }
        for index in order { append(events[index], options) }
        pad()
    }

    /// Ratings that nobody made: each user alike, an item the likelier the smaller its number is.
    package init(users: Int, items: Int, count: Int, options: EventOptions) throws {
        var random = KeyedRandom(seed: 1)
        for index in 0..<count {
            let (user, unit) = (random.next(below: users), random.nextUnit())
            let item = min(items - 1, Int(Double(items) * unit * unit * unit))
            let event = Event(
                .rating(
                    user: try EntityID("u\(user)"), item: try EntityID("i\(item)"),
                    value: Float(1 + random.next(below: 5))),
                time: 1_700_000_000_000 + Int64(index))
            append(event, options)
        }
        pad()
    }
}
