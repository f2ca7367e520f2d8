import Engine
import EngineSupport
import Events
import Locking
import LookUps
import TestSupport
import Testing

@Suite("Appending events")
struct AppendTests {
    private func append(_ texts: EventTexts, to live: LiveEngine) async -> [Result<Token, LookupError>] {
        await withCheckedContinuation { continuation in
            live.engine.append(texts) { continuation.resume(returning: $0) }
        }
    }

    private func texts(_ texts: [String]) -> EventTexts {
        var all = EventTexts()
        for text in texts { all.append(Array(text.utf8)) }
        return all
    }

    @Test("many in one go are durable in their order, and what is no event keeps none of the others out")
    func batch() async throws {
        let live = try LiveEngine()
        var given: [String] = []
        for number in 0..<700 {
            given.append(
                "{\"user\":\"u\(number % 40)\",\"item\":\"i\(number % 30)\",\"rating\":\(1 + number % 5)}")
            if number % 100 == 50 { given.append("{\"user\":\"\(number)\"}") }
        }
        let answers = await append(texts(given), to: live)
        #expect(answers.count == given.count)
        let offsets = answers.compactMap { try? $0.get().offset }
        #expect(offsets == (0..<700).map(Int64.init))
        let refused = zip(given, answers).filter { (try? $0.1.get()) == nil }.map(\.0)
        #expect(refused == given.filter { !$0.contains("rating") })
        try await live.wait(for: Token(partition: 0, offset: 699))
        #expect(live.status("events.ratings") == .integer(700))
        #expect(live.status("events.dead-letters") == .integer(0))
        try live.stop()
    }

    @Test("events given one by one and in batches come into the log in the order in which they were given")
    func order() async throws {
        let live = try LiveEngine()
        let offsets = Lock<[Int64]>([])
        for turn in 0..<200 {
            let one = Event(.rating(user: id("u\(turn)"), item: id("i"), value: 3))
            live.engine.append(one) { result in
                if let token = try? result.get() { offsets.withLock { $0.append(token.offset) } }
            }
            let two = texts((0..<3).map { "{\"user\":\"v\(turn)\",\"item\":\"j\($0)\",\"rating\":2}" })
            live.engine.append(two) { results in
                offsets.withLock { $0 += results.compactMap { try? $0.get().offset } }
            }
        }
        let last = try await live.append(Event(.rating(user: id("z"), item: id("i"), value: 3)))
        #expect(last.offset == 800)
        #expect(offsets.withLock { $0 } == (0..<800).map(Int64.init))
        try live.stop()
    }

    @Test("a closed log refuses each of a batch")
    func closed() async throws {
        let live = try LiveEngine()
        try live.stop()
        let answers = await append(texts(["{\"user\":\"u\",\"item\":\"i\",\"rating\":2}", "x"]), to: live)
        #expect(answers.map { (try? $0.get()) == nil } == [true, true])
    }

    // A record of freshet's own is appended as it came; the names of producers' fields do not matter to it.
    @Test("what freshet wrote itself is learned under any names of fields")
    func ownRecords() async throws {
        var options = smallOptions()
        options.events.fields.user = "who"
        let live = try LiveEngine(options)
        let own = EventEncoder.record(of: Event(.rating(user: id("u"), item: id("i"), value: 4), time: 5))
        var given = EventTexts()
        given.append(own)
        given.append(Array("{\"who\":\"w\",\"item\":\"i\",\"rating\":2}".utf8))
        let answers = await append(given, to: live)
        #expect(answers.compactMap { try? $0.get().offset } == [0, 1])
        try await live.wait(for: Token(partition: 0, offset: 1))
        #expect(live.status("events.ratings") == .integer(2))
        try live.stop()
    }
}
