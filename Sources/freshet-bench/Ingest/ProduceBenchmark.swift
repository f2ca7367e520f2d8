internal import ArgumentParser
internal import BenchmarkSupport
internal import EventLog
internal import Events
internal import Foundation
internal import KafkaEventLog
internal import Locking
internal import Logging

/// How fast the daemon's own log appends to Kafka: what RATE and `feed --to kafka` come to.
struct ProduceBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "produce",
        abstract: "Events per second appended to Kafka, beside librdkafka's producer alone.",
        discussion: """
            Ours is idempotent, waits for all replicas and answers each event's token; the baseline is librdkafka's \
            producer with large batches, as a pipeline would fill a topic. The broker is librdkafka's mock cluster in \
            another process, or a real one.

            EXAMPLES
              swift run -c release freshet-bench produce
              swift run -c release freshet-bench produce --kafka localhost:9092 --events 1000000 --json
            """)

    @Option(help: "host:port of a real broker; the mock cluster where absent.") var kafka: String?
    @Option(help: "Events.") var events = 200_000
    @Option(help: "Partitions of the topic.") var partitions = 8
    @Option(help: "Events that may be without an answer.") var window = 65_536
    @Flag(help: "Print the figures as JSON.") var json = false

    func validate() throws {
        guard events > 0, partitions > 0, window > 0 else {
            throw ValidationError("numbers must be above 0")
        }
    }

    func run() throws {
        let recorded = try RecordedEvents(users: 6_000, items: 4_000, count: events, options: EventOptions())
        let topic = try MeasuredTopic(brokers: kafka, partitions: partitions)
        defer { topic.close() }
        let plain = try ContinuousClock().measure { try topic.fill(recorded, compression: "lz4") }.seconds
        let other = try MeasuredTopic(brokers: kafka, partitions: partitions)
        defer { other.close() }
        let processor = ProcessorTime.ofThisProcess
        let ours = try append(recorded, to: other)
        let used = ProcessorTime.ofThisProcess - processor
        let count = Double(events)
        guard !json else {
            var figures = Figures(
                benchmark: "produce", parameters: ["events": count, "window": Double(window)])
            figures.figures = [
                "append.events-per-second": count / ours, "append.processor-us-an-event": used / count * 1e6,
                "baseline.events-per-second": count / plain,
            ]
            return try figures.printJSON()
        }
        Report.print([
            Comparison(
                name: "appended, with a token each", ours: count / ours,
                baselineName: "librdkafka's producer alone", baseline: count / plain, unit: "events/s")
        ])
        Swift.print(String(format: "%.2f us of processor time an event", used / count * 1e6))
    }

    private func append(_ recorded: RecordedEvents, to topic: MeasuredTopic) throws -> Double {
        let log = try KafkaLog(
            options: KafkaOptions(brokers: topic.brokers, topic: topic.name, group: topic.name),
            logger: Logger(label: "freshet-bench", factory: { _ in SwiftLogNoOpLogHandler() }))
        defer { log.close() }
        let permits = DispatchSemaphore(value: window)
        let failure = Lock<EventLogError?>(nil)
        let records = try (0..<recorded.count).map { index in
            try recorded.withRecord(index) { key, payload in
                (key: try EntityID(String(decoding: key, as: UTF8.self)), payload: Array(payload))
            }
        }
        let time = ContinuousClock().measure {
            for (key, payload) in records {
                permits.wait()
                log.append(key: key, payload: payload, time: 1_700_000_000_000) { result in
                    if case .failure(let error) = result { failure.withLock { $0 = error } }
                    permits.signal()
                }
            }
            for _ in 0..<window { permits.wait() }
            for _ in 0..<window { permits.signal() }
        }.seconds
        if let error = failure.withLock({ $0 }) {
            throw BenchmarkFailure("an append failed: \(error.message)")
        }
        return time
    }
}
