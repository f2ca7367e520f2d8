import CRdKafka
import EventLog

/// A `rd_kafka_conf_t`. Not copyable, because `rd_kafka_new` takes the object over when it succeeds: the type
/// makes sure that it is then neither used nor destroyed again.
struct KafkaConfiguration: ~Copyable {
    private let pointer: OpaquePointer

    init() {
        pointer = rd_kafka_conf_new()
    }

    deinit {
        rd_kafka_conf_destroy(pointer)
    }

    func set(_ key: String, _ value: String) throws(EventLogError) {
        var words = ErrorText()
        let result = words.fill { rd_kafka_conf_set(pointer, key, value, $0, $1) }
        guard result == RD_KAFKA_CONF_OK else {
            throw EventLogError(
                .invalid,
                "source.kafka.properties.\(key): librdkafka \(rdKafkaVersion) says: \(words.text). "
                    + "See its CONFIGURATION.md for what it takes")
        }
    }

    /// Makes the client. `callbacks` must outlive the handle (see `KafkaClient`).
    consuming func makeHandle(_ type: rd_kafka_type_t, _ callbacks: KafkaCallbacks) throws(EventLogError)
        -> OpaquePointer
    {
        callbacks.install(on: pointer, type)
        var words = ErrorText()
        guard let handle = words.fill({ rd_kafka_new(type, pointer, $0, $1) }) else {
            _ = consume self
            throw EventLogError(
                .invalid,
                "source.kafka: librdkafka \(rdKafkaVersion) says: \(words.text). Mend source.kafka.properties"
            )
        }
        discard self
        return handle
    }
}

var rdKafkaVersion: String { String(cString: rd_kafka_version_str()) }

func rdKafkaText(_ error: rd_kafka_resp_err_t) -> String { String(cString: rd_kafka_err2str(error)) }

/// The buffer into which librdkafka writes why it refuses.
struct ErrorText {
    private var buffer = [CChar](repeating: 0, count: 512)

    mutating func fill<T>(_ body: (UnsafeMutablePointer<CChar>?, Int) -> T) -> T {
        buffer.withUnsafeMutableBufferPointer { body($0.baseAddress, $0.count) }
    }

    var text: String {
        String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
