/// Reads answers of RESP 2 and 3 from a blocking source of bytes.
struct RESPReplyReader {
    /// Deeper nesting than any answer has; keeps a hostile peer from exhausting the stack.
    private static let depthMax = 32
    /// The most bytes a bulk string or line may have, and elements an aggregate.
    private static let lengthMax = 1 << 29

    private var buffer: [UInt8] = []
    private var start = 0

    /// Takes bytes that arrived while something else was under way.
    mutating func append(_ bytes: some Collection<UInt8>) {
        if start > 1 << 16, start > buffer.count / 2 {
            buffer.removeSubrange(..<start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    /// The next value; `fill` is called for more bytes, and throws where none will come.
    mutating func next(
        fill: (inout RESPReplyReader) throws(RPCClientError) -> Void
    ) throws(RPCClientError) -> RESPValue {
        try value(depth: 0, fill: fill)
    }

    private mutating func value(
        depth: Int, fill: (inout RESPReplyReader) throws(RPCClientError) -> Void
    ) throws(RPCClientError) -> RESPValue {
        guard depth < Self.depthMax else {
            throw RPCClientError("answer is nested over \(Self.depthMax) deep")
        }
        let line = try readLine(fill: fill)
        let rest = line.dropFirst()
        switch line.utf8.first {
        case UInt8(ascii: "+"): return .simple(String(rest))
        case UInt8(ascii: "-"): return .error(String(rest))
        case UInt8(ascii: "_"): return .null
        case UInt8(ascii: "#"): return .boolean(rest == "t")
        case UInt8(ascii: ":"):
            guard let number = Int64(rest) else { throw Self.notRESP(line) }
            return .integer(number)
        case UInt8(ascii: ","):
            guard let number = Double(rest) else { throw Self.notRESP(line) }
            return .double(number)
        case UInt8(ascii: "$"):
            guard let length = try Self.length(of: line) else { return .null }
            return .bulk(try readBytes(length, fill: fill))
        case UInt8(ascii: "="):
            guard let length = try Self.length(of: line) else { return .null }
            // Three letters of format and a colon come before the text.
            return .bulk(Array(try readBytes(length, fill: fill).dropFirst(4)))
        case UInt8(ascii: "*"), UInt8(ascii: "~"), UInt8(ascii: ">"):
            guard let count = try Self.length(of: line) else { return .null }
            var values: [RESPValue] = []
            for _ in 0..<count { values.append(try value(depth: depth + 1, fill: fill)) }
            return .array(values)
        case UInt8(ascii: "%"):
            guard let count = try Self.length(of: line) else { return .null }
            var pairs: [(RESPValue, RESPValue)] = []
            for _ in 0..<count {
                let key = try value(depth: depth + 1, fill: fill)
                pairs.append((key, try value(depth: depth + 1, fill: fill)))
            }
            return .map(pairs)
        default: throw Self.notRESP(line)
        }
    }

    private mutating func readLine(
        fill: (inout RESPReplyReader) throws(RPCClientError) -> Void
    ) throws(RPCClientError) -> String {
        var scanned = start
        while true {
            if let end = buffer[scanned...].firstIndex(of: 0x0A) {
                let line = buffer[start..<(end > start && buffer[end - 1] == 0x0D ? end - 1 : end)]
                start = end + 1
                return String(decoding: line, as: UTF8.self)
            }
            let offset = buffer.count - start
            guard offset < Self.lengthMax else { throw RPCClientError("answer has a line without an end") }
            try fill(&self)
            // `fill` may have moved what was there to the front.
            scanned = start + offset
        }
    }

    private mutating func readBytes(
        _ count: Int, fill: (inout RESPReplyReader) throws(RPCClientError) -> Void
    ) throws(RPCClientError) -> [UInt8] {
        while buffer.count - start < count + 2 { try fill(&self) }
        let bytes = Array(buffer[start..<start + count])
        start += count + 2
        return bytes
    }

    private static func length(of line: String) throws(RPCClientError) -> Int? {
        guard let length = Int(line.dropFirst()), length >= -1, length <= lengthMax else {
            throw notRESP(line)
        }
        return length < 0 ? nil : length
    }

    private static func notRESP(_ line: String) -> RPCClientError {
        RPCClientError("what came is no RESP answer: '\(line.prefix(80))'; is the socket another program's?")
    }
}
