/// What a text says, where producers and spreadsheets write a number, or yes and no, as text.
enum PlainText {
    static let booleanWanted = "true, false, 1, 0, yes or no"

    /// Without spaces and tabs at its ends.
    static func trimmed(_ text: String) -> String {
        let isBlank: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard let first = text.utf8.first, let last = text.utf8.last, isBlank(first) || isBlank(last) else {
            return text
        }
        var rest = text.utf8.drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return String(Substring(rest))
    }

    static func boolean(_ text: String) -> Bool? {
        switch trimmed(text).lowercased() {
        case "true", "1", "yes", "y", "t", "1.0": true
        case "false", "0", "no", "n", "f", "0.0": false
        default: nil
        }
    }

    /// A decimal number: no separators of thousands, no `nan`, `inf` or hexadecimal, which `Double` would take.
    /// - Parameter decimalComma: takes a comma for the point.
    static func number(_ text: String, decimalComma: Bool = false) -> Double? {
        var digits = 0
        var points = 0
        var isPlain = true
        var bytes = Array(trimmed(text).utf8)
        for (place, byte) in bytes.enumerated() {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits += 1
            case UInt8(ascii: "."): points += 1
            case UInt8(ascii: ",") where decimalComma:
                points += 1
                bytes[place] = UInt8(ascii: ".")
            case UInt8(ascii: "-"), UInt8(ascii: "+"):
                isPlain = isPlain && (place == 0 || bytes[place - 1] | 0x20 == UInt8(ascii: "e"))
            case UInt8(ascii: "e"), UInt8(ascii: "E"): isPlain = isPlain && digits > 0
            default: isPlain = false
            }
        }
        guard isPlain, digits > 0, points <= 1 else { return nil }
        return Double(String(decoding: bytes, as: UTF8.self))
    }
}
