internal import Foundation

/// Figures of a benchmark for a program to read: `--json`.
struct Figures: Encodable {
    var benchmark: String
    var parameters: [String: Double]
    var figures: [String: Double] = [:]

    func printJSON() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        print(String(decoding: try encoder.encode(self), as: UTF8.self))
    }
}
