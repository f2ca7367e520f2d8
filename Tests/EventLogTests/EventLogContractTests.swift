import EventLog
import EventLogSupport
import Events
import TestSupport
import Testing

/// What both logs promise; each test runs over both.
@Suite("every event log", .ownThread)
struct EventLogContractTests {
    @Test("an appended record comes back with its token, time and payload", arguments: LogKind.allCases)
    func roundTrip(kind: LogKind) async throws {
        let place = try makePlace(kind)
        let log = try place.open()
        defer { log.close() }
        let token = try await log.append("hello", time: 1_260_759_144_000)
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        #expect(
            try consumer.take(1) == [
                Received(token: token, time: 1_260_759_144_000, payload: Array("hello".utf8))
            ])
    }

    @Test(
        "records appended in one go are told their tokens in their order, and come back whole",
        arguments: LogKind.allCases)
    func batch(kind: LogKind) async throws {
        let place = try makePlace(kind)
        let log = try place.open()
        defer { log.close() }
        let records = try (0..<300).map {
            LogRecord(
                key: try EntityID("u\($0 % 7)"), payload: Array("u\($0 % 7)/\($0)".utf8),
                time: 1_260_759_144_000 + Int64($0))
        }
        let answers = await withCheckedContinuation { continuation in
            log.append(records) { continuation.resume(returning: $0) }
        }
        let tokens = try answers.map { try $0.get() }
        #expect(Set(tokens).count == records.count)
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        let received = try consumer.take(records.count)
        for (token, record) in zip(tokens, records) {
            let found = received.first { $0.token == token }
            #expect(found == Received(token: token, time: record.time, payload: record.payload))
        }
        for user in 0..<7 {
            let own = received.filter { $0.text.hasPrefix("u\(user)/") }.map(\.payload)
            #expect(own == records.filter { $0.key.string == "u\(user)" }.map(\.payload))
        }
    }

    @Test("records of one key keep the order of their appends", arguments: LogKind.allCases)
    func orderPerKey(kind: LogKind) async throws {
        let place = try makePlace(kind)
        let log = try place.open()
        defer { log.close() }
        let texts = (0..<300).map { "u\($0 % 7)/\($0)" }
        let tokens = try await log.append(all: texts) { "u\($0 % 7)" }
        #expect(Set(tokens).count == texts.count)
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        let received = try consumer.take(texts.count)
        for user in 0..<7 {
            let own = received.filter { $0.text.hasPrefix("u\(user)/") }
            #expect(own.map(\.text) == texts.filter { $0.hasPrefix("u\(user)/") })
            #expect(Set(own.map(\.token.partition)).count == 1)
        }
        for (_, records) in Dictionary(grouping: received, by: \.token.partition) {
            #expect(records.map(\.token.offset) == Array(0..<Int64(records.count)))
        }
    }

    @Test(
        "a restart goes on from the delegate's position, and offsets go on too", arguments: LogKind.allCases)
    func restart(kind: LogKind) async throws {
        let place = try makePlace(kind)
        let delegate = RecordingDelegate()
        let first = try place.open()
        let before = try await first.append(all: (0..<20).map { "a\($0)" })
        let consumer = try first.makeConsumer(.init(), delegate: delegate)
        delegate.learn(try consumer.take(20))
        consumer.commit(delegate.positions)
        consumer.close()
        first.close()

        let second = try place.open()
        defer { second.close() }
        let after = try await second.append(all: (0..<5).map { "b\($0)" })
        #expect(Set(before).isDisjoint(with: after))
        let again = try second.makeConsumer(.init(), delegate: delegate)
        defer { again.close() }
        #expect(try again.take(5).map(\.text) == (0..<5).map { "b\($0)" })
        #expect(try again.take().isEmpty)
    }

    @Test("what many threads append at once is stored once each", arguments: LogKind.allCases)
    func concurrentAppends(kind: LogKind) async throws {
        let place = try makePlace(kind)
        let log = try place.open()
        defer { log.close() }
        let texts = Set((0..<8).flatMap { thread in (0..<100).map { "\(thread)-\($0)" } })
        let tokens = try await withThrowingTaskGroup(of: [Token].self) { group in
            for thread in 0..<8 {
                group.addTask {
                    try await log.append(all: (0..<100).map { "\(thread)-\($0)" }) { _ in "u\(thread)" }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(tokens).count == texts.count)
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        let received = try consumer.take(texts.count)
        #expect(received.count == texts.count)
        #expect(Set(received.map(\.text)) == texts)
        #expect(Set(received.map(\.token)) == Set(tokens))
    }

    @Test("payloads keep NUL bytes, emptiness and a quarter of a megabyte", arguments: LogKind.allCases)
    func payloads(kind: LogKind) async throws {
        let place = try makePlace(kind)
        let log = try place.open()
        defer { log.close() }
        let payloads: [[UInt8]] = [[0, 1, 0, 2], [], (0..<(1 << 18)).map { UInt8(truncatingIfNeeded: $0) }]
        for payload in payloads { _ = try await log.append(payload) }
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        #expect(try consumer.take(payloads.count).map(\.payload) == payloads)
    }

    @Test("a dead letter is durable after the flush and not doubled by a replay", arguments: LogKind.allCases)
    func deadLetters(kind: LogKind) async throws {
        let place = try makePlace(kind)
        let log = try place.open()
        defer { log.close() }
        let letters = (0..<3).map {
            DeadLetter(
                token: Token(partition: 0, offset: $0), time: 1_000 + $0, reason: "field 'user' is missing",
                payload: [0, 255, UInt8($0)])
        }
        letters.forEach(log.putAside)
        try log.flushDeadLetters(isLast: false)
        log.putAside(letters[1])
        try log.flushDeadLetters(isLast: false)
        // A topic cannot refuse a second copy; the key lets a reader tell, and compaction drop it.
        let found = try place.deadLetters()
        #expect(Set(found.map(\.token)) == Set(letters.map(\.token)))
        #expect(found.count == (kind == .embedded ? 3 : 4))
        for letter in letters {
            let same = try #require(found.first { $0.token == letter.token })
            #expect(same.reason == letter.reason)
            #expect(same.payload == letter.payload)
        }
    }

    @Test("a position past the log's end stops the consumer, naming the setting", arguments: LogKind.allCases)
    func gapFails(kind: LogKind) async throws {
        let place = try makePlace(kind)
        let log = try place.open()
        defer { log.close() }
        let token = try await log.append("only")
        let consumer = try log.makeConsumer(
            .init(onGap: .fail), delegate: RecordingDelegate([token.partition: 1_000]))
        defer { consumer.close() }
        let error = try #require(throws: EventLogError.self) {
            _ = try consumer.poll(until: { false })
        }
        #expect(error.code == .gap)
        for words in ["1000", "source.on-gap", "partition \(token.partition)"] {
            #expect(error.message.contains(words), "\(error.message)")
        }
    }

    @Test("on-gap: skip reports what a log put back from a backup has lost, and never goes back")
    func gapSkips() async throws {
        let place = try makePlace(.embedded)
        let log = try place.open()
        defer { log.close() }
        let token = try await log.append("only")
        let delegate = RecordingDelegate([token.partition: 3])
        let consumer = try log.makeConsumer(.init(onGap: .skip), delegate: delegate)
        defer { consumer.close() }
        let before = try consumer.poll(until: { !delegate.skips.isEmpty })
        #expect(delegate.skips == [.init(partition: token.partition, from: 1, to: 3)])
        let later = try await log.append(all: ["a", "b", "c"])
        let learned = try before + consumer.take(later.filter { $0.offset >= 3 }.count)
        #expect(learned.allSatisfy { $0.token.offset >= 3 })
        #expect(Set(learned.map(\.token)) == Set(later.filter { $0.offset >= 3 }))
    }

    @Test("while paused nothing comes, afterwards nothing is missing", arguments: LogKind.allCases)
    func pausing(kind: LogKind) async throws {
        let place = try makePlace(kind)
        let log = try place.open()
        defer { log.close() }
        _ = try await log.append(all: (0..<50).map(String.init))
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        var received = try consumer.poll(until: { !log.partitions().isEmpty })
        while received.isEmpty { received += try consumer.take(recordsMax: 10) }
        consumer.pause()
        consumer.pause()
        #expect(log.partitions().allSatisfy { $0.paused })
        _ = try await log.append(all: (50..<100).map(String.init))
        for _ in 0..<5 { #expect(try consumer.take().isEmpty) }
        consumer.resume()
        #expect(log.partitions().allSatisfy { !$0.paused })
        received += try consumer.take(100 - received.count)
        #expect(received.map(\.text) == (0..<100).map(String.init))
    }

    @Test("start: latest leaves out what was there before", arguments: LogKind.allCases)
    func startsLatest(kind: LogKind) async throws {
        let place = try makePlace(kind)
        let log = try place.open()
        defer { log.close() }
        _ = try await log.append("old")
        let consumer = try log.makeConsumer(.init(start: .latest), delegate: RecordingDelegate())
        defer { consumer.close() }
        // The end is looked up after the assignment; what is appended before that counts as old.
        var received: [Received] = []
        for number in 0..<500 {
            _ = try await log.append("new \(number)")
            received = try consumer.take()
            if !received.isEmpty { break }
        }
        #expect(!received.isEmpty)
        #expect(received.allSatisfy { $0.text.hasPrefix("new") })
    }

    // The end was looked up anew by each consumer until a record had come, so that what was appended in between,
    // its token handed out, was lost.
    @Test(
        "start: latest is settled once: a restart before the first record loses none",
        arguments: LogKind.allCases)
    func latestIsSettled(kind: LogKind) async throws {
        let place = try makePlace(kind)
        let log = try place.open()
        defer { log.close() }
        _ = try await log.append("old")
        let delegate = RecordingDelegate()
        let first = try log.makeConsumer(.init(start: .latest), delegate: delegate)
        for _ in 0..<1_000 where delegate.positions.isEmpty { _ = try first.take() }
        first.close()
        #expect(!delegate.positions.isEmpty)
        _ = try await log.append("new")
        let second = try log.makeConsumer(.init(start: .latest), delegate: delegate)
        defer { second.close() }
        #expect(try second.take(1).map(\.text) == ["new"])
    }

    @Test(
        "an empty poll returns with nothing, and the consumer's end gives its partitions back",
        arguments: LogKind.allCases)
    func emptyPoll(kind: LogKind) async throws {
        let place = try makePlace(kind)
        let log = try place.open()
        defer { log.close() }
        let delegate = RecordingDelegate()
        let consumer = try log.makeConsumer(.init(), delegate: delegate)
        _ = try consumer.poll(until: { !log.partitions().isEmpty })
        #expect(try consumer.take().isEmpty)
        let assigned = log.partitions().map(\.partition)
        consumer.close()
        #expect(delegate.revoked.sorted() == assigned.sorted())
    }

    @Test("a second consumer is refused while the first is open", arguments: LogKind.allCases)
    func oneConsumer(kind: LogKind) async throws {
        let log = try makePlace(kind).open()
        defer { log.close() }
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        let error = #expect(throws: EventLogError.self) {
            _ = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        }
        #expect(error?.code == .invalid)
        consumer.close()
        try log.makeConsumer(.init(), delegate: RecordingDelegate()).close()
    }

    @Test("after close every call says so", arguments: LogKind.allCases)
    func closed(kind: LogKind) async throws {
        let place = try makePlace(kind)
        let log = try place.open()
        _ = try await log.append("before")
        log.close()
        log.close()
        let error = await #expect(throws: EventLogError.self) { _ = try await log.append("after") }
        #expect(error?.code == .closed)
        #expect(throws: EventLogError.self) { try log.flushDeadLetters(isLast: false) }
        #expect(throws: EventLogError.self) {
            _ = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        }
        #expect(log.partitions().isEmpty)
        #expect(!log.health().reachable)
    }
}
