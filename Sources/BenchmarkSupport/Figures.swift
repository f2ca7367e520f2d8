internal import Foundation

/// Figures of a benchmark for a program to read: `--json`.
package struct Figures: Encodable {
    package var benchmark: String
    package var parameters: [String: Double]
    package var figures: [String: Double] = [:]

    package init(benchmark: String, parameters: [String: Double]) {
        (self.benchmark, self.parameters) = (benchmark, parameters)
    }

    /// - Parameter pretty: false where it is one line among others.
    package func printJSON(pretty: Bool = true) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = pretty ? [.sortedKeys, .prettyPrinted] : [.sortedKeys]
        print(String(decoding: try encoder.encode(self), as: UTF8.self))
    }
}
