/// Records of separated values (RFC 4180): fields may be quoted, quotes doubled, line breaks quoted. Blanks around a field
/// are dropped, those within quotes stay.
final class CSVRecords {
    enum Next {
        /// The fields are in the reader, until the next call.
        case record
        case bad(EventFile.Entry)
    }

    /// Lines one record may span. A quote that is never closed would otherwise swallow the rest of the file.
    static let recordLinesMax = 64

    private(set) var fieldCount = 0
    /// Line on which the record begins.
    private(set) var line = 0

    private let lines: LineReader
    /// Lines swallowed by a record that turned out to be none, to be read again.
    private var pending: [(number: Int, bytes: [UInt8])] = []
    private var parser: CSVRecordParser

    init(_ lines: LineReader, separator: UInt8) {
        self.lines = lines
        parser = CSVRecordParser(separator: separator)
    }

    /// The fields of one line, quotes and blanks around them taken off.
    static func fields(of text: String, separator: UInt8) -> [String] {
        var parser = CSVRecordParser(separator: separator)
        let outcome = Array(text.utf8).withUnsafeBytes { parser.add($0) }
        guard case .complete = outcome else { return [] }
        return (0..<parser.fieldCount).map { String(decoding: parser.field($0), as: UTF8.self) }
    }

    /// The next record that is not an empty line; `nil` at the end.
    func next() throws(EventFileError) -> Next? {
        while true {
            parser.removeAll()
            guard let first = try addLine(keeping: false) else { return nil }
            line = first.number
            switch first.outcome {
            case .complete:
                if parser.isBlank { continue }
                return finish()
            case .bad(let reason): return .bad(lines.bad(reason, line: line))
            case .open: return try continueQuoted()
            }
        }
    }

    func text(_ index: Int) -> String { String(decoding: parser.field(index), as: UTF8.self) }

    private func finish() -> Next {
        guard parser.isUTF8 else {
            let reason = "not UTF-8; if the file is Windows-1252, convert it: iconv -f WINDOWS-1252 -t UTF-8"
            return .bad(lines.bad(reason, line: line))
        }
        guard !parser.hasNUL else { return .bad(lines.bad("holds NUL bytes", line: line)) }
        fieldCount = parser.fieldCount
        return .record
    }

    private func continueQuoted() throws(EventFileError) -> Next {
        var taken: [(number: Int, bytes: [UInt8])] = []
        while taken.count < Self.recordLinesMax, parser.byteCount <= lines.lineBytesMax {
            guard let next = try addLine(keeping: true) else { break }
            taken.append((next.number, next.bytes))
            guard case .open = next.outcome else {
                if case .bad(let reason) = next.outcome { return .bad(lines.bad(reason, line: line)) }
                return finish()
            }
        }
        pending.insert(contentsOf: taken, at: 0)
        return .bad(lines.bad("a quote is opened and not closed", line: line))
    }

    /// Adds one line to the record; keeps a copy of it where it may have to be read again.
    private func addLine(
        keeping: Bool
    ) throws(EventFileError) -> (number: Int, bytes: [UInt8], outcome: CSVRecordParser.Outcome)? {
        if !pending.isEmpty {
            let (number, bytes) = pending.removeFirst()
            return (number, bytes, bytes.withUnsafeBytes { parser.add($0) })
        }
        switch try lines.next() {
        case nil: return nil
        case .tooLong(let bytes):
            let error = EventError.tooLong(bytes: bytes, bytesMax: lines.lineBytesMax)
            return (lines.number, [], .bad(error.description))
        case .bytes(let bytes):
            return (lines.number, keeping ? Array(bytes) : [], parser.add(bytes))
        }
    }
}

/// The state machine behind `CSVRecords`: fields unquoted into one buffer.
struct CSVRecordParser {
    enum Outcome {
        case complete
        /// In the middle of a quoted field: the record goes on on the next line.
        case open
        case bad(String)
    }

    private enum State { case fieldStart, plain, quoted, quoteInQuoted }

    private let separator: UInt8
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var state = State.fieldStart
    private var orOfBytes: UInt8 = 0
    private(set) var hasNUL = false

    init(separator: UInt8) { self.separator = separator }

    var fieldCount: Int { ends.count }
    var byteCount: Int { bytes.count }
    /// Looks only where there is more than ASCII.
    var isUTF8: Bool { orOfBytes < 0x80 || String(validating: bytes, as: UTF8.self) != nil }
    var isBlank: Bool { ends.count == 1 && bytes.isEmpty }

    func field(_ index: Int) -> ArraySlice<UInt8> {
        bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
    }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        state = .fieldStart
        orOfBytes = 0
        hasNUL = false
    }

    mutating func add(_ line: UnsafeRawBufferPointer) -> Outcome {
        if state == .quoted { bytes.append(UInt8(ascii: "\n")) }
        for byte in line {
            orOfBytes |= byte
            hasNUL = hasNUL || byte == 0
            switch (state, byte) {
            case (.quoted, UInt8(ascii: "\"")): state = .quoteInQuoted
            case (.quoted, _): bytes.append(byte)
            case (.quoteInQuoted, UInt8(ascii: "\"")):
                bytes.append(byte)
                state = .quoted
            case (_, separator):
                endField()
                state = .fieldStart
            case (.fieldStart, UInt8(ascii: "\"")): state = .quoted
            case (.fieldStart, _) where byte.isBlank, (.quoteInQuoted, _) where byte.isBlank: break
            case (.quoteInQuoted, _): return .bad("text follows a closing quote")
            case (.fieldStart, _), (.plain, _):
                bytes.append(byte)
                state = .plain
            }
        }
        if state == .quoted { return .open }
        endField()
        return .complete
    }

    private mutating func endField() {
        let start = ends.last ?? 0
        while state == .plain, bytes.count > start, bytes[bytes.count - 1].isBlank { bytes.removeLast() }
        ends.append(bytes.count)
    }
}
