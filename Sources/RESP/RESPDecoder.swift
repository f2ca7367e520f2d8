package import NIOCore

/// Takes commands out of a byte stream: arrays of bulk strings, or inline lines as a person types them.
///
/// Keeps its place between calls, so that a request that arrives byte by byte costs time linear in its size.
package struct RESPDecoder {
    private enum Phase: Equatable {
        case start
        case bulkHeader
        case bulkBody(length: Int)
    }

    /// `*`, a sign, 19 digits and CRLF fit well within; more is no header.
    private static let headerBytesMax = 64

    /// A change holds for the requests that begin after it.
    package var limits: RequestLimits
    private var phase = Phase.start
    private var request = RESPRequest()
    private var argumentsLeft = 0
    private var requestBytes = 0
    /// Bytes after the reader index already known to hold no line feed.
    private var scanned = 0

    package init(limits: RequestLimits = RequestLimits()) {
        self.limits = limits
    }

    /// Whether a request has begun whose end has not come, given what `next` left in `input`.
    package func isMidRequest(_ input: ByteBuffer) -> Bool {
        phase != .start || input.readableBytes > 0
    }

    /// Whether all that was taken in were whole requests: another decoder may go on with the bytes not taken yet.
    package var isBetweenRequests: Bool { phase == .start }

    /// Bytes of the request that has begun, as far as `next` has taken them in.
    package var heldBytes: Int { phase == .start ? 0 : requestBytes }

    /// The next whole request, or `nil` until more bytes come. After an error the stream cannot be read on.
    package mutating func next(from input: inout ByteBuffer) throws(RESPProtocolError) -> RESPRequest? {
        var taken = 0
        defer { input.moveReaderIndex(forwardBy: taken) }
        // Unsafe because a header is a few bytes and there are several a command: slices, views and strings of them
        // cost more than everything else that is done with a command here.
        let isWhole = try input.withUnsafeReadableBytes { bytes throws(RESPProtocolError) in
            var unread = Unread(bytes)
            defer { taken = unread.taken }
            return try read(&unread)
        }
        return isWhole ? finish() : nil
    }

    /// Whether `request` is whole now; false once the bytes do not suffice.
    private mutating func read(_ unread: inout Unread) throws(RESPProtocolError) -> Bool {
        while true {
            switch phase {
            case .start:
                guard let first = unread.first else { return false }
                if first == UInt8(ascii: "*") {
                    guard try readArrayHeader(&unread) else { return false }
                } else {
                    guard try readInline(&unread) else { return false }
                    if !request.isEmpty { return true }
                }
            case .bulkHeader:
                guard try readBulkHeader(&unread) else { return false }
            case .bulkBody(let length):
                guard try readBulkBody(of: length, &unread) else { return false }
                if argumentsLeft == 0 { return true }
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

    private mutating func readArrayHeader(_ unread: inout Unread) throws(RESPProtocolError) -> Bool {
        guard let count = try readHeader(&unread, error: "invalid multibulk length") else { return false }
        guard count <= limits.argumentsMax else {
            throw RESPProtocolError(
                "invalid multibulk length: \(count) arguments; at most \(limits.argumentsMax) are allowed")
        }
        // Like Redis: an empty or null array is no command, and no error.
        guard count > 0 else {
            requestBytes = 0
            return true
        }
        request.reserve(arguments: count)
        argumentsLeft = count
        phase = .bulkHeader
        return true
    }

    private mutating func readBulkHeader(_ unread: inout Unread) throws(RESPProtocolError) -> Bool {
        guard let first = unread.first else { return false }
        guard first == UInt8(ascii: "$") else {
            throw RESPProtocolError("expected '$', got '\(Self.printable(first))'")
        }
        guard let length = try readHeader(&unread, error: "invalid bulk length") else { return false }
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
        of length: Int, _ unread: inout Unread
    ) throws(RESPProtocolError) -> Bool {
        guard unread.count >= length + 2 else { return false }
        request.append(unread.take(length))
        let end = unread.take(2)
        guard end[0] == UInt8(ascii: "\r"), end[1] == UInt8(ascii: "\n") else {
            throw RESPProtocolError("argument of \(length) bytes does not end in CR LF")
        }
        requestBytes += length + 2
        argumentsLeft -= 1
        phase = .bulkHeader
        return true
    }

    private mutating func readInline(_ unread: inout Unread) throws(RESPProtocolError) -> Bool {
        let bytesMax = min(limits.bulkBytesMax, limits.requestBytesMax)
        guard let line = try readLine(&unread, bytesMax: bytesMax, error: "too big inline request") else {
            return false
        }
        request = try RESPRequest(inline: line)
        return true
    }

    /// The integer of a `*` or `$` line.
    private mutating func readHeader(
        _ unread: inout Unread, error: String
    ) throws(RESPProtocolError) -> Int? {
        guard let line = try readLine(&unread, bytesMax: Self.headerBytesMax, error: error) else {
            return nil
        }
        requestBytes += line.count + 2
        guard let number = Int(decimal: UnsafeRawBufferPointer(rebasing: line.dropFirst())) else {
            throw RESPProtocolError(error)
        }
        return number
    }

    /// One line without its end (LF, or CR LF).
    private mutating func readLine(
        _ unread: inout Unread, bytesMax: Int, error: String
    ) throws(RESPProtocolError) -> UnsafeRawBufferPointer? {
        guard let length = unread.lineFeed(after: scanned) else {
            scanned = unread.count
            guard scanned <= bytesMax else {
                throw RESPProtocolError("\(error): no end within \(bytesMax) bytes")
            }
            return nil
        }
        scanned = 0
        guard length <= bytesMax else { throw RESPProtocolError("\(error): over \(bytesMax) bytes") }
        let line = unread.take(length)
        _ = unread.take(1)
        return line.last == UInt8(ascii: "\r") ? UnsafeRawBufferPointer(rebasing: line.dropLast()) : line
    }

    private static func printable(_ byte: UInt8) -> String {
        (0x20..<0x7F).contains(byte) ? String(UnicodeScalar(byte)) : "\\x\(String(byte, radix: 16))"
    }
}

/// The readable bytes of a buffer, taken from the front. Lives no longer than the closure that was lent them.
private struct Unread {
    private let bytes: UnsafeRawBufferPointer
    private(set) var taken = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var count: Int { bytes.count - taken }
    var first: UInt8? { taken < bytes.count ? bytes[taken] : nil }

    /// The next `count` bytes, of which there must be as many.
    mutating func take(_ count: Int) -> UnsafeRawBufferPointer {
        precondition(count <= self.count, "more is taken than there is")
        defer { taken += count }
        return UnsafeRawBufferPointer(rebasing: bytes[taken..<taken + count])
    }

    /// How many bytes come before the next line feed, of which the first `known` are known to be none.
    func lineFeed(after known: Int) -> Int? {
        var index = taken + known
        while index < bytes.count {
            if bytes[index] == UInt8(ascii: "\n") { return index - taken }
            index += 1
        }
        return nil
    }
}
