import LookUps
import NIOCore

/// A value as it goes out. Objects keep the order of their members.
indirect enum JSON: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// In the fewest digits that give the same number back; `null` where it is not finite.
    case float(Float)
    case double(Double)
    case string(String)
    case array([JSON])
    case object([(String, JSON)])
    /// Numbers by the thousand, without a case for each.
    case floats([Float])

    static func int(_ number: Int) -> JSON { .integer(Int64(number)) }

    static func optional<Value>(_ value: Value?, _ make: (Value) -> JSON) -> JSON {
        value.map(make) ?? .null
    }

    /// A score, by the promise that no NaN is ever served.
    ///
    /// - Parameter what: whose it is, for the error.
    static func score(_ score: Float, of what: some CustomStringConvertible) throws(LookupError) -> JSON {
        guard score.isFinite else {
            throw LookupError(
                .unavailable,
                "the score of '\(what)' is \(score): a fault of the model; see /v1/status and report it")
        }
        return .float(score)
    }

    var buffer: ByteBuffer {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return ByteBuffer(bytes: bytes)
    }

    private func write(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let flag): bytes += (flag ? "true" : "false").utf8
        case .integer(let number): bytes += number.description.utf8
        case .float(let number): bytes += (number.isFinite ? number.description : "null").utf8
        case .double(let number): bytes += (number.isFinite ? number.description : "null").utf8
        case .string(let text): Self.write(text, to: &bytes)
        case .array(let values): Self.write(values, to: &bytes) { $0.write(to: &$1) }
        case .floats(let numbers): Self.write(numbers, to: &bytes) { JSON.float($0).write(to: &$1) }
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (place, member) in members.enumerated() {
                if place > 0 { bytes.append(UInt8(ascii: ",")) }
                Self.write(member.0, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.1.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func write<Element>(
        _ elements: [Element], to bytes: inout [UInt8], _ write: (Element, inout [UInt8]) -> Void
    ) {
        bytes.append(UInt8(ascii: "["))
        for (place, element) in elements.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            write(element, &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private static func write(_ text: String, to bytes: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20:
                bytes += "\\u00".utf8
                bytes += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }
}
