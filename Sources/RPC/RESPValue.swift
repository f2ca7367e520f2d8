/// One value of RESP 2 or 3 (https://redis.io/docs/latest/develop/reference/protocol-spec/).
public indirect enum RESPValue: Sendable, Equatable {
    case simple(String)
    /// First word: a code that a program can test.
    case error(String)
    case integer(Int64)
    case bulk([UInt8])
    case null
    case array([RESPValue])
    /// RESP 3 only on the wire; written as an array in RESP 2, and read as one.
    case set([RESPValue])
    /// Text for people. RESP 3 only on the wire; written as a bulk string in RESP 2, and read as one.
    case verbatim(String)
    /// RESP 3 only on the wire; written as a flat array in RESP 2.
    case map([(RESPValue, RESPValue)])
    case double(Double)
    case boolean(Bool)

    public static func == (left: RESPValue, right: RESPValue) -> Bool {
        switch (left, right) {
        case (.simple(let a), .simple(let b)), (.error(let a), .error(let b)): a == b
        case (.integer(let a), .integer(let b)): a == b
        case (.bulk(let a), .bulk(let b)): a == b
        case (.null, .null): true
        case (.array(let a), .array(let b)), (.set(let a), .set(let b)): a == b
        case (.verbatim(let a), .verbatim(let b)): a == b
        case (.map(let a), .map(let b)): a.elementsEqual(b) { $0.0 == $1.0 && $0.1 == $1.1 }
        case (.double(let a), .double(let b)): a == b
        case (.boolean(let a), .boolean(let b)): a == b
        default: false
        }
    }
}
