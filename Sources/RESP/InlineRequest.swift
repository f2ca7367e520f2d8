extension RESPRequest {
    /// Splits a line as Redis does: at white space, save within quotes; double quotes know `\n \r \t \b \a \xHH`,
    /// single quotes only `\'`.
    init(inline line: some Collection<UInt8>) throws(RESPProtocolError) {
        self.init()
        var rest = Array(line)[...]
        while true {
            rest = rest.drop { Self.isSpace($0) }
            guard !rest.isEmpty else { return }
            append(try Self.argument(from: &rest))
        }
    }

    private static func argument(from rest: inout ArraySlice<UInt8>) throws(RESPProtocolError) -> [UInt8] {
        var argument: [UInt8] = []
        while let byte = rest.first, !isSpace(byte) {
            rest.removeFirst()
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                try readQuoted(until: byte, from: &rest, into: &argument)
            default: argument.append(byte)
            }
        }
        return argument
    }

    private static func readQuoted(
        until quote: UInt8, from rest: inout ArraySlice<UInt8>, into argument: inout [UInt8]
    ) throws(RESPProtocolError) {
        let isDouble = quote == UInt8(ascii: "\"")
        while let byte = rest.popFirst() {
            if byte == quote {
                // `"a"b` is a slip of the hand, not two arguments.
                guard rest.first.map(isSpace) ?? true else { break }
                return
            }
            guard byte == UInt8(ascii: "\\"), let next = rest.first, isDouble || next == quote else {
                argument.append(byte)
                continue
            }
            rest.removeFirst()
            argument.append(isDouble ? unescaped(next, from: &rest) : next)
        }
        throw RESPProtocolError("unbalanced quotes in request")
    }

    private static func unescaped(_ byte: UInt8, from rest: inout ArraySlice<UInt8>) -> UInt8 {
        switch byte {
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "a"): return 0x07
        case UInt8(ascii: "x"):
            let digits = rest.prefix(2)
            guard digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            else {
                return byte
            }
            rest = rest.dropFirst(2)
            return value
        default: return byte
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }
}
