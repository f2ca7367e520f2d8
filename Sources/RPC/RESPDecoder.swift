import NIOCore

/// Takes commands out of a byte stream: arrays of bulk strings, or inline lines as a person types them.
///
/// Keeps its place between calls, so that a request that arrives byte by byte costs time linear in its size.
struct RESPDecoder {
    private enum Phase: Equatable {
        case start
        case bulkHeader
        case bulkBody(length: Int)
    }

    /// `*`, a sign, 19 digits and CRLF fit well within; more is no header.
    private static let headerBytesMax = 64

    private let limits: RequestLimits
    private var phase = Phase.start
    private var request = RESPRequest()
    private var argumentsLeft = 0
    private var requestBytes = 0
    /// Bytes after the reader index already known to hold no line feed.
    private var scanned = 0

    init(limits: RequestLimits = RequestLimits()) {
        self.limits = limits
    }

    /// Whether a request has begun whose end has not come, given what `next` left in `input`.
    func isMidRequest(_ input: ByteBuffer) -> Bool {
        phase != .start || input.readableBytes > 0
    }

    /// The next whole request, or `nil` until more bytes come. After an error the stream cannot be read on.
    mutating func next(from input: inout ByteBuffer) throws(RESPProtocolError) -> RESPRequest? {
        while true {
            switch phase {
            case .start:
                guard let first = input.getInteger(at: input.readerIndex, as: UInt8.self) else { return nil }
                if first == UInt8(ascii: "*") {
                    guard try readArrayHeader(from: &input) else { return nil }
                } else {
                    guard let line = try readInline(from: &input) else { return nil }
                    if !line.isEmpty { return line }
                }
            case .bulkHeader:
                guard try readBulkHeader(from: &input) else { return nil }
            case .bulkBody(let length):
                guard try readBulkBody(of: length, from: &input) else { return nil }
                if argumentsLeft == 0 { return finish() }
            }
        }
    }

    private mutating func finish() -> RESPRequest {
        defer {
            request = RESPRequest()
            requestBytes = 0
            phase = .start
        }
        return request
    }

    private mutating func readArrayHeader(from input: inout ByteBuffer) throws(RESPProtocolError) -> Bool {
        guard let count = try readHeader(from: &input, error: "invalid multibulk length") else {
            return false
        }
        guard count <= limits.argumentsMax else {
            throw RESPProtocolError(
                "invalid multibulk length: \(count) arguments; at most \(limits.argumentsMax) are allowed")
        }
        // Like Redis: an empty or null array is no command, and no error.
        guard count > 0 else { return true }
        argumentsLeft = count
        phase = .bulkHeader
        return true
    }

    private mutating func readBulkHeader(from input: inout ByteBuffer) throws(RESPProtocolError) -> Bool {
        guard let first = input.getInteger(at: input.readerIndex, as: UInt8.self) else { return false }
        guard first == UInt8(ascii: "$") else {
            throw RESPProtocolError("expected '$', got '\(Self.printable(first))'")
        }
        guard let length = try readHeader(from: &input, error: "invalid bulk length") else { return false }
        guard length >= 0 else { throw RESPProtocolError("invalid bulk length: \(length)") }
        guard length <= limits.bulkBytesMax else {
            throw RESPProtocolError(
                "invalid bulk length: \(length) bytes in one argument; at most \(limits.bulkBytesMax) are allowed"
            )
        }
        guard requestBytes + length <= limits.requestBytesMax else {
            throw RESPProtocolError(
                "request is over \(limits.requestBytesMax) bytes, the most that is allowed")
        }
        phase = .bulkBody(length: length)
        return true
    }

    private mutating func readBulkBody(
        of length: Int, from input: inout ByteBuffer
    ) throws(RESPProtocolError) -> Bool {
        guard input.readableBytes >= length + 2 else { return false }
        input.withUnsafeReadableBytes { request.append(UnsafeRawBufferPointer(rebasing: $0.prefix(length))) }
        input.moveReaderIndex(forwardBy: length)
        guard input.readInteger(as: UInt16.self) == 0x0D0A else {
            throw RESPProtocolError("argument of \(length) bytes does not end in CR LF")
        }
        requestBytes += length + 2
        argumentsLeft -= 1
        phase = .bulkHeader
        return true
    }

    private mutating func readInline(from input: inout ByteBuffer) throws(RESPProtocolError) -> RESPRequest? {
        let bytesMax = min(limits.bulkBytesMax, limits.requestBytesMax)
        guard let line = try readLine(from: &input, bytesMax: bytesMax, error: "too big inline request")
        else {
            return nil
        }
        return try RESPRequest(inline: line.readableBytesView)
    }

    /// The integer of a `*` or `$` line.
    private mutating func readHeader(
        from input: inout ByteBuffer, error: String
    ) throws(RESPProtocolError) -> Int? {
        guard let line = try readLine(from: &input, bytesMax: Self.headerBytesMax, error: error) else {
            return nil
        }
        requestBytes += line.readableBytes + 2
        let digits = line.readableBytesView.dropFirst()
        guard let text = String(validating: digits, as: UTF8.self), let number = Int(text) else {
            throw RESPProtocolError(error)
        }
        return number
    }

    /// One line without its end (LF, or CR LF).
    private mutating func readLine(
        from input: inout ByteBuffer, bytesMax: Int, error: String
    ) throws(RESPProtocolError) -> ByteBuffer? {
        let fresh = input.readableBytesView.dropFirst(scanned)
        guard let end = fresh.firstIndex(of: UInt8(ascii: "\n")) else {
            scanned = input.readableBytes
            guard scanned <= bytesMax else {
                throw RESPProtocolError("\(error): no end within \(bytesMax) bytes")
            }
            return nil
        }
        scanned = 0
        let length = end - input.readerIndex
        guard length <= bytesMax else { throw RESPProtocolError("\(error): over \(bytesMax) bytes") }
        guard var line = input.readSlice(length: length) else { return nil }
        input.moveReaderIndex(forwardBy: 1)
        if line.readableBytesView.last == UInt8(ascii: "\r") {
            line.moveWriterIndex(to: line.writerIndex - 1)
        }
        return line
    }

    private static func printable(_ byte: UInt8) -> String {
        (0x20..<0x7F).contains(byte) ? String(UnicodeScalar(byte)) : "\\x\(String(byte, radix: 16))"
    }
}
