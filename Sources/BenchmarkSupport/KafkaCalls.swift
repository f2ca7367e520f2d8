package import CRdKafka
internal import Foundation

/// What a benchmark could not do.
package struct BenchmarkFailure: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// A librdkafka handle for benchmarks, destroyed with its last reference. Confined to one thread.
package final class KafkaHandle {
    package let pointer: OpaquePointer

    package init(
        _ type: rd_kafka_type_t, _ properties: [String: String],
        configure: (OpaquePointer?) -> Void = { _ in }
    ) throws {
        let configuration = rd_kafka_conf_new()
        var words = [CChar](repeating: 0, count: 512)
        for (key, value) in properties.merging(["log_level": "2"], uniquingKeysWith: { given, _ in given }) {
            guard rd_kafka_conf_set(configuration, key, value, &words, words.count) == RD_KAFKA_CONF_OK else {
                rd_kafka_conf_destroy(configuration)
                throw BenchmarkFailure("\(key): \(Self.text(words))")
            }
        }
        configure(configuration)
        guard let pointer = rd_kafka_new(type, configuration, &words, words.count) else {
            rd_kafka_conf_destroy(configuration)
            throw BenchmarkFailure(Self.text(words))
        }
        self.pointer = pointer
    }

    deinit { rd_kafka_destroy(pointer) }

    private static func text(_ words: [CChar]) -> String {
        String(decoding: words.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

package func checkKafka(_ error: rd_kafka_resp_err_t, _ doing: String) throws {
    guard error != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
    throw BenchmarkFailure("cannot \(doing): \(String(cString: rd_kafka_err2str(error)))")
}
