import Events
import Foundation
import TestSupport

/// Streams of events to feed, always the same.
enum Streams {
    /// The real data sets, where they are (`../shared/data`, or the folder named by `FRESHET_TEST_DATA`).
    private static var dataFolder: URL {
        if let path = ProcessInfo.processInfo.environment["FRESHET_TEST_DATA"] { return URL(filePath: path) }
        return URL(filePath: #filePath).appending(path: "../../../../../shared/data").standardizedFileURL
    }

    /// The ratings of ml-latest-small in the order of time; `nil`, said on standard output, where they are absent.
    static func movieLens() throws -> [TestRecord]? {
        let path = dataFolder.appending(path: "ml-latest-small/ratings.csv").path
        guard FileManager.default.fileExists(atPath: path) else {
            print("skipped: no data at \(path)")
            return nil
        }
        let options = EventOptions()
        let file = try EventFile.open(path, options: options)
        var events: [Event] = []
        while let entry = try file.next() {
            if case .event(let event) = entry { events.append(event) }
        }
        // Stable: the line decides between equal times.
        let order = events.indices.sorted {
            (events[$0].time ?? 0, $0) < (events[$1].time ?? 0, $1)
        }
        return order.map {
            TestRecord(
                events[$0].key.string,
                String(decoding: EventEncoder.encode(events[$0], options: options), as: UTF8.self))
        }
    }

    /// What `freshet simulate` writes: descriptions of items, then ratings and signals.
    static func invented(events: Int, users: Int = 300, items: Int = 200, seed: Int = 1) throws
        -> [TestRecord]
    {
        let folder = try TestFolder()
        let (ending, output, errors) = try FreshetBinary.run(
            [
                "simulate", "--events", "\(events)", "--users", "\(users)", "--items", "\(items)", "--seed",
                "\(seed)",
            ], in: folder)
        guard ending == .exit(0) else { throw TestFailure("simulate: \(ending), \(errors)") }
        let decoder = EventDecoder(options: EventOptions())
        return try output.split(separator: "\n").map { line in
            TestRecord(try decoder.decode(Array(line.utf8)).key.string, String(line))
        }
    }

    /// Ratings of a thousand users, of whom each fifty like the same 30 of 600 items: what any model learns that has a taste
    /// for users, and popularity does not.
    static func groups(events: Int) -> [TestRecord] {
        var draws = Draws(seed: 11)
        return (0..<events).map { _ in
            let user = Int.random(in: 0..<1_000, using: &draws)
            let own = Int.random(in: 0..<10, using: &draws) > 0
            let item =
                own
                ? user % 20 + 20 * Int.random(in: 0..<30, using: &draws)
                : Int.random(in: 0..<600, using: &draws)
            return TestRecord.rating("u\(user)", "i\(item)", own ? 5 : 2)
        }
    }

    /// Ratings of `users` by `items` in a fixed pattern, each pair once.
    static func ratings(users: Int, items: Int) -> [TestRecord] {
        (0..<users).flatMap { user in
            (0..<items).map { item -> TestRecord in
                let step = (user * 7 + item * 3) % 9
                return TestRecord.rating("u\(user)", "i\(item)", 1 + Double(step) / 2)
            }
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same draws on every machine.
struct Draws: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
