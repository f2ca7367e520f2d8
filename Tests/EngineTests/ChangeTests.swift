import EngineSupport
import Events
import Histories
import Locking
import LookUps
import State
import StreamLearning
import Testing

@testable import Engine

@Suite("options that change while the engine runs")
struct ChangeTests {
    private func ratings(users: Range<Int>, items: Int = 4) throws -> [Event] {
        try users.flatMap { user in
            try (0..<items).map { item in
                Event(.rating(user: try EntityID("u\(user)"), item: try EntityID("i\(item)"), value: 4))
            }
        }
    }

    private func count(_ live: LiveEngine, _ name: String) -> Int64 {
        guard case .integer(let count)? = live.status(name) else { return -1 }
        return count
    }

    @Test("a bound on users below what is there erases those heard of least recently with the next new user")
    func usersMax() async throws {
        var options = smallOptions()
        let live = try LiveEngine(options)
        try await live.feed(ratings(users: 0..<40))
        try await live.feed(ratings(users: 40..<60))
        options.learning.usersMax = 20
        live.engine.change(to: options)
        #expect(count(live, "users.count") == 60)
        try await live.feed(ratings(users: 60..<61))
        #expect(count(live, "users.count") <= 20)
        #expect(throws: LookupError.self) { _ = try live.engine.user(EntityID("u0"), historyMax: 1) }
        _ = try live.engine.user(EntityID("u60"), historyMax: 1)
        try live.stop()
    }

    @Test("a bound on histories below what is there holds for a user with the user's next event")
    func historyMax() async throws {
        var options = smallOptions()
        let live = try LiveEngine(options)
        try await live.feed(ratings(users: 0..<2, items: 30))
        options.learning.historyMax = 5
        live.engine.change(to: options)
        try await live.feed([
            Event(.rating(user: try EntityID("u0"), item: try EntityID("new"), value: 4))
        ])
        #expect(try live.engine.user(EntityID("u0"), historyMax: 100).history.count == 5)
        #expect(try live.engine.user(EntityID("u1"), historyMax: 100).history.count == 30)
        try live.stop()
    }

    @Test(
        "a second delivery is known by the window of events as it was changed, larger or smaller, and after a restart"
    )
    func duplicatesWindow() async throws {
        var options = smallOptions()
        options.state.duplicatesWindow = 10
        let live = try LiveEngine(options)
        func send(_ numbers: [Int]) async throws -> Int64 {
            let before = count(live, "events.duplicates")
            try await live.feedInOrder(
                numbers.map { number in
                    Event(
                        .rating(user: try EntityID("u\(number)"), item: try EntityID("i"), value: 3),
                        id: "e\(number)")
                })
            return count(live, "events.duplicates") - before
        }
        #expect(try await send(Array(0..<20)) == 0)
        #expect(try await send([15, 3]) == 1, "3 is no longer known")
        options.state.duplicatesWindow = 100
        live.engine.change(to: options)
        #expect(try await send(Array(20..<60) + [15, 19, 25]) == 3)
        options.state.duplicatesWindow = 2
        live.engine.change(to: options)
        #expect(try await send([59, 58, 40]) == 2)
        options.state.duplicatesWindow = 0
        live.engine.change(to: options)
        #expect(try await send([59, 59]) == 0)
        options.state.duplicatesWindow = 50
        live.engine.change(to: options)
        #expect(try await send([70, 71, 70]) == 1)
        let known = count(live, "events.duplicates")
        try live.stop()
        let again = try LiveEngine(options, in: live.folder)
        try await again.feedInOrder([
            Event(.rating(user: try EntityID("u71"), item: try EntityID("i"), value: 3), id: "e71")
        ])
        #expect(count(again, "events.duplicates") == known + 1)
        try again.stop()
    }

    @Test("a score's window of another length starts empty, of the same it goes on; the total always does")
    func scoreWindow() async throws {
        var options = smallOptions()
        let live = try LiveEngine(options)
        try await live.feed(ratings(users: 0..<60))
        let name = "model.\(options.state.models[0].name).scored"
        let before = count(live, name)
        #expect(before > 0)
        live.engine.change(to: options)
        #expect(count(live, name) == before)
        options.state.scoreWindowEvents *= 2
        live.engine.change(to: options)
        #expect(count(live, name) == 0)
        #expect(count(live, name + ".total") == before)
        try live.stop()
    }

    @Test("under a wall clock that jumps by years everything is learned, and only records' times tell of it")
    func wallClock() async throws {
        let year: Int64 = 365 * 86_400_000
        let now = Lock<Int64>(1_700_000_000_000)
        let live = try LiveEngine(clock: WallClock { now.withLock { $0 } })
        for (number, jump) in [0, year, -3 * year, -100 * year, year].enumerated() {
            now.withLock { $0 += jump }
            try await live.feed([
                Event(.rating(user: try EntityID("u"), item: try EntityID("i\(number)"), value: 4))
            ])
            try await live.checkpoint()
        }
        #expect(count(live, "events.applied") == 5)
        let user = try live.engine.user(EntityID("u"), historyMax: 10)
        #expect(user.history.count == 5)
        #expect(user.history.allSatisfy { $0.time >= 0 })
        for name in ["checkpoint.age-s", "server.uptime-s"] {
            guard case .double(let age)? = live.status(name) else {
                Issue.record("no \(name)")
                continue
            }
            #expect(age >= 0 && age < 3_600, "\(name)")
        }
        try live.stop()
    }

    @Test("the wall clock gives no time before 1970")
    func before1970() {
        #expect(WallClock { -5 }.milliseconds == 0)
        #expect(WallClock { 1_700_000_000_000 }.milliseconds == 1_700_000_000_000)
        #expect(WallClock.system.milliseconds > 1_500_000_000_000)
    }
}
