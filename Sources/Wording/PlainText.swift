internal import Foundation
package import RESP

extension RESPValue {
    /// For people: text as it is, a number with at most four decimals, `-` for null.
    package var plainText: String {
        switch self {
        case .simple(let text), .error(let text), .verbatim(let text): text
        case .bulk(let bytes): String(decoding: bytes, as: UTF8.self)
        case .integer(let number): String(number)
        case .double(let number):
            number.formatted(
                .number.precision(.fractionLength(0...4)).grouping(.never).locale(Locale(identifier: "en")))
        case .boolean(let flag): flag ? "yes" : "no"
        case .null: "-"
        case .array(let values), .set(let values): values.map(\.plainText).joined(separator: ", ")
        case .map(let pairs): pairs.map { "\($0.0.plainText)=\($0.1.plainText)" }.joined(separator: ", ")
        }
    }
}
