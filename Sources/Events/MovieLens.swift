/// The files of GroupLens (https://grouplens.org/datasets/movielens/): `.csv` with a header, or `.dat` with
/// `::`.
enum MovieLens {
    enum Content { case ratings, movies }

    /// Whether this is a file of the data set that holds neither ratings nor movies.
    static func isOtherFile(_ name: String) -> Bool {
        ["users.", "tags.", "links.", "genome-scores.", "genome-tags."].contains { name.hasPrefix($0) }
    }

    /// - Throws: `EventFileError` for a file that holds neither ratings nor movies.
    static func reader(_ lines: LineReader, options: EventOptions) throws(EventFileError) -> any EventReader {
        guard !isOtherFile(lines.fileName) else { throw other(lines, "by its name") }
        let first = try lines.peek() ?? ""
        return first.contains("::") || lines.fileName.hasSuffix(".dat")
            ? try MovieLensDatReader(lines, first: first, options: options)
            : try MovieLensCSVReader(lines, options: options)
    }

    static func other(_ lines: LineReader, _ how: String) -> EventFileError {
        EventFileError(
            path: lines.path,
            "\(how) it holds neither ratings nor movies; feed ratings.* and movies.* instead")
    }

    /// Turns the cells into an event; both file kinds end here.
    static func rating(
        user: String, movie: String, rating: String, seconds: String, options: EventOptions
    ) throws(EventError) -> Event {
        guard let value = Double(rating) else { throw .wrongType(field: "rating", wanted: "a number") }
        try options.check(rating: value)
        guard let seconds = Int64(seconds) else {
            throw .wrongType(field: "timestamp", wanted: "an integer (seconds since 1970)")
        }
        let (time, overflow) = seconds.multipliedReportingOverflow(by: 1_000)
        guard !overflow else { throw .timeOutOfRange(Double(seconds) * 1_000, allowed: options.times) }
        try options.check(time: time)
        return Event(
            .rating(user: try EntityID(user), item: try EntityID(movie), value: Float(value)), time: time)
    }

    static func movie(
        _ id: String, title: String, genres: String, options: EventOptions
    ) throws(EventError) -> Event {
        let tags = genres == "(no genres listed)" ? [] : genres.split(separator: "|").map(String.init)
        try options.check(title: title)
        try options.check(tags: tags)
        return Event(.item(ItemDescription(item: try EntityID(id), title: title, tags: tags)))
    }
}

/// `ratings.csv` and `movies.csv`: columns are found by name, others ignored.
final class MovieLensCSVReader: EventReader {
    private let lines: LineReader
    private let options: EventOptions
    private let records: CSVRecords
    private let content: MovieLens.Content
    /// Where userId, movieId, rating, timestamp or movieId, title, genres stand.
    private let columns: [Int]
    private let columnCount: Int

    init(_ lines: LineReader, options: EventOptions) throws(EventFileError) {
        self.lines = lines
        self.options = options
        records = CSVRecords(lines)
        let header = try records.header() ?? []
        columnCount = header.count
        let ratings = ["userId", "movieId", "rating", "timestamp"].compactMap { header.firstIndex(of: $0) }
        let movies = ["movieId", "title", "genres"].compactMap { header.firstIndex(of: $0) }
        guard header.isEmpty || ratings.count == 4 || movies.count == 3 else {
            throw MovieLens.other(lines, "by its header '\(header.joined(separator: ","))'")
        }
        content = movies.count == 3 ? .movies : .ratings
        columns = movies.count == 3 ? movies : ratings
    }

    func next() throws(EventFileError) -> EventFile.Entry? {
        switch try records.next() {
        case nil: return nil
        case .bad(let entry): return entry
        case .record:
            guard records.fieldCount == columnCount else {
                let reason = "has \(records.fieldCount) columns, the header has \(columnCount)"
                return lines.bad(reason, line: records.line)
            }
            do throws(EventError) {
                return .event(try event())
            } catch {
                return lines.bad(error, line: records.line)
            }
        }
    }

    private func event() throws(EventError) -> Event {
        let cells = columns.map { records.text($0) }
        switch content {
        case .ratings:
            return try MovieLens.rating(
                user: cells[0], movie: cells[1], rating: cells[2], seconds: cells[3], options: options)
        case .movies:
            return try MovieLens.movie(cells[0], title: cells[1], genres: cells[2], options: options)
        }
    }
}

/// `ratings.dat` and `movies.dat`: fields parted by `::`, no header, no quotes.
///
/// ML-1M's are Latin-1, ML-10M's UTF-8. A line that is valid UTF-8 is taken as that: Latin-1 text that
/// happens to be valid UTF-8 would have to hold pairs such as "Ã©".
final class MovieLensDatReader: EventReader {
    private let lines: LineReader
    private let options: EventOptions
    private let content: MovieLens.Content

    init(_ lines: LineReader, first: String, options: EventOptions) throws(EventFileError) {
        self.lines = lines
        self.options = options
        switch Self.cells(first).count {
        case 3: content = .movies
        case 4: content = .ratings
        case _ where first.isEmpty: content = .ratings
        default: throw MovieLens.other(lines, "by its first line '\(first.prefix(60))'")
        }
    }

    func next() throws(EventFileError) -> EventFile.Entry? {
        while let line = try lines.next() {
            switch line {
            case .tooLong(let bytes): return lines.bad(.tooLong(bytes: bytes, bytesMax: lines.lineBytesMax))
            case .bytes(let bytes) where bytes.isEmpty: continue
            case .bytes(let bytes): return entry(Self.text(bytes))
            }
        }
        return nil
    }

    private func entry(_ text: String) -> EventFile.Entry {
        let cells = Self.cells(text)
        let wanted = content == .ratings ? 4 : 3
        guard cells.count == wanted else {
            return lines.bad("has \(cells.count) fields parted by '::', wanted are \(wanted)")
        }
        do throws(EventError) {
            switch content {
            case .ratings:
                return .event(
                    try MovieLens.rating(
                        user: cells[0], movie: cells[1], rating: cells[2], seconds: cells[3], options: options
                    ))
            case .movies:
                return .event(
                    try MovieLens.movie(cells[0], title: cells[1], genres: cells[2], options: options))
            }
        } catch {
            return lines.bad(error)
        }
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }

    private static func cells(_ text: String) -> [String] {
        var cells: [String] = []
        let bytes = text.utf8
        var start = bytes.startIndex
        var place = start
        while place < bytes.endIndex {
            let next = bytes.index(after: place)
            let isSeparator =
                bytes[place] == UInt8(ascii: ":") && next < bytes.endIndex && bytes[next] == UInt8(ascii: ":")
            guard isSeparator else {
                place = next
                continue
            }
            cells.append(String(text[start..<place]))
            place = bytes.index(after: next)
            start = place
        }
        cells.append(String(text[start...]))
        return cells
    }
}
