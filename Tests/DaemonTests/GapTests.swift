import EventLog
import Events
import Foundation
import TestSupport
import Testing

@Suite("events that the log no longer holds", .serialized, .ownThread)
struct GapTests {
    @Test("the embedded log: the daemon ends with 69 and names partition, wanted and earliest offset")
    func embeddedFails() throws {
        let place = try DaemonPlace()
        try leaveGap(place)
        let (ending, errors) = try place.refusal()
        #expect(ending == .exit(69))
        for words in ["partition 0", "offset 100 ", "holds 299 to 300", "source.on-gap: skip"] {
            #expect(errors.contains(words), "\(errors)")
        }
    }

    @Test("the embedded log: told to skip, the daemon goes on behind the gap and counts it")
    func embeddedSkips() throws {
        let place = try DaemonPlace()
        try leaveGap(place)
        let daemon = try place.start(["source.on-gap=skip"])
        try daemon.waitUntilApplied(101)
        let status = try daemon.status()
        #expect(status["events.applied"] == 101)
        #expect(status["events.skipped"] == 199)
        #expect(status.positions == [0: 300])
    }

    /// A state that stands at 100, and a log that holds 299 alone.
    private func leaveGap(_ place: DaemonPlace) throws {
        let daemon = try place.start()
        _ = try daemon.tokens((0..<100).map { ["RATE", "u\($0 % 10)", "i\($0 % 7)", "3"] })
        try daemon.waitUntilApplied(100)
        #expect(try daemon.stop() == .exit(0))
        try place.fillLog((0..<200).map { .rating("u\($0 % 10)", "i\($0 % 7)", 4) })
        let log = try EmbeddedLog(
            path: place.logFile, options: EmbeddedLogOptions(retainEvents: 1), logger: quiet)
        let consumer = try log.makeConsumer(.init(), delegate: NoDelegate())
        consumer.commit([0: 300])
        consumer.close()
        log.close()
    }

    private static let overflowing = "only the mock's partitions are small enough to overflow"

    @Test(
        "Kafka: the daemon ends with 69 and names topic, partition, wanted and earliest offset; skips when told",
        .enabled(if: !MockKafka.usesRealBroker, "\(overflowing)"))
    func kafka() throws {
        let host = try KafkaHost()
        let place = try DaemonPlace()
        let settings = host.settings + ["events.bytes-max=1000000"]
        try host.produce((0..<20).map { .rating("u\($0)", "i1", 4) })
        let first = try place.start(settings)
        try first.waitUntilApplied(20)
        #expect(try first.stop() == .exit(0))

        // The mock keeps 5 MiB.
        let padding = String(repeating: "x", count: 800_000)
        let large = (0..<10).map { number in
            TestRecord("u1", #"{"user":"u1","item":"i\#(number)","rating":3,"note":"\#(padding)"}"#)
        }
        try host.produce(large, compression: "none")

        let (ending, errors) = try place.refusal(settings)
        #expect(ending == .exit(69), "\(errors)")
        for words in [host.topic, "partition 0", "offset 20 is wanted", "to 30", "source.on-gap: skip"] {
            #expect(errors.contains(words), "\(errors)")
        }

        let daemon = try place.start(settings + ["source.on-gap=skip"])
        try daemon.waitUntil("the end is reached") { $0.positions == [0: 30] }
        let status = try daemon.status()
        #expect(status["events.skipped"] > 0)
        #expect(status["events.applied"] + status["events.skipped"] == 30)
        #expect(try daemon.stop() == .exit(0))
    }
}

private final class NoDelegate: ConsumerDelegate {
    func position(of partition: Int32) -> Int64? { nil }
    var logMemory: LogMemory { LogMemory() }
    func recognised(_ identity: String) {}
    func began(_ origins: [Int32: Int64]) {}
    func began(partition: Int32, at offset: Int64) {}
    func confirmed(partition: Int32, anchor: RecordFingerprint) {}
    func restarted(partition: Int32, at offset: Int64) {}
    func revoke(_ partitions: [Int32]) {}
    func skipped(partition: Int32, from: Int64, to: Int64) {}
}
