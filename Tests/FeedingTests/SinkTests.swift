import EventLog
import Events
import RESP
import Reporting
import Testing

@testable import Feeding

@Suite("Feeding through the socket")
struct RPCSinkTests {
    @Test("each kind of event comes as it is, under freshet's own names")
    func kinds() throws {
        let daemon = FakeDaemon()
        let sink = RPCSink(daemon, backoff: backoff())
        let user = try EntityID("u")
        let item = try EntityID("i")
        let description = ItemDescription(item: item, title: "A B", tags: ["x", "y,z"], available: false)
        let events = [
            try rating("u", "i", 4.5, 12), Event(.signal(user: user, item: item, name: "click")),
            Event(.retract(user: user, item: item), time: 5),
            Event(.hide(user: user, item: item), time: 6, id: "e6"), Event(.unhide(user: user, item: item)),
            Event(.forget(user: user)), Event(.item(description)),
        ]
        for event in events { try sink.send(event) }
        try sink.drain()
        #expect(daemon.taken == events)
        #expect(daemon.commandCounts == [7])
        #expect(sink.receipts.acknowledged == 7)
        #expect(sink.receipts.lastTokens == [Token(partition: 0, offset: 6)])
    }

    @Test("no more events than the window are without an answer, and several stand in a command")
    func window() throws {
        let daemon = FakeDaemon()
        let sink = RPCSink(daemon, window: 16, backoff: backoff())
        for number in 0..<100 { try sink.send(try rating("u\(number)")) }
        try sink.drain()
        #expect(daemon.unansweredMax == 16)
        #expect(daemon.commandCounts.allSatisfy { $0 == 4 })
        #expect(daemon.users == (0..<100).map { "u\($0)" })
        #expect(sink.receipts.unacknowledged == 0)
    }

    @Test("events too long for one command are parted among several")
    func longEvents() throws {
        let daemon = FakeDaemon()
        let sink = RPCSink(daemon, backoff: backoff())
        let title = String(repeating: "t", count: 1_000)
        for number in 0..<600 {
            let item = try EntityID("i\(number)")
            try sink.send(Event(.item(ItemDescription(item: item, title: title))))
        }
        try sink.drain()
        #expect(daemon.commandCounts.allSatisfy { $0 < 300 })
        #expect(daemon.users == (0..<600).map { "i\($0)" })
    }

    @Test("an event answered with OVERLOADED is sent again, later and later, until it is taken")
    func overloaded() throws {
        var refusals = 0
        let daemon = FakeDaemon { event in
            guard event.key.string == "u3", refusals < 4 else { return nil }
            refusals += 1
            return .error("OVERLOADED the log's queue is full")
        }
        var sleeps: [Duration] = []
        let sink = RPCSink(daemon, window: 4, backoff: backoff { sleeps.append($0) })
        for number in 0..<10 { try sink.send(try rating("u\(number)")) }
        try sink.drain()
        #expect(Set(daemon.users) == Set((0..<10).map { "u\($0)" }))
        #expect(daemon.taken.count == 10)
        #expect(sink.receipts.unacknowledged == 0)
        #expect(sleeps == [10, 20, 40, 80].map { .milliseconds($0) })
    }

    @Test("a daemon that stays overloaded ends the feed with the event unacknowledged")
    func overloadedForEver() throws {
        let sink = RPCSink(FakeDaemon { _ in .error("OVERLOADED no") }, backoff: backoff())
        try sink.send(try rating("u"))
        #expect(throws: CommandError.self) { try sink.drain() }
        #expect(sink.receipts.unacknowledged == 1)
    }

    @Test("any other refusal is counted with its reason and the rest goes on")
    func refused() throws {
        let daemon = FakeDaemon { $0.key.string == "bad" ? .error("ERR rating is out of range") : nil }
        let sink = RPCSink(daemon, backoff: backoff())
        for user in ["a", "bad", "b"] { try sink.send(try rating(user)) }
        try sink.drain()
        #expect(sink.receipts.acknowledged == 2)
        #expect(sink.receipts.unacknowledged == 1)
        #expect(sink.receipts.reasons.contains("bad: ERR rating is out of range"))
        #expect(FeedSummary.failure(sink.receipts).message.hasPrefix("1 events were not acknowledged\n"))
    }
}

@Suite("Feeding into a log")
struct LogSinkTests {
    // The broker deletes by the record's time, and refuses what is far from its clock.
    @Test("the record's time is now, whatever the event's own is")
    func recordTime() throws {
        let log = FakeLog()
        let sink = LogSink(log, options: EventOptions(), backoff: backoff())
        try sink.send(try rating("u", "i", 3, 12))
        try sink.drain()
        #expect(try #require(log.times.first) > 1_700_000_000_000)
    }

    @Test("events are appended in order under their keys")
    func order() throws {
        let log = FakeLog()
        let sink = LogSink(log, options: EventOptions(), window: 8, backoff: backoff())
        for number in 0..<50 { try sink.send(try rating("u\(number)")) }
        try sink.drain()
        #expect(log.appended == (0..<50).map { "u\($0)" })
        #expect(sink.receipts.acknowledged == 50)
        #expect(sink.receipts.lastTokens == [Token(partition: 0, offset: 49)])
    }

    @Test("a full log is tried again, any other failure is counted")
    func failures() throws {
        let log = FakeLog { key, call in
            if key.string == "u1", call < 6 { return EventLogError(.full, "queue is full") }
            return key.string == "u2" ? EventLogError(.refused, "too long") : nil
        }
        let sink = LogSink(log, options: EventOptions(), backoff: backoff())
        for number in 0..<4 { try sink.send(try rating("u\(number)")) }
        try sink.drain()
        #expect(Set(log.appended) == ["u0", "u1", "u3"])
        #expect(sink.receipts.unacknowledged == 1)
        #expect(sink.receipts.refused == 1 && sink.receipts.unanswered == 0 && sink.firstUnanswered == nil)
        #expect(sink.receipts.reasons == ["u2: too long"])
    }

    @Test("events a full log has refused are appended in their order")
    func fullOrder() throws {
        let log = FakeLog(holding: 4) { _, call in call <= 9 ? EventLogError(.full, "queue is full") : nil }
        let sink = LogSink(log, options: EventOptions(), backoff: backoff())
        let users = (0..<4).map { "u\($0)" }
        for user in users { try sink.send(try rating(user)) }
        try sink.drain()
        #expect(log.appended == users)
    }

    @Test("events that a broker did not take in time are sent again, in their order")
    func timedOut() throws {
        let log = FakeLog(holding: 6) { _, call in
            call <= 9 ? EventLogError(.timedOut, "not in time") : nil
        }
        var waits = 0
        let sink = LogSink(log, options: EventOptions(), backoff: backoff { _ in waits += 1 })
        let users = (0..<6).map { "u\($0)" }
        for user in users { try sink.send(try rating(user)) }
        try sink.drain()
        #expect(log.appended == users)
        #expect(sink.receipts.acknowledged == 6 && sink.receipts.reasons.isEmpty)
        // For the first of them alone: thousands may be on their way when a broker goes.
        #expect(waits == 4)
    }

    @Test("a broker that stays away ends the feed, with where to go on from and why")
    func away() throws {
        let log = FakeLog { _, call in call > 3 ? EventLogError(.timedOut, "not in time") : nil }
        let sink = LogSink(log, options: EventOptions(), backoff: backoff())
        let error = try #require(throws: CommandError.self) {
            for number in 0..<6 {
                try sink.send(try rating("u\(number)"), from: EventPlace(path: "e.csv", line: number + 2))
            }
        }
        #expect(error.message.contains("(not in time); the first that it does not hold is e.csv:5"))
        #expect(sink.receipts.acknowledged == 3 && sink.receipts.unacknowledged > 0)
    }

    @Test("whoever interrupts waits no more for answers that do not come; the first without one is named")
    func interrupted() throws {
        let log = FakeLog(silentAbout: ["u1", "u3"])
        let sink = LogSink(log, options: EventOptions(), backoff: backoff(isCancelled: { true }))
        for number in 0..<5 {
            try sink.send(try rating("u\(number)"), from: EventPlace(path: "e.csv", line: number + 2))
        }
        let error = #expect(throws: CommandError.self) { try sink.drain() }
        #expect(error?.message.contains("interrupted") == true)
        #expect(sink.receipts.acknowledged == 3 && sink.receipts.unanswered == 2)
        #expect(sink.firstUnanswered == EventPlace(path: "e.csv", line: 3))
    }

    @Test("whoever interrupts waits no more for room among the appends on their way")
    func interruptedWindow() throws {
        let log = FakeLog(silentAbout: ["u0", "u1", "u2"])
        let sink = LogSink(log, options: EventOptions(), window: 2, backoff: backoff(isCancelled: { true }))
        for number in 0..<2 { try sink.send(try rating("u\(number)")) }
        #expect(throws: CommandError.self) { try sink.send(try rating("u2")) }
        #expect(sink.receipts.sent == 2 && sink.receipts.unanswered == 2)
    }

    @Test("a broker that is away is tried no more once somebody has interrupted")
    func interruptedOutage() throws {
        let log = FakeLog { _, call in call > 1 ? EventLogError(.timedOut, "not in time") : nil }
        let sink = LogSink(log, options: EventOptions(), backoff: backoff(isCancelled: { true }))
        for number in 0..<2 {
            try sink.send(try rating("u\(number)"), from: EventPlace(path: "e.csv", line: number + 2))
        }
        #expect(throws: CommandError.self) { try sink.drain() }
        #expect(sink.receipts.acknowledged == 1 && sink.receipts.unanswered == 1)
        #expect(sink.firstUnanswered == EventPlace(path: "e.csv", line: 3))
    }

    @Test("a log that stays full ends the feed")
    func full() throws {
        let log = FakeLog { _, _ in EventLogError(.full, "queue is full") }
        let sink = LogSink(log, options: EventOptions(), backoff: backoff())
        try sink.send(try rating("u"))
        #expect(throws: CommandError.self) { try sink.drain() }
        #expect(sink.receipts.unacknowledged == 1)
    }
}
