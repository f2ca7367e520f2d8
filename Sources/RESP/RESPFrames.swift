package import NIOCore

/// Finds where answers end without taking them apart, so that they can be handed on as they came.
///
/// What has been looked at once is not looked at again when more bytes come, however small the pieces are.
package struct RESPFrameScanner {
    /// The longest answer that is waited for, and the longest line.
    private static let frameBytesMax = 1 << 29
    private static let lineBytesMax = 1 << 16

    /// Values of the frame that are still to come.
    private var left = 1
    /// Bytes of the frame that are done with.
    private var scanned = 0

    package init() {}

    /// Takes the next answer out of `input`; `nil` where more of it has to come.
    package mutating func next(from input: inout ByteBuffer) throws(RESPProtocolError) -> ByteBuffer? {
        while left > 0 {
            guard try scanValue(input) else {
                guard scanned <= Self.frameBytesMax else { throw RESPProtocolError("an answer is too long") }
                return nil
            }
        }
        defer { (left, scanned) = (1, 0) }
        return input.readSlice(length: scanned)
    }

    /// The answers that stand behind the head of an array, which `frame` is; `nil` where it is another answer.
    package static func elements(of frame: ByteBuffer) throws(RESPProtocolError) -> [ByteBuffer]? {
        var rest = frame
        guard rest.readInteger(as: UInt8.self) == UInt8(ascii: "*"),
            let end = rest.readableBytesView.firstIndex(of: 0x0A),
            let head = rest.readSlice(length: end + 1 - rest.readerIndex),
            let count = try? number(head.readableBytesView.dropLast()), count >= 0
        else { return nil }
        var elements: [ByteBuffer] = []
        var scanner = RESPFrameScanner()
        for _ in 0..<count {
            guard let element = try scanner.next(from: &rest) else {
                throw RESPProtocolError("an array is shorter than it says")
            }
            elements.append(element)
        }
        return elements
    }

    /// False where more bytes are needed.
    private mutating func scanValue(_ input: ByteBuffer) throws(RESPProtocolError) -> Bool {
        let view = input.readableBytesView
        let start = view.startIndex + scanned
        guard start < view.endIndex else { return false }
        guard let end = view[start...].firstIndex(of: 0x0A) else {
            guard view.endIndex - start <= Self.lineBytesMax else {
                throw RESPProtocolError("a line is too long")
            }
            return false
        }
        let lineEnd = end + 1 - view.startIndex
        switch view[start] {
        case UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: ":"), UInt8(ascii: "_"), UInt8(ascii: "#"),
            UInt8(ascii: ","), UInt8(ascii: "("):
            (scanned, left) = (lineEnd, left - 1)
        case UInt8(ascii: "$"), UInt8(ascii: "="), UInt8(ascii: "!"):
            let length = try Self.number(view[(start + 1)..<end])
            let valueEnd = length < 0 ? lineEnd : lineEnd + length + 2
            // The head is read again with the rest: it is short.
            guard valueEnd <= input.readableBytes else { return false }
            (scanned, left) = (valueEnd, left - 1)
        case UInt8(ascii: "*"), UInt8(ascii: "~"), UInt8(ascii: ">"):
            (scanned, left) = (lineEnd, left - 1 + max(0, try Self.number(view[(start + 1)..<end])))
        case UInt8(ascii: "%"):
            (scanned, left) = (lineEnd, left - 1 + 2 * max(0, try Self.number(view[(start + 1)..<end])))
        default: throw RESPProtocolError("what came is no answer")
        }
        return true
    }

    private static func number(_ line: ByteBufferView.SubSequence) throws(RESPProtocolError) -> Int {
        let text = String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
        guard let number = Int(text), (-1...frameBytesMax).contains(number) else {
            throw RESPProtocolError("a length is '\(text.prefix(16))'")
        }
        return number
    }
}

extension RESPValue {
    /// - Parameter frame: one whole answer.
    package init(frame: ByteBuffer) throws(RPCClientError) {
        var reader = RESPReplyReader()
        reader.append(frame.readableBytesView)
        self = try reader.next { _ throws(RPCClientError) in
            throw RPCClientError("an answer is shorter than it says")
        }
    }
}

extension RESPRequest {
    /// As clients send it.
    package func encode(into output: inout ByteBuffer) {
        output.writeString("*\(count)\r\n")
        for place in 0..<count {
            output.writeString("$\(self[place].count)\r\n")
            output.writeBytes(self[place])
            output.writeStaticString("\r\n")
        }
    }
}
