/// The bytes of a text, in UTF-8 whatever they were, in a buffer that readers take them from.
///
/// A UTF-8 byte order mark is dropped. UTF-16 is transcoded, an unpaired surrogate into bytes that are not
/// UTF-8, so that its line is refused and not repaired.
final class TextInput {
    let path: String
    /// Longest line or record that fits, with `chunkBytes` to spare.
    let lineBytesMax: Int
    /// What is read and not yet taken; `EventDecoder.padding` readable bytes follow it.
    private(set) var unread = 0..<0
    private(set) var isAtEnd = false
    let buffer: UnsafeMutableRawBufferPointer

    private let source: ByteSource
    private var encoding: Encoding?

    private enum Encoding {
        case utf8
        case utf16(UTF16Transcoder)
    }

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

    /// Part of the file already read, 0 to 1; `nil` where the size is not known.
    var fractionRead: Double? {
        source.size.map { $0 > 0 ? Double(source.bytesRead) / Double($0) : 1 }
    }

    /// Whether more bytes come without waiting for anybody.
    var isFile: Bool { source.size != nil }

    /// Whether the end is that of the reader's patience, not of the input.
    var wasCancelled: Bool { source.wasCancelled }

    /// What to say of the text though it was read.
    var warnings: [String] { [encodingWarning, source.warning].compactMap { $0 } }
    private var encodingWarning: String?

    /// What is unread.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer[unread]) }

    /// Takes the first bytes of what is unread.
    func take(_ count: Int) { unread = (unread.lowerBound + count)..<unread.upperBound }

    /// Hands bytes taken out again; only until the next `fill`.
    func putBack(from start: Int) { unread = start..<unread.upperBound }

    /// Moves what is unread to the front and adds to it; false at the end. At most `lineBytesMax` bytes may be unread.
    func fill() throws(EventFileError) -> Bool {
        guard !isAtEnd else { return false }
        if unread.lowerBound > 0 {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[unread]))
            unread = 0..<unread.count
        }
        let count = try read(into: buffer[unread.upperBound..<(buffer.count - EventDecoder.padding)])
        isAtEnd = count == 0
        unread = 0..<(unread.upperBound + count)
        return !isAtEnd
    }

    /// The first line that is not blank, left in place, and cut after `lineBytesMax` bytes; `nil` where there is none.
    /// Blank lines before it are taken: `blankLines` of them.
    func peekLine() throws(EventFileError) -> (text: String, blankLines: Int)? {
        var blankLines = 0
        while true {
            if bytes.isEmpty, try !fill() { return nil }
            guard let byte = bytes.first, byte.isBlank else { break }
            if byte == UInt8(ascii: "\n") { blankLines += 1 }
            take(1)
        }
        while bytes.count < lineBytesMax, !bytes.contains(where: \.isLineBreak) {
            guard try fill() else { break }
        }
        let line = bytes.prefix(lineBytesMax).prefix { !$0.isLineBreak }
        return (String(decoding: line, as: UTF8.self), blankLines)
    }

    private func read(into target: Slice<UnsafeMutableRawBufferPointer>) throws(EventFileError) -> Int {
        let target = UnsafeMutableRawBufferPointer(rebasing: target)
        switch encoding {
        case nil: return try start(target)
        case .utf8: return try source.read(into: target)
        case .utf16(let transcoder): return try transcoder.read(source, into: target)
        }
    }

    /// Reads the mark, which may come in pieces through a pipe.
    private func start(_ target: UnsafeMutableRawBufferPointer) throws(EventFileError) -> Int {
        var count = 0
        while count < 4, Self.mayBeMark(target.prefix(count)) {
            let more = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: target[count...]))
            count += more
            if more == 0 { break }
        }
        let head = Array(target.prefix(min(count, 4)))
        if head.starts(with: [0xFF, 0xFE, 0, 0]) || head.starts(with: [0, 0, 0xFE, 0xFF]) {
            throw EventFileError(path: path, "is UTF-32; convert it, say by: iconv -f UTF-32 -t UTF-8")
        }
        if let (isBigEndian, markBytes) = Self.utf16(head) {
            if markBytes == 0 {
                encodingWarning =
                    "is UTF-16 without a byte order mark, and read as UTF-16\(isBigEndian ? "BE" : "LE")"
            }
            let transcoder = UTF16Transcoder(
                isBigEndian: isBigEndian, first: Array(target[markBytes..<count]))
            encoding = .utf16(transcoder)
            return try transcoder.read(source, into: target)
        }
        encoding = .utf8
        guard head.starts(with: [0xEF, 0xBB, 0xBF]) else { return count }
        let rest = Array(target[3..<count])
        guard !rest.isEmpty else { return try source.read(into: target) }
        target.copyBytes(from: rest)
        return rest.count
    }

    /// Which UTF-16 a text is that begins so. Without a mark it is known by two characters of ASCII.
    private static func utf16(_ head: [UInt8]) -> (isBigEndian: Bool, markBytes: Int)? {
        if head.starts(with: [0xFF, 0xFE]) { return (false, 2) }
        if head.starts(with: [0xFE, 0xFF]) { return (true, 2) }
        switch head.map({ $0 == 0 }) {
        case [false, true, false, true]: return (false, 0)
        case [true, false, true, false]: return (true, 0)
        default: return nil
        }
    }

    private static func mayBeMark(_ head: Slice<UnsafeMutableRawBufferPointer>) -> Bool {
        let marks: [[UInt8]] = [[0xEF, 0xBB, 0xBF], [0xFF, 0xFE, 0, 0], [0xFE, 0xFF], [0, 0, 0xFE, 0xFF]]
        return marks.contains { $0.count > head.count && $0.starts(with: head) }
    }
}

extension UInt8 {
    var isLineBreak: Bool { self == UInt8(ascii: "\n") || self == UInt8(ascii: "\r") }
    var isBlank: Bool { self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") || isLineBreak }
}
