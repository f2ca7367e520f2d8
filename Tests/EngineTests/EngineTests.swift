import Checkpoints
import EmbeddedEventLog
import EngineSupport
import EventLog
import Events
import Factors
import Foundation
import GRDB
import Locking
import Logging
import LookUps
import Retrieval
import State
import StreamLearning
import Synchronization
import TestSupport
import Testing

@testable import Engine

@Suite("The live engine")
struct EngineTests {
    @Test("a rating is in the user's next recommendation, for a new user and a new item too")
    func readYourWrites() async throws {
        let live = try LiveEngine()
        try await live.feed(events(600))
        let user = id("brand-new")
        #expect(throws: LookupError.self) {
            try live.engine.recommend(RecommendQuery(user: user, fallback: .none))
        }
        let popular = try live.engine.recommend(RecommendQuery(user: user))
        #expect(!popular.isEmpty)

        let token = try await live.append(Event(.rating(user: user, item: id("new-item"), value: 5)))
        try await live.wait(for: token)
        let first = try live.engine.recommend(RecommendQuery(user: user, count: 1_000, fallback: .none))
        #expect(!first.contains { $0.id == id("new-item") })
        #expect(
            try live.engine.recommend(RecommendQuery(user: user, count: 1_000, includeSeen: true)).contains {
                $0.id == id("new-item")
            })
        #expect(
            try live.engine.recommend(RecommendQuery(user: id("u1"), count: 1_000)).contains {
                $0.id == id("new-item")
            })

        let next = try await live.append(Event(.rating(user: user, item: first[0].id, value: 5)))
        try await live.wait(for: next)
        let second = try live.engine.recommend(RecommendQuery(user: user, count: 1_000, fallback: .none))
        #expect(!second.contains { $0.id == first[0].id })
        #expect(second.map(\.score) != Array(first.dropFirst()).map(\.score))
        try live.stop()
    }

    // It once stayed at what it was when the first batch of the burst came, until the next event.
    @Test("memory in STATUS is measured after a burst has ended too", .timeLimit(.minutes(1)))
    func memoryAfterABurst() async throws {
        let live = try LiveEngine()
        try await live.feed(events(600))
        while true {
            if case .integer(let bytes)? = live.status("memory.users-bytes"), bytes > 0 { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        try live.stop()
    }

    @Test("memory in STATUS adds up: its parts to its sum, and with the rest to what is resident")
    func memoryAddsUp() async throws {
        let live = try LiveEngine()
        try await live.feed(events(2_000))
        try await live.checkpoint()
        let fields = live.engine.status().filter { $0.name.hasPrefix("memory.") }
        let numbers = Dictionary(uniqueKeysWithValues: fields.map { ($0.name, $0.value) })
        func number(_ name: String) -> Int64 {
            if case .integer(let value)? = numbers["memory.\(name)-bytes"] { value } else { 0 }
        }
        let totals = ["sum", "other", "resident"]
        let parts = numbers.keys.filter { name in !totals.contains { name == "memory.\($0)-bytes" } }
        #expect(parts.count >= 11)
        #expect(parts.reduce(0) { $0 + number(String($1.dropFirst(7).dropLast(6))) } == number("sum"))
        #expect(number("sum") + number("other") == number("resident"))
        #expect(number("sqlite") > 0)
        try live.stop()
    }

    @Test("a restart goes on from the state, and learns no event twice")
    func restart() async throws {
        var options = smallOptions()
        options.state.deterministic = true
        let all = events(1_200, seed: 12)
        let undisturbed = learned(batches(all, sizes: [1_200]), options)
        let folder = Folder()
        for part in 0..<3 {
            let live = try LiveEngine(options, in: folder)
            for event in all[part * 400..<part * 400 + 400] { _ = try await live.append(event) }
            try await live.wait(for: Token(partition: 0, offset: Int64(part * 400 + 399)))
            try live.stop()
        }
        let live = try LiveEngine(options, in: folder)
        #expect(try live.engine.digest().digest == undisturbed.digest())
        #expect(live.status("events.applied") == .integer(1_200))
        try live.stop()
    }

    // New and restored items were marked as unpublished from the start, so that no later change of theirs was noticed.
    @Test("look-ups see each item as it is in the tables, however often it changed and after a restart too")
    func publishedIsLearned() async throws {
        let folder = Folder()
        for part in 0..<2 {
            let live = try LiveEngine(in: folder)
            let all = events(1_200, seed: UInt64(20 + part))
            for start in stride(from: 0, to: all.count, by: 100) {
                try await live.feed(Array(all[start..<start + 100]))
            }
            try await live.feed([Event(.forget(user: id("u1")))])
            for (model, published) in zip(live.engine.state.models, live.engine.published.models) {
                let stale = live.engine.onQueue { _ in
                    published.index.read { index in
                        (0..<model.items.count).filter {
                            index.vector($0) != model.items.row($0).vector
                                || index.biases[$0] != model.items.bias($0)
                                || index.popularity[$0] != model.decay.published(model.counts[$0])
                        }
                    }
                }
                #expect(
                    stale.isEmpty, "\(stale.count) of \(model.items.count) items of \(model.options.name)")
            }
            try live.stop()
        }
    }

    @Test("tags, exclusions and availability filter what is recommended")
    func filters() async throws {
        let live = try LiveEngine()
        try await live.feed(events(600))
        try await live.feed([
            Event(.item(ItemDescription(item: id("i0"), title: "Zero", tags: ["red", "round"]))),
            Event(.item(ItemDescription(item: id("i2"), tags: ["red"]))),
            Event(.item(ItemDescription(item: id("i4"), tags: ["red"], available: false))),
        ])
        let user = id("somebody-else")
        func answer(_ tags: [String], exclude: [EntityID] = []) throws -> Set<EntityID> {
            Set(
                try live.engine.recommend(
                    RecommendQuery(user: user, count: 100, tags: tags, exclude: exclude)
                ).map(\.id))
        }
        _ = try await live.append(Event(.rating(user: user, item: id("i50"), value: 5)))
        try await live.feed([Event(.rating(user: user, item: id("i51"), value: 1))])
        #expect(try answer(["red"]) == [id("i0"), id("i2")])
        #expect(try answer(["red", "round"]) == [id("i0")])
        #expect(try answer(["red"], exclude: [id("i0"), id("nobody-knows-it")]) == [id("i2")])
        #expect(try answer(["no such tag"]).isEmpty)
        #expect(try live.engine.item(id("i0")).title == "Zero")
        try live.stop()
    }

    @Test("predictions agree with recommendations, on the scale of the ratings")
    func predictions() async throws {
        let live = try LiveEngine()
        try await live.feed(events(2_000))
        let best = try live.engine.recommend(RecommendQuery(user: id("u2"), count: 5, model: "stars"))
        let predicted = try live.engine.predict(user: id("u2"), items: best.map(\.id), model: "stars")
        for (item, value) in zip(best, predicted) { #expect(abs(item.score - value) < 1e-4) }
        #expect(predicted.allSatisfy { (1...6).contains($0) })
        let unknown = #expect(throws: LookupError.self) {
            try live.engine.predict(user: id("u2"), items: [id("?")], model: nil)
        }
        #expect(unknown?.code == .noItem)
        let model = #expect(throws: LookupError.self) {
            try live.engine.predict(user: id("u2"), items: [], model: "?")
        }
        #expect(model?.code == .noModel)
        #expect(try live.engine.similar(SimilarQuery(item: best[0].id, count: 3)).count == 3)
        try live.stop()
    }

    @Test("a malformed event is refused before it reaches the log, and one in the log is put aside")
    func malformed() async throws {
        let live = try LiveEngine()
        for value in [Float.nan, .infinity, 1e30, -5] {
            await #expect(throws: LookupError.self) {
                try await live.append(Event(.rating(user: id("u"), item: id("i"), value: value)))
            }
        }
        await #expect(throws: LookupError.self) {
            try await live.append(Event(.signal(user: id("u"), item: id("i"), name: "unheard-of")))
        }
        let token = try await withCheckedThrowingContinuation { continuation in
            live.log.append(key: id("u"), payload: Array("{\"user\":\"u\",".utf8), time: 0) {
                continuation.resume(with: $0)
            }
        }
        #expect(token == Token(partition: 0, offset: 0))
        try await live.wait(for: token)
        #expect(live.status("events.dead-letters") == .integer(1))
        #expect(live.status("events.applied") == .integer(0))
        #expect(live.status("position.0") == .integer(1))
        try live.stop()
    }

    @Test("waiting for an event that does not come ends in STALE")
    func stale() async throws {
        let live = try LiveEngine()
        await #expect(throws: LookupError.self) {
            try await live.wait(for: Token(partition: 0, offset: 99), timeout: .milliseconds(20))
        }
        try live.stop()
    }

    @Test("a wait that ends early leaves nothing behind until its time-out")
    func waitsLeaveNothing() async throws {
        weak var kept: Waiters?
        do {
            let waiters = Waiters()
            kept = waiters
            waiters.wait(for: Token(partition: 0, offset: 0), timeout: .seconds(600)) { _ in }
            waiters.advance(to: [0: 1])
        }
        for _ in 0..<5_000 where kept != nil { try await Task.sleep(for: .milliseconds(1)) }
        #expect(kept == nil)
    }

    @Test("records that the log no longer has are skipped once: the skip is durable and seen by look-ups")
    func skipIsDurable() async throws {
        let live = try LiveEngine()
        try await live.feed(events(100))
        try await live.checkpoint()
        live.engine.skipped(partition: 0, from: 100, to: 150)
        try await live.wait(for: Token(partition: 0, offset: 149))
        #expect(live.status("events.skipped") == .integer(50))
        #expect(live.status("position.0") == .integer(150))
        try await live.checkpoint()
        #expect(try StateFile.verify(path: live.folder.state).positions == [0: 150])
        try live.stop()
    }

    @Test("a start at the log's end is durable before the first event comes")
    func startIsDurable() async throws {
        let folder = Folder()
        let filled = try EmbeddedLog(
            path: folder.path + "/log.sqlite",
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        for event in events(20) {
            await withCheckedContinuation { continuation in
                filled.append(
                    key: event.key, payload: EventEncoder.encode(event, options: EventOptions()), time: 0
                ) { _ in continuation.resume() }
            }
        }
        filled.close()
        var options = smallOptions()
        options.ingest.consumer.start = .latest
        let live = try LiveEngine(options, in: folder)
        for _ in 0..<10_000 where try StateFile.verify(path: folder.state).positions.isEmpty {
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(try StateFile.verify(path: folder.state).positions == [0: 20])
        try live.stop()
    }

    @Test(
        "the events in memory stay bounded, in number and in bytes, while the log is far ahead",
        arguments: [(256, 1 << 28), (1 << 20, 20_000)])
    func backPressure(eventsMax: Int, bytesMax: Int) async throws {
        let folder = Folder()
        let filled = try EmbeddedLog(
            path: folder.path + "/log.sqlite",
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let all = events(6_000)
        await withTaskGroup(of: Void.self) { group in
            for event in all {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        filled.append(
                            key: event.key, payload: EventEncoder.encode(event, options: EventOptions()),
                            time: 0
                        ) { _ in
                            continuation.resume()
                        }
                    }
                }
            }
        }
        filled.close()
        var options = smallOptions(shards: 2)
        options.ingest.queueEventsMax = eventsMax
        options.ingest.queueBytesMax = bytesMax
        options.ingest.batchEventsMax = 64
        let live = try LiveEngine(options, in: folder)
        var (most, mostBytes) = (0, 0)
        while live.status("events.applied") != .integer(6_000) {
            most = max(most, live.engine.backlog.events)
            mostBytes = max(mostBytes, live.engine.backlog.bytes)
            try await Task.sleep(for: .milliseconds(1))
        }
        // One batch of 64 records, of less than 100 bytes each, may come on top.
        #expect(most <= eventsMax + 64 && mostBytes <= bytesMax + 6_400)
        #expect(try StateFile.verify(path: folder.state).problems == [])
        try live.stop()
    }

    @Test("dead letters that cannot be stored stay bounded in memory, and hold the log back until they can")
    func deadLettersBounded() async throws {
        let folder = Folder()
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let filled = try EmbeddedLog(path: folder.path + "/log.sqlite", logger: logger)
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<2_000 {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        filled.append(key: id("u"), payload: Array("{broken \(number)".utf8), time: 0) { _ in
                            continuation.resume()
                        }
                    }
                }
            }
        }
        filled.close()
        let outside = try DatabaseQueue(path: folder.path + "/log.sqlite")
        try await outside.write {
            try $0.execute(
                sql:
                    "CREATE TRIGGER full BEFORE INSERT ON dead_letters BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
        }
        var options = smallOptions()
        options.ingest.batchEventsMax = 100
        options.ingest.deadLettersHeldMax = 500
        options.checkpoints.interval = .milliseconds(50)
        let live = try LiveEngine(options, in: folder)
        while live.log.deadLettersHeld < 500 { try await Task.sleep(for: .milliseconds(5)) }
        try await Task.sleep(for: .milliseconds(200))
        #expect(live.log.deadLettersHeld <= 600)
        #expect(live.status("position.0") != .integer(2_000))
        try await outside.write { try $0.execute(sql: "DROP TRIGGER full") }
        while live.status("position.0") != .integer(2_000) { try await Task.sleep(for: .milliseconds(5)) }
        try live.stop()
        let stored = try await outside.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM dead_letters") }
        #expect(stored == 2_000)
    }

    @Test("look-ups from many threads while events are learned answer whole and finite")
    func lookupsWhileLearning() async throws {
        let live = try LiveEngine(smallOptions(shards: 3))
        try await live.feed(events(300))
        let all = events(3_000, seed: 9)
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await live.feed(all) }
            for reader in 0..<3 {
                group.addTask {
                    for turn in 0..<300 {
                        let user = id("u\((turn * 7 + reader) % 60)")
                        let answer = try live.engine.recommend(RecommendQuery(user: user, count: 20))
                        #expect(answer.allSatisfy { $0.score.isFinite })
                        #expect(Set(answer.map(\.id)).count == answer.count)
                        _ = try live.engine.similar(SimilarQuery(item: answer[0].id))
                        _ = live.engine.status()
                        _ = try? live.engine.user(user, historyMax: 10)
                        _ = try live.engine.item(answer[0].id)
                    }
                }
            }
        }
        try live.stop()
        #expect(try StateFile.verify(path: live.folder.state).problems == [])
    }

    // It and what reads the log held each other: two threads and all of the state stayed, of each that was ever stopped.
    @Test("an engine that has stopped leaves memory")
    func leavesMemory() async throws {
        weak var engine: Engine?
        do {
            let live = try LiveEngine()
            try await live.feed(events(300))
            engine = live.engine
            try live.stop()
        }
        // What is on its queues still holds it for a moment.
        for _ in 0..<500 where engine != nil { try await Task.sleep(for: .milliseconds(20)) }
        #expect(engine == nil)
    }
}
