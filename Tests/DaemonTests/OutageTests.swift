import RPC
import TestSupport
import Testing

@Suite(
    "a broker or topic that is away", .serialized, .ownThread,
    .enabled(if: !MockKafka.usesRealBroker, "\(MockKafka.mockOnly)"))
struct OutageTests {
    @Test("without a broker at start the daemon answers, says so, and catches up once the broker comes")
    func downAtStart() throws {
        let host = try KafkaHost()
        try host.produce(Streams.ratings(users: 10, items: 20))
        let place = try DaemonPlace()
        let first = try place.start(host.settings)
        try first.waitUntilApplied(200)
        #expect(try first.stop() == .exit(0))
        try host.produce(Streams.ratings(users: 15, items: 20))

        try host.kafka.brokerDown()
        let daemon = try place.start(host.settings)
        try daemon.waitUntil("the outage shows") {
            $0.flag("log.reachable") == false && !$0.text("log.last-error").isEmpty
        }
        #expect(try daemon.status()["events.applied"] == 200)
        #expect(try daemon.call("RECOMMEND", "u1", "INCLUDESEEN").isError == false)

        try host.kafka.brokerUp()
        try daemon.waitUntilApplied(500)
        try daemon.waitUntil("the end of the outage shows") { $0.flag("log.reachable") == true }
        #expect(try daemon.stop() == .exit(0))
    }

    @Test("a broker that goes away in mid-stream costs no event and no look-up")
    func downInMidStream() throws {
        let host = try KafkaHost()
        let stream = Streams.ratings(users: 20, items: 30)
        try host.produce(Array(stream.prefix(300)))
        let place = try DaemonPlace()
        let daemon = try place.start(host.settings)
        try daemon.waitUntilApplied(300)

        try host.kafka.brokerDown()
        try daemon.waitUntil("the outage shows") { $0.flag("log.reachable") == false }
        for user in 0..<10 {
            #expect(try daemon.call("RECOMMEND", "u\(user)", "INCLUDESEEN").isError == false)
        }
        #expect(try daemon.call("CHECKPOINT").isError == false)

        try host.kafka.brokerUp()
        try host.produce(Array(stream.dropFirst(300)))
        try daemon.waitUntilApplied(600)
        let status = try daemon.status()
        #expect(status["events.applied"] == 600)
        #expect(status.positions == [0: 600])
        try daemon.waitUntil("the end of the outage shows") { $0.flag("log.reachable") == true }
        // Of an outage that had ended STATUS told for ever as if it were now.
        let over = try daemon.status()
        #expect(over.flag("log.last-error-over") == true)
        #expect((over.number("log.last-error-age-s") ?? -1) >= 0)
        #expect(try daemon.stop() == .exit(0))
    }

    // 50 events were skipped without a word.
    @Test("start: latest is for what was there: a topic that comes later is read from its beginning")
    func latestTopicComesLater() throws {
        let host = try KafkaHost(createsTopic: false)
        let place = try DaemonPlace()
        let settings = host.settings + ["source.kafka.start=latest"]
        let daemon = try place.start(settings)
        try daemon.waitUntil("the missing topic shows") {
            $0.text("log.last-error").contains("--topic \(host.topic)")
        }
        #expect(try daemon.stop() == .exit(0))
        try host.kafka.createTopic(host.topic, partitions: 1)
        try host.produce(Streams.ratings(users: 10, items: 5))
        // The state has begun without the topic, and knows it over the restart.
        let again = try place.start(settings)
        try again.waitUntilApplied(50)
        #expect(try again.stop() == .exit(0))
    }

    @Test("asked to stop while the broker is away, the daemon ends with 0 and its state is durable")
    func stopDuringOutage() throws {
        let host = try KafkaHost()
        try host.produce(Streams.ratings(users: 10, items: 10))
        let place = try DaemonPlace()
        let settings = host.settings + ["checkpoint.every-seconds=86400"]
        let daemon = try place.start(settings)
        try daemon.waitUntilApplied(100)
        let before = Status(try daemon.call("STATUS", "DIGEST")).learned
        try host.kafka.brokerDown()
        try daemon.waitUntil("the outage shows") { $0.flag("log.reachable") == false }
        #expect(try daemon.stop() == .exit(0), "\(daemon.errors)")

        let again = try place.start(settings)
        #expect(Status(try again.call("STATUS", "DIGEST")).learned == before)
        #expect(try again.stop() == .exit(0))
    }

    @Test("a missing topic is named with the command that makes it, and read once it is there")
    func topicMissing() throws {
        let host = try KafkaHost(createsTopic: false)
        let place = try DaemonPlace()
        let daemon = try place.start(host.settings)
        try daemon.waitUntil("the missing topic shows") {
            $0.flag("log.reachable") == false && $0.text("log.last-error").contains("--topic \(host.topic)")
        }
        #expect(try daemon.call("RECOMMEND", "u1").isError == false)
        try host.kafka.createTopic(host.topic, partitions: 2)
        try host.produce(Streams.ratings(users: 10, items: 10))
        try daemon.waitUntilApplied(100)
        try daemon.waitUntil("the topic's return shows") { $0.flag("log.reachable") == true }
        #expect(try daemon.stop() == .exit(0))
    }
}
