/// Events from a file or from standard input, one after the other; gzip is unpacked on the way.
///
/// Confined to one thread.
public final class EventFile {
    public enum Format: String, Sendable, CaseIterable {
        /// `ratings` and `movies` as GroupLens publishes them (`.csv`, `.dat`), and `u.data`.
        case movielens
        /// Values parted by commas, semicolons, tabs or pipes under a header with the configured field names; tags
        /// parted by `|`.
        case csv
        /// JSON objects: one a line, pretty-printed, or the elements of an array.
        case jsonl
    }

    public enum Entry: Sendable, Equatable {
        case event(Event)
        case bad(BadLine)
    }

    public let path: String
    public let format: Format
    private let input: TextInput
    private let reader: any EventReader

    /// - Parameters:
    ///   - path: `-` is standard input.
    ///   - format: `nil` goes by what the file begins with, and by its name only where that says nothing.
    ///   - isCancelled: asked while waiting for a pipe; once true, the file ends.
    /// - Throws: `EventFileError` where the file cannot be read or is none that freshet takes.
    public static func open(
        _ path: String, format: Format? = nil, options: EventOptions,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) throws(EventFileError) -> EventFile {
        let input = try TextInput(path: path, lineBytesMax: options.bytesMax, isCancelled: isCancelled)
        let (chosen, reader) = try EventFileFormat(input, options).reader(format)
        return EventFile(input: input, format: chosen, reader: reader)
    }

    private init(input: TextInput, format: Format, reader: any EventReader) {
        self.path = input.path
        self.format = format
        self.input = input
        self.reader = reader
    }

    /// The next event, or the next line that is none; `nil` at the end.
    public func next() throws(EventFileError) -> Entry? { try reader.next() }

    /// Line on which the entry handed out last begins, from 1.
    public var line: Int { reader.entryLine }

    /// Whether events come as they happen, in an order that is their own.
    public var isStream: Bool { path == "-" || format == .jsonl }

    /// Whether `next` will not wait for input.
    public var hasNext: Bool { reader.hasNext }

    /// Whether the file has ended, and its last line has no line break: perhaps it was cut off.
    public var endsInMidLine: Bool { reader.endsInMidLine }

    /// Part of the file already read, 0 to 1; `nil` where the size is not known.
    public var fractionRead: Double? { input.fractionRead }

    /// What to tell whoever reads it, though its events are taken. Complete once the file has ended.
    public var warnings: [String] {
        let mixture = reader.timeUnits.mixture.map { [$0] } ?? []
        return (input.warnings + mixture).map { "\(path == "-" ? "standard input" : path): \($0)" }
    }
}

/// What each format does with the text.
protocol EventReader: AnyObject {
    func next() throws(EventFileError) -> EventFile.Entry?
    /// Line on which the entry handed out last begins.
    var entryLine: Int { get }
    var hasNext: Bool { get }
    var endsInMidLine: Bool { get }
    var timeUnits: TimeUnitTally { get }
}

/// Finds out what a file is by what it begins with.
struct EventFileFormat {
    private let input: TextInput
    private let options: EventOptions

    init(_ input: TextInput, _ options: EventOptions) {
        self.input = input
        self.options = options
    }

    /// - Parameter given: what the caller says it is.
    func reader(
        _ given: EventFile.Format?
    ) throws(EventFileError) -> (EventFile.Format, any EventReader) {
        // Not looked at, for a pipe may be silent as yet.
        if given == .jsonl { return (.jsonl, JSONReader(input, options: options, linesBefore: 0)) }
        guard let (first, blankLines) = try input.peekLine() else {
            return (given ?? .jsonl, JSONReader(input, options: options, linesBefore: 0))
        }
        let isJSON = given == nil && (first.hasPrefix("{") || first.hasPrefix("["))
        if !isJSON, let (format, reader) = try lineReader(first, blankLines) {
            return (given ?? format, reader)
        }
        guard isJSON || given == nil && hasJSONName else { throw notRecognized(first) }
        return (.jsonl, JSONReader(input, options: options, linesBefore: blankLines))
    }

    /// `nil` where the text is neither of GroupLens nor under a header.
    private func lineReader(
        _ first: String, _ blankLines: Int
    ) throws(EventFileError) -> (EventFile.Format, any EventReader)? {
        let lines = LineReader(input, linesBefore: blankLines)
        if let separator = MovieLens.separator(of: first) {
            let reader = try MovieLensReader(lines, first: first, separator: separator, options: options)
            return (.movielens, reader)
        }
        let separator = CSVHeader.separator(in: first)
        var names = first
        if separator != nil {
            _ = try lines.next()
            guard let second = try input.peekLine() else { return nil }
            names = second.text
        }
        let header = try CSVHeader(names, separator: separator, path: input.path, fields: options.fields)
        guard let header else { return nil }
        _ = try lines.next()
        let format: EventFile.Format = header.isMovieLens ? .movielens : .csv
        return (format, CSVReader(lines, header: header, options: options))
    }

    private var hasJSONName: Bool {
        [".jsonl", ".ndjson", ".json"].contains { fileName.hasSuffix($0) }
    }

    /// File name without folders and `.gz`, in lower case.
    private var fileName: String {
        let name = (input.path.split(separator: "/").last.map(String.init) ?? input.path).lowercased()
        return name.hasSuffix(".gz") ? String(name.dropLast(3)) : name
    }

    private func notRecognized(_ first: String) -> EventFileError {
        EventFileError(
            path: input.path,
            """
            format not recognized: it begins with \(EventError.shown(first)); allowed is JSON objects, MovieLens \
            files, or values parted by comma, semicolon, tab or pipe under a header that names \
            '\(options.fields.user)' and '\(options.fields.item)'; events.fields gives columns other names
            """)
    }
}
