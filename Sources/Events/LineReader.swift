#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Cuts a text into lines, each handed out as soon as it is complete. A line ends with LF, CR LF or a lone CR.
final class LineReader {
    enum Line {
        /// Without its line break; valid until the next call, and `EventDecoder.padding` readable bytes
        /// follow.
        case bytes(UnsafeRawBufferPointer)
        /// A line above the limit, read over.
        case tooLong(bytes: Int)
    }

    let input: TextInput
    var path: String { input.path }
    var lineBytesMax: Int { input.lineBytesMax }
    /// Number of the line handed out last, from 1.
    private(set) var number = 0
    /// Whether the input has ended, and without a line break: perhaps it is only part of what was written.
    private(set) var endsInMidLine = false

    /// Where the line handed out last begins, for `putBack`.
    private var lastStart = 0

    init(_ input: TextInput, linesBefore: Int = 0) {
        self.input = input
        number = linesBefore
    }

    /// Whether the next line is here already, so that `next` will not wait.
    var hasLine: Bool {
        if case .found = lineBreak(from: 0) { true } else { false }
    }

    /// The next line; `nil` at the end. A last line without a line break counts.
    func next() throws(EventFileError) -> Line? {
        var searched = 0
        while true {
            switch lineBreak(from: searched) {
            case .found(let end, let next): return handOut(upTo: end, next: next)
            case .none(let place): searched = place
            }
            guard input.bytes.count <= lineBytesMax else { return try skipLongLine() }
            guard try !input.fill() else { continue }
            guard !input.bytes.isEmpty, !input.wasCancelled else { return nil }
            endsInMidLine = input.bytes.last != UInt8(ascii: "\r")
            let count = input.bytes.count
            return handOut(upTo: endsInMidLine ? count : count - 1, next: count)
        }
    }

    /// Hands out the last line again with the next call.
    func putBack() {
        input.putBack(from: lastStart)
        number -= 1
    }

    private enum LineBreak {
        case found(end: Int, next: Int)
        /// There is none before this place.
        case none(Int)
    }

    private func lineBreak(from start: Int) -> LineBreak {
        let bytes = input.bytes
        guard start < bytes.count, let base = bytes.baseAddress else { return .none(bytes.count) }
        func place(of byte: UInt8, _ end: Int) -> Int? {
            memchr(base + start, CInt(byte), end - start).map { UnsafeRawPointer($0) - base }
        }
        let feed = place(of: UInt8(ascii: "\n"), bytes.count)
        guard let carriage = place(of: UInt8(ascii: "\r"), feed ?? bytes.count) else {
            return feed.map { .found(end: $0, next: $0 + 1) } ?? .none(bytes.count)
        }
        // Whether the line feed of a CR at the end is still to come is not known yet.
        guard carriage + 1 < bytes.count else { return .none(carriage) }
        return .found(end: carriage, next: carriage + 1 == feed ? carriage + 2 : carriage + 1)
    }

    private func handOut(upTo end: Int, next: Int) -> Line {
        let line = UnsafeRawBufferPointer(rebasing: input.bytes[..<end])
        lastStart = input.unread.lowerBound
        input.take(next)
        number += 1
        guard line.count <= lineBytesMax else { return .tooLong(bytes: line.count) }
        return .bytes(line)
    }

    private func skipLongLine() throws(EventFileError) -> Line {
        var bytes = 0
        number += 1
        while true {
            switch lineBreak(from: 0) {
            case .found(let end, let next):
                input.take(next)
                return .tooLong(bytes: bytes + end)
            case .none(let place):
                bytes += place
                input.take(place)
            }
            guard try input.fill() else { return .tooLong(bytes: bytes) }
        }
    }
}

extension LineReader {
    func bad(_ error: EventError, line: Int? = nil) -> EventFile.Entry { bad(error.description, line: line) }

    func bad(_ reason: String, line: Int? = nil) -> EventFile.Entry {
        .bad(BadLine(path: path, line: line ?? number, reason: reason))
    }
}
