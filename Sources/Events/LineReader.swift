#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Cuts a source into lines, each handed out as soon as it is complete.
final class LineReader {
    enum Line {
        /// Without its line break; valid until the next call, and `EventDecoder.padding` readable bytes
        /// follow.
        case bytes(UnsafeRawBufferPointer)
        /// A line above the limit, read over.
        case tooLong(bytes: Int)
    }

    let path: String
    let lineBytesMax: Int
    /// Number of the line handed out last, from 1.
    private(set) var number = 0
    /// Whether the input has ended, and without a line break: perhaps it is only part of what was written.
    private(set) var endsInMidLine = false

    private let source: ByteSource
    private let buffer: UnsafeMutableRawBufferPointer
    /// What is read and not yet handed out.
    private var unread = 0..<0
    /// Where the line handed out last begins, for `putBack`.
    private var lastStart = 0
    private var isAtEnd = false

    private static let chunkBytes = 65_536

    init(path: String, lineBytesMax: Int, isCancelled: @escaping @Sendable () -> Bool) throws(EventFileError)
    {
        self.path = path
        self.lineBytesMax = lineBytesMax
        source = try ByteSource(path: path, isCancelled: isCancelled)
        buffer = .allocate(byteCount: lineBytesMax + Self.chunkBytes + EventDecoder.padding, alignment: 16)
        buffer.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { buffer.deallocate() }

    /// Part of the file already taken, 0 to 1; `nil` where the size is not known.
    var fractionRead: Double? {
        source.size.map { $0 > 0 ? Double(source.bytesRead) / Double($0) : 1 }
    }

    /// Whether the next line is here already, so that `next` will not wait.
    var hasLine: Bool { lineBreak(from: unread.lowerBound) != nil }

    /// The next line; `nil` at the end. A last line without a line break counts.
    func next() throws(EventFileError) -> Line? {
        var searched = unread.lowerBound
        while true {
            if let end = lineBreak(from: searched) { return handOut(upTo: end, next: end + 1) }
            guard unread.count <= lineBytesMax else { return try skipLongLine() }
            searched = try refill(searched: unread.upperBound)
            if isAtEnd {
                guard !unread.isEmpty, !source.wasCancelled else { return nil }
                endsInMidLine = true
                return handOut(upTo: unread.upperBound, next: unread.upperBound)
            }
        }
    }

    /// Hands out the last line again with the next call.
    func putBack() {
        unread = lastStart..<unread.upperBound
        number -= 1
    }

    private func lineBreak(from start: Int) -> Int? {
        guard let base = buffer.baseAddress, start < unread.upperBound else { return nil }
        let newline = CInt(UInt8(ascii: "\n"))
        return memchr(base + start, newline, unread.upperBound - start).map { $0 - base }
    }

    private func handOut(upTo end: Int, next: Int) -> Line {
        var line = unread.lowerBound..<end
        lastStart = unread.lowerBound
        unread = next..<unread.upperBound
        number += 1
        if number == 1, buffer[line].starts(with: [0xEF, 0xBB, 0xBF]) {  // a byte order mark
            line = (line.lowerBound + 3)..<end
        }
        if !line.isEmpty, buffer[line.upperBound - 1] == UInt8(ascii: "\r") {
            line = line.lowerBound..<(line.upperBound - 1)
        }
        guard line.count <= lineBytesMax else { return .tooLong(bytes: line.count) }
        return .bytes(UnsafeRawBufferPointer(rebasing: buffer[line]))
    }

    private func skipLongLine() throws(EventFileError) -> Line {
        var bytes = 0
        number += 1
        while true {
            if let end = lineBreak(from: unread.lowerBound) {
                bytes += end - unread.lowerBound
                unread = (end + 1)..<unread.upperBound
                return .tooLong(bytes: bytes)
            }
            bytes += unread.count
            unread = 0..<0
            _ = try refill(searched: 0)
            if isAtEnd { return .tooLong(bytes: bytes) }
        }
    }

    /// Moves what is unread to the front and adds to it. Returns where `searched` is now.
    private func refill(searched: Int) throws(EventFileError) -> Int {
        let moved = unread.lowerBound
        if moved > 0 {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[unread]))
            unread = 0..<unread.count
        }
        let free = unread.upperBound..<(buffer.count - EventDecoder.padding)
        let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[free]))
        isAtEnd = count == 0
        unread = 0..<(unread.upperBound + count)
        return searched - moved
    }
}
