import CRdKafka
import Events
import TestSupport
import Testing

@testable import EventLog

/// A letter that could not be stored kept every checkpoint from being written, for ever.
@Suite("dead letters that cannot be stored as they are", .ownThread)
struct DeadLetterRuleTests {
    @Test("hold the state back for the stated time and no longer")
    func patience() {
        let start = ContinuousClock.now
        var patience = DeadLetterPatience(.seconds(60))
        var over = [30, 59].map { patience.isOver(at: start + .seconds($0), since: start) }
        patience.stored()
        // Counted anew; and after the time is over the next letters have the whole time again.
        over += [61, 121, 122].map {
            patience.isOver(at: start + .seconds($0), since: start + .seconds($0 == 122 ? 122 : 61))
        }
        #expect(over == [false, false, false, true, false])
        var endless = DeadLetterPatience(nil)
        let never = [0, 1_000_000].map { endless.isOver(at: start + .seconds($0), since: start) }
        #expect(never == [false, false])
    }

    @Test("are cut to what the producer sends, with their true size, token and reason")
    func form() {
        let letter = DeadLetter(
            token: Token(partition: 2, offset: 7), time: 5, reason: "too long",
            payload: Array(repeating: 120, count: 1_010_000))
        let options = KafkaOptions(brokers: "b:1", topic: "t")
        let cut = DeadLetterForm(letter, payloadMax: DeadLetterForm.payloadMax(options))
        #expect(cut.isCut)
        #expect(cut.payload.count < 1_000_000)
        let headers = Dictionary(uniqueKeysWithValues: cut.headers.map { ($0.name, $0.value) })
        #expect(headers["size"] == "1010000")
        #expect(headers["cut-to"] == "\(cut.payload.count)")
        #expect(headers["reason"] == "too long")
        #expect(headers["token"] == "2:7")
        let larger = KafkaOptions(brokers: "b:1", topic: "t", properties: ["message.max.bytes": "2000000"])
        #expect(!DeadLetterForm(letter, payloadMax: DeadLetterForm.payloadMax(larger)).isCut)
    }

    @Test("one of a megabyte is stored cut, and the flush succeeds")
    func large() throws {
        let place = try KafkaPlace(partitions: 1)
        let log = try place.openKafka()
        defer { log.close() }
        log.putAside(letter(payload: Array(repeating: 120, count: 1_010_000)))
        try log.flushDeadLetters(isLast: false)
        #expect(log.deadLettersHeld == 0)
        #expect(log.deadLetterLosses.cut == 1)
        let stored = try #require(try place.deadLetters().first)
        #expect(stored.token == Token(partition: 0, offset: 3))
        #expect(stored.payload.count < 1_000_000)
    }

    @Test(
        "one that the topic finds too large is cut further until it fits",
        .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"))
    func cutFurther() throws {
        let place = try KafkaPlace(partitions: 1)
        let log = try place.openKafka()
        defer { log.close() }
        try place.kafka.refuseAppends(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, count: 2)
        log.putAside(letter(payload: Array(repeating: 120, count: 1_600)))
        try log.flushDeadLetters(isLast: false)
        let stored = try #require(try place.deadLetters().first)
        #expect(stored.payload.count == 100)
    }

    @Test(
        "those that the broker refuses are let go, counted: after the time, or at the end",
        .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"), arguments: [false, true])
    func refused(isLast: Bool) throws {
        let place = try KafkaPlace(partitions: 1)
        var options = place.options
        options.deadLetterPatience = isLast ? .seconds(3_600) : .zero
        let log = try KafkaLog(options: options, logger: quiet)
        defer { log.close() }
        try place.kafka.refuseAppends(RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, count: 100)
        log.putAside(letter(payload: [1]))
        if isLast {
            #expect(throws: EventLogError.self) { try log.flushDeadLetters(isLast: false) }
            #expect(log.deadLettersHeld == 1)
        }
        try log.flushDeadLetters(isLast: isLast)
        #expect(log.deadLettersHeld == 0)
        #expect(log.deadLetterLosses.dropped == 1)
    }

    // A client was told UNAVAILABLE, and sent for ever what the broker would never take.
    @Test("each of librdkafka's errors is judged by whether repeating can help")
    func errors() {
        let meanings: [(rd_kafka_resp_err_t, EventLogError.Code)] = [
            (RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, .unacceptable),
            (RD_KAFKA_RESP_ERR_INVALID_RECORD, .unacceptable),
            (RD_KAFKA_RESP_ERR_POLICY_VIOLATION, .unacceptable),
            (RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, .unacceptable),
            (RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, .tooLarge),
            (RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, .tooLarge),
            (RD_KAFKA_RESP_ERR__QUEUE_FULL, .full), (RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, .timedOut),
            (RD_KAFKA_RESP_ERR__TRANSPORT, .unreachable),
            (RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, .unreachable),
            (RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, .unreachable),
            (RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, .topicMissing),
        ]
        for (error, code) in meanings { #expect(KafkaErrorTable.meaning(of: error) == code, "\(error)") }
        let options = KafkaOptions(brokers: "b:1", topic: "t")
        let unknown = KafkaErrorTable.explain(
            RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, "timed out", mayBeStored: true, topic: "t", options)
        #expect(unknown.message.contains("not known whether the record was stored"))
        #expect(!unknown.message.contains("repeat it"))
    }

    @Test(
        "a record whose time the broker refuses is unacceptable",
        .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"))
    func refusedTime() async throws {
        let place = try KafkaPlace(partitions: 1)
        let log = try place.openKafka()
        defer { log.close() }
        try place.kafka.refuseAppends(RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, count: 1)
        let error = await #expect(throws: EventLogError.self) { _ = try await log.append("a") }
        #expect(error?.code == .unacceptable)
    }

    @Test("a record without a payload is told apart from one with an empty payload")
    func tombstones() async throws {
        let place = try KafkaPlace(partitions: 1)
        let log = try place.openKafka()
        defer { log.close() }
        _ = try await log.append("")
        try place.kafka.appendTombstone(to: place.topic, key: "u1")
        let consumer = try log.makeConsumer(.init(), delegate: RecordingDelegate())
        defer { consumer.close() }
        var kinds: [Bool] = []
        while kinds.count < 2 {
            var batch = LogBatch()
            try consumer.poll(into: &batch, recordsMax: 10, timeout: .milliseconds(50))
            kinds += batch.records.map(\.isTombstone)
        }
        #expect(kinds == [false, true])
    }

    private func letter(payload: [UInt8]) -> DeadLetter {
        DeadLetter(token: Token(partition: 0, offset: 3), time: 1_000, reason: "no event", payload: payload)
    }
}
