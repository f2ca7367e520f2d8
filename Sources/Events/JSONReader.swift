/// JSON objects one after the other, each an event: one a line (JSONL), pretty-printed over several, parted by commas or
/// by nothing, or the elements of an array, which is never held as a whole.
///
/// What is no object costs its own line. Where objects end on the line on which they begin, one that does not is taken
/// for cut off there, and the next line is read for itself.
final class JSONReader: EventReader {
    private let input: TextInput
    private let decoder: EventDecoder
    /// Line of the next byte, from 1.
    private var line: Int
    /// Blanks before the next byte on its line; `nil` where something else stands before it.
    private var column: Int? = 0
    /// Line on which the array that is being read begins.
    private var arrayLine: Int?
    /// Whether the last object ended on its own line.
    private var hasLineObjects: Bool?
    /// Column of an object that spanned lines and was broken: the lines up to the next one like it are its rest.
    private var brokenColumn: Int?
    private var lastByte: UInt8 = 0
    private(set) var endsInMidLine = false

    init(_ input: TextInput, options: EventOptions, linesBefore: Int) {
        self.input = input
        line = linesBefore + 1
        decoder = EventDecoder(options: options)
    }

    /// Line on which the entry handed out last begins.
    private(set) var entryLine = 0
    var timeUnits: TimeUnitTally { decoder.timeUnits }
    var hasNext: Bool { input.isFile || input.bytes.contains(UInt8(ascii: "}")) }

    func next() throws(EventFileError) -> EventFile.Entry? {
        while let byte = try skipBlanks() {
            if let broken = brokenColumn {
                guard isResumption(byte, broken) else {
                    _ = try skipLine()
                    continue
                }
                brokenColumn = nil
            }
            entryLine = line
            switch byte {
            case UInt8(ascii: ","): takeOne()
            case UInt8(ascii: "[") where arrayLine == nil:
                arrayLine = line
                takeOne()
            case UInt8(ascii: "]") where arrayLine != nil:
                arrayLine = nil
                takeOne()
            case UInt8(ascii: "{"): return try object()
            default: return try junk()
            }
        }
        guard let arrayLine, !input.wasCancelled else { return nil }
        self.arrayLine = nil
        return bad("the array that begins here is not closed; is the file complete?", line: arrayLine)
    }

    // MARK: - Objects

    private func object() throws(EventFileError) -> EventFile.Entry? {
        let (start, column) = (line, column)
        var scanner = JSONObjectScanner()
        var scanned = 0
        /// Bytes of an object above the limit, no longer held.
        var dropped = 0
        while true {
            let bytes = input.bytes
            while scanned < bytes.count {
                let byte = bytes[scanned]
                if byte.isLineBreak, endsHere(scanner) {
                    return try broken("the object is not closed on its line", start, column)
                }
                scanned += 1
                switch scanner.take(byte) {
                case .goesOn: continue
                case .closed: return try closed(scanner, scanned, dropped, start)
                case .broken(let why):
                    if dropped > 0 { line += scanner.lineBreaks }
                    return try broken(why, start, column)
                }
            }
            if scanned > input.lineBytesMax {
                dropped += scanned
                input.take(scanned)
                scanned = 0
            }
            guard try !input.fill() else { continue }
            if input.wasCancelled { return nil }
            endsInMidLine = scanner.lineBreaks == 0
            return try broken("the object is not closed; is the file complete?", start, column)
        }
    }

    private func endsHere(_ scanner: JSONObjectScanner) -> Bool {
        hasLineObjects == true && arrayLine == nil && scanner.lineBreaks == 0 && !scanner.isJustOpened
    }

    private func closed(
        _ scanner: JSONObjectScanner, _ count: Int, _ dropped: Int, _ start: Int
    ) throws(EventFileError) -> EventFile.Entry {
        let record = UnsafeRawBufferPointer(rebasing: input.bytes[..<count])
        line += scanner.lineBreaks
        (column, lastByte) = (nil, UInt8(ascii: "}"))
        hasLineObjects = scanner.lineBreaks == 0
        input.take(count)
        defer { skipBlanksAtHand() }
        let bytes = dropped + count
        guard bytes <= input.lineBytesMax else {
            return bad(
                EventError.tooLong(bytes: bytes, bytesMax: input.lineBytesMax).description, line: start)
        }
        do throws(EventError) {
            return .event(try decoder.decode(record))
        } catch {
            return bad(error.description, line: start)
        }
    }

    /// Goes on with the line behind the one on which the object begins.
    private func broken(
        _ why: String, _ start: Int, _ column: Int?
    ) throws(EventFileError) -> EventFile.Entry {
        if hasLineObjects != true { brokenColumn = column ?? -1 }
        _ = try skipLine()
        return bad("not JSON: \(why)", line: start)
    }

    /// Whether a line that begins so is behind the rest of a broken object.
    private func isResumption(_ byte: UInt8, _ broken: Int) -> Bool {
        guard let column else { return true }
        let isBracket = byte == UInt8(ascii: "{") || byte == UInt8(ascii: "]") && arrayLine != nil
        return isBracket && (broken < 0 || column <= broken)
    }

    // MARK: - What is no object

    /// An element of an array that is none, or a line.
    private func junk() throws(EventFileError) -> EventFile.Entry {
        let start = line
        let text: String
        if arrayLine == nil {
            text = try skipLine()
        } else {
            text = try skipElement()
        }
        let shown = text.utf8.allSatisfy { $0 == 0 } ? "NUL bytes" : EventError.shown(text)
        skipBlanksAtHand()
        return bad("not a JSON object: \(shown)", line: start)
    }

    /// Takes the rest of the line; gives its beginning.
    private func skipLine() throws(EventFileError) -> String {
        try skip { $0.isLineBreak }
    }

    private func skipElement() throws(EventFileError) -> String {
        var isInString = false
        return try skip { byte in
            if byte == UInt8(ascii: "\"") { isInString.toggle() }
            let ends = byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]")
            return byte.isLineBreak || ends && !isInString
        }
    }

    private func skip(until ends: (UInt8) -> Bool) throws(EventFileError) -> String {
        var text: [UInt8] = []
        while true {
            let rest = input.bytes.firstIndex(where: ends) ?? input.bytes.count
            if text.count < 256 { text += input.bytes.prefix(min(rest, 256)) }
            let isDone = rest < input.bytes.count
            if rest > 0 { (column, lastByte) = (nil, 0) }
            input.take(rest)
            guard !isDone, try input.fill() else { return String(decoding: text, as: UTF8.self) }
        }
    }

    // MARK: - Places

    /// The next byte that is no blank, left in place; `nil` at the end.
    private func skipBlanks() throws(EventFileError) -> UInt8? {
        while true {
            skipBlanksAtHand()
            if let byte = input.bytes.first { return byte }
            guard try input.fill() else { return nil }
        }
    }

    private func skipBlanksAtHand() {
        let bytes = input.bytes
        var count = 0
        while count < bytes.count, bytes[count].isBlank {
            let byte = bytes[count]
            if byte.isLineBreak {
                if byte != UInt8(ascii: "\n") || lastByte != UInt8(ascii: "\r") { line += 1 }
                column = 0
            } else {
                column = column.map { $0 + 1 }
            }
            lastByte = byte
            count += 1
        }
        input.take(count)
    }

    private func takeOne() {
        (column, lastByte) = (nil, 0)
        input.take(1)
    }

    private func bad(_ reason: String, line: Int) -> EventFile.Entry {
        .bad(BadLine(path: input.path, line: line, reason: reason))
    }
}
