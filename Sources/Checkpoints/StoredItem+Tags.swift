extension StoredItem {
    /// The tags as a JSON array, as the file keeps them.
    var tagsText: String { Self.text(of: tags) }

    /// Tags of an item or a user as a JSON array.
    static func text(of tags: [String]) -> String {
        if tags.isEmpty { return "[]" }
        var text: [UInt8] = []
        for tag in tags {
            text.append(UInt8(ascii: text.isEmpty ? "[" : ","))
            text.append(UInt8(ascii: "\""))
            for byte in tag.utf8 { append(byte, to: &text) }
            text.append(UInt8(ascii: "\""))
        }
        text.append(UInt8(ascii: "]"))
        return String(decoding: text, as: UTF8.self)
    }

    /// One byte of a JSON string; only the quote, the backslash and control characters may not stand as they are.
    private static func append(_ byte: UInt8, to text: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            text.append(UInt8(ascii: "\\"))
            text.append(byte)
        case 0..<0x20:
            let code = String(byte, radix: 16)
            text.append(contentsOf: (byte < 0x10 ? "\\u000" : "\\u00").utf8)
            text.append(contentsOf: code.utf8)
        default:
            text.append(byte)
        }
    }
}
