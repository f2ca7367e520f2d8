import CRdKafka
import Dispatch
import EventLog
internal import Events
import Foundation
import Locking

/// Produces records, and serves their delivery reports on a thread of its own.
final class KafkaProducer: Sendable {
    private static let closeTimeout: Duration = .seconds(10)

    private let client: KafkaClient
    private let options: KafkaOptions
    private let health: KafkaHealth
    /// When the poll thread gives up what is still in flight; `nil` while the producer is open.
    private let closeDeadline = Lock<ContinuousClock.Instant?>(nil)
    private let finished = DispatchSemaphore(value: 0)

    init(_ options: KafkaOptions, callbacks: KafkaCallbacks) throws(EventLogError) {
        self.options = options
        health = callbacks.health
        let configuration = KafkaConfiguration()
        try options.configureProducer(configuration)
        client = try KafkaClient(RD_KAFKA_PRODUCER, configuration, topic: options.topic, callbacks: callbacks)
        let thread = Thread { [self] in servePolls() }
        thread.name = "kafka-producer"
        thread.start()
    }

    /// - Parameter time: milliseconds since 1970, now where absent. Librdkafka takes 0 for "now", so the first one is 1.
    func produce(
        topic: String, key: [UInt8], value: [UInt8], time: Int64? = nil,
        headers: [(name: String, value: String)] = [],
        completion: @escaping @Sendable (Result<Token, EventLogError>) -> Void
    ) throws(EventLogError) {
        guard closeDeadline.withLock({ $0 }) == nil else {
            throw EventLogError(.closed, "\(options.name) is closed")
        }
        let delivery = Unmanaged.passRetained(KafkaDelivery(topic, options, health, completion))
        let list = headers.isEmpty ? nil : rd_kafka_headers_new(headers.count)
        for (name, value) in headers { rd_kafka_header_add(list, name, -1, value, value.utf8.count) }
        let error = withProduceArguments(
            topic, key, value, time.map { max(1, $0) } ?? 0, list, delivery.toOpaque()
        ) {
            rd_kafka_produceva(client.handle, $0.baseAddress, $0.count)
        }
        guard let error else { return }
        // Both are librdkafka's only once it has taken the message.
        delivery.release()
        if let list { rd_kafka_headers_destroy(list) }
        defer { rd_kafka_error_destroy(error) }
        throw KafkaErrorTable.explain(
            rd_kafka_error_code(error), String(cString: rd_kafka_error_string(error)),
            fatal: client.fatalError,
            topic: topic, options)
    }

    /// Librdkafka has given it up: nothing more can be produced through it.
    var isLost: Bool { client.fatalError != nil }

    /// Takes no more records; the poll thread ends once what is in flight is stored, or reported as failed
    /// after a while.
    @discardableResult
    func stop() -> Bool {
        closeDeadline.withLock { deadline in
            defer { deadline = deadline ?? .now + Self.closeTimeout }
            return deadline == nil
        }
    }

    /// The same, and waits for the end.
    func close() {
        if stop() { finished.wait() }
    }

    private func servePolls() {
        var nextProbe = ContinuousClock.now
        while true {
            rd_kafka_poll(client.handle, 50)
            if let deadline = closeDeadline.withLock({ $0 }) {
                if rd_kafka_outq_len(client.handle) == 0 { break }
                if .now > deadline {
                    purge()
                    break
                }
            } else if health.needsProbe(.producer), .now > nextProbe {
                // Otherwise an idle producer would count as down until its next append.
                switch client.probe(milliseconds: 100) {
                case .noAnswer: break
                default: health.up(.producer)
                }
                nextProbe = .now + .seconds(1)
            }
        }
        finished.signal()
    }

    private func purge() {
        rd_kafka_purge(client.handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
        // Purging makes every message reportable at once; the count only guards against waiting for ever.
        for _ in 0..<100 where rd_kafka_outq_len(client.handle) > 0 { rd_kafka_poll(client.handle, 50) }
    }
}

/// Lays out what `rd_kafka_produceva` takes; its variadic sister cannot be called from Swift.
private func withProduceArguments<T>(
    _ topic: String, _ key: [UInt8], _ value: [UInt8], _ time: Int64, _ headers: OpaquePointer?,
    _ delivery: UnsafeMutableRawPointer, _ body: (UnsafeBufferPointer<rd_kafka_vu_t>) -> T
) -> T {
    return topic.withCString { topic in
        key.withUnsafeBytes { key in
            value.withUnsafeBytes { value in
                var arguments = [
                    rd_kafka_vu_t(RD_KAFKA_VTYPE_TOPIC) { $0.u.cstr = topic },
                    rd_kafka_vu_t(RD_KAFKA_VTYPE_KEY) {
                        $0.u.mem.ptr = UnsafeMutableRawPointer(mutating: key.baseAddress)
                        $0.u.mem.size = key.count
                    },
                    rd_kafka_vu_t(RD_KAFKA_VTYPE_VALUE) {
                        $0.u.mem.ptr = UnsafeMutableRawPointer(mutating: value.baseAddress)
                        $0.u.mem.size = value.count
                    },
                    rd_kafka_vu_t(RD_KAFKA_VTYPE_TIMESTAMP) { $0.u.i64 = time },
                    rd_kafka_vu_t(RD_KAFKA_VTYPE_MSGFLAGS) { $0.u.i = RD_KAFKA_MSG_F_COPY },
                    rd_kafka_vu_t(RD_KAFKA_VTYPE_OPAQUE) { $0.u.ptr = delivery },
                ]
                if let headers {
                    arguments.append(rd_kafka_vu_t(RD_KAFKA_VTYPE_HEADERS) { $0.u.headers = headers })
                }
                return arguments.withUnsafeBufferPointer(body)
            }
        }
    }
}
