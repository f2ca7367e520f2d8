extension RESPValue {
    /// A bulk string of UTF-8 text.
    public static func text(_ text: String) -> RESPValue { .bulk(Array(text.utf8)) }

    /// The text of a simple or bulk string; `nil` for anything else, and for bytes that are not UTF-8.
    public var string: String? {
        switch self {
        case .simple(let text), .verbatim(let text): text
        case .bulk(let bytes): String(validating: bytes, as: UTF8.self)
        default: nil
        }
    }

    /// The value under `key` of a map; of a flat array too, as RESP 2 has maps.
    public subscript(key: String) -> RESPValue? {
        switch self {
        case .map(let pairs): return pairs.first { $0.0.string == key }?.1
        case .array(let values):
            for index in stride(from: 0, to: values.count - 1, by: 2) where values[index].string == key {
                return values[index + 1]
            }
            return nil
        default: return nil
        }
    }

    /// The shortest decimal that reads back as this Float, so that 0.1 goes out as 0.1 and not as
    /// 0.10000000149011612.
    static func shortest(_ value: Float) -> RESPValue {
        .double(Double(value.description) ?? Double(value))
    }
}
