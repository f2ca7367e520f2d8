/// Events from a file or from standard input, one after the other; gzip is unpacked on the way.
///
/// Confined to one thread.
public final class EventFile {
    public enum Format: String, Sendable, CaseIterable {
        /// `ratings.csv`, `ratings.dat`, `movies.csv`, `movies.dat` as GroupLens publishes them; times in
        /// seconds.
        case movielens
        /// A header with the configured field names; times in milliseconds, tags parted by `|`.
        case csv
        /// One JSON object a line.
        case jsonl
    }

    public enum Entry: Sendable, Equatable {
        case event(Event)
        case bad(BadLine)
    }

    public let path: String
    public let format: Format
    private let lines: LineReader
    private let reader: any EventReader

    /// - Parameters:
    ///   - path: `-` is standard input.
    ///   - format: `nil` guesses by the name and the first line.
    ///   - isCancelled: asked while waiting for a pipe; once true, the file ends.
    /// - Throws: `EventFileError` where the file cannot be read or is none that freshet takes.
    public static func open(
        _ path: String, format: Format? = nil, options: EventOptions,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(EventFileError) -> EventFile {
        let lines = try LineReader(path: path, lineBytesMax: options.bytesMax, isCancelled: isCancelled)
        let chosen: Format
        if let format { chosen = format } else { chosen = try EventFileFormat.guess(lines, options: options) }
        let reader = try reader(lines, chosen, options)
        return EventFile(lines: lines, format: chosen, reader: reader)
    }

    private static func reader(
        _ lines: LineReader, _ format: Format, _ options: EventOptions
    ) throws(EventFileError) -> any EventReader {
        switch format {
        case .movielens: try MovieLens.reader(lines, options: options)
        case .csv: try CSVReader(lines, options: options)
        case .jsonl: JSONLReader(lines, options: options)
        }
    }

    private init(lines: LineReader, format: Format, reader: any EventReader) {
        self.path = lines.path
        self.format = format
        self.lines = lines
        self.reader = reader
    }

    /// The next event, or the next line that is none; `nil` at the end.
    public func next() throws(EventFileError) -> Entry? { try reader.next() }

    /// Whether events come as they happen, in an order that is their own.
    public var isStream: Bool { path == "-" || format == .jsonl }

    /// Whether `next` will not wait for input.
    public var hasNext: Bool { lines.hasLine }

    /// Whether the file has ended, and its last line has no line break: perhaps it was cut off.
    public var endsInMidLine: Bool { lines.endsInMidLine }

    /// Part of the file already read, 0 to 1; `nil` where the size is not known.
    public var fractionRead: Double? { lines.fractionRead }
}

/// What each format does with the lines.
protocol EventReader: AnyObject {
    func next() throws(EventFileError) -> EventFile.Entry?
}

extension LineReader {
    func bad(_ error: EventError, line: Int? = nil) -> EventFile.Entry { bad(error.description, line: line) }

    func bad(_ reason: String, line: Int? = nil) -> EventFile.Entry {
        .bad(BadLine(path: path, line: line ?? number, reason: reason))
    }

    /// The first line as text, left in place; `nil` in an empty file.
    func peek() throws(EventFileError) -> String? {
        switch try next() {
        case nil: return nil
        case .tooLong(let bytes):
            throw EventFileError(
                path: path, "begins with a line of \(bytes) bytes; \(lineBytesMax) are allowed")
        case .bytes(let bytes):
            let text = String(decoding: bytes, as: UTF8.self)
            putBack()
            return text
        }
    }

    /// File name without folders and `.gz`, in lower case.
    var fileName: String {
        let name = (path.split(separator: "/").last.map(String.init) ?? path).lowercased()
        return name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
    }
}

enum EventFileFormat {
    static func guess(_ lines: LineReader, options: EventOptions) throws(EventFileError) -> EventFile.Format {
        let name = lines.fileName
        if [".jsonl", ".ndjson", ".json"].contains(where: { name.hasSuffix($0) }) { return .jsonl }
        if name.hasSuffix(".dat") || MovieLens.isOtherFile(name) { return .movielens }
        guard let first = try lines.peek() else { return .jsonl }
        if first.drop(while: { $0 == " " || $0 == "\t" }).hasPrefix("{") { return .jsonl }
        if first.contains("::") { return .movielens }
        let columns = Set(CSVRecords.columns(ofHeader: first))
        if columns.contains("movieId") { return .movielens }
        if columns.contains(options.fields.user) || columns.contains(options.fields.item) { return .csv }
        throw EventFileError(
            path: lines.path,
            """
            format not recognized: it begins with '\(first.prefix(60))'; allowed is JSON objects, MovieLens files, \
            or CSV with a header that names '\(options.fields.user)' and '\(options.fields.item)'
            """)
    }
}
