import Foundation
import RESP
import Wording

/// An answer as JSON: maps as objects, bulk strings as text, null as null.
struct JSONText: Encodable {
    let value: RESPValue

    init(_ value: RESPValue) { self.value = value }

    /// One line, keys in alphabetical order.
    static func line(_ value: RESPValue) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(JSONText(value)), as: UTF8.self)
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    func encode(to encoder: any Encoder) throws {
        switch value {
        case .map(let pairs):
            var container = encoder.container(keyedBy: Key.self)
            for (key, value) in pairs {
                try container.encode(JSONText(value), forKey: Key(stringValue: key.plainText))
            }
        case .array(let values), .set(let values):
            var container = encoder.unkeyedContainer()
            for value in values { try container.encode(JSONText(value)) }
        default:
            var container = encoder.singleValueContainer()
            switch value {
            case .null: try container.encodeNil()
            case .integer(let number): try container.encode(number)
            case .boolean(let flag): try container.encode(flag)
            case .double(let number) where number.isFinite: try container.encode(number)
            default: try container.encode(value.plainText)
            }
        }
    }
}
