/// GroupLens's files without a header: `ratings.dat`, `movies.dat` and `users.dat`, parted by `::`, and `u.data`, parted by
/// tabs. Those with a header are read as every CSV file.
enum MovieLens {
    enum Content { case ratings, movies, users }

    static let noGenres = "(no genres listed)"
    /// As `users.dat` has them.
    static let sexes = ["F", "M"]

    /// How a first line is parted: `::`, or tabs between three or four numbers; `nil` for anything else.
    static func separator(of line: String) -> String? {
        if line.contains("::") { return "::" }
        let cells = cells(line, separator: "\t")
        return (3...4).contains(cells.count) && cells.allSatisfy { PlainText.number($0) != nil } ? "\t" : nil
    }

    static func cells(_ text: String, separator: String) -> [String] {
        let (bytes, separator) = (Array(text.utf8), Array(separator.utf8))
        var cells: [String] = []
        var (start, place) = (0, 0)
        while place + separator.count <= bytes.count {
            guard bytes[place..<place + separator.count].elementsEqual(separator) else {
                place += 1
                continue
            }
            cells.append(String(decoding: bytes[start..<place], as: UTF8.self))
            place += separator.count
            start = place
        }
        cells.append(String(decoding: bytes[start...], as: UTF8.self))
        return cells.map(PlainText.trimmed)
    }
}

/// Reads them. The first two of its fields are user and item of a rating, or the item and its title.
///
/// ML-1M's files are Latin-1, ML-10M's UTF-8. A line that is valid UTF-8 is taken as that: Latin-1 text that
/// happens to be valid UTF-8 would have to hold pairs such as "Ã©".
final class MovieLensReader: EventReader {
    private let lines: LineReader
    private let options: EventOptions
    private let content: MovieLens.Content
    private let separator: String
    private(set) var timeUnits = TimeUnitTally()
    var entryLine: Int { lines.number }
    var hasNext: Bool { lines.input.isFile || lines.hasLine }
    var endsInMidLine: Bool { lines.endsInMidLine }

    init(
        _ lines: LineReader, first: String, separator: String, options: EventOptions
    ) throws(EventFileError) {
        self.lines = lines
        self.options = options
        self.separator = separator
        let cells = MovieLens.cells(first, separator: separator)
        switch cells.count {
        case 3: content = PlainText.number(cells[2]) == nil ? .movies : .ratings
        case 4: content = .ratings
        case 5 where MovieLens.sexes.contains(cells[1]): content = .users
        default:
            throw EventFileError(
                path: lines.path,
                """
                by its first line '\(first.prefix(60))' it holds neither ratings nor movies nor users; feed \
                ratings.*, movies.* and users.* instead
                """)
        }
    }

    func next() throws(EventFileError) -> EventFile.Entry? {
        while let line = try lines.next() {
            switch line {
            case .tooLong(let bytes): return lines.bad(.tooLong(bytes: bytes, bytesMax: lines.lineBytesMax))
            case .bytes(let bytes) where bytes.allSatisfy(\.isBlank): continue
            case .bytes(let bytes): return entry(Self.text(bytes))
            }
        }
        return nil
    }

    private func entry(_ text: String) -> EventFile.Entry {
        let cells = MovieLens.cells(text, separator: separator)
        let wanted =
            switch content {
            case .ratings: 3...4
            case .movies: 3...3
            case .users: 5...5
            }
        guard wanted.contains(cells.count) else {
            let name = separator == "\t" ? "tabs" : "'\(separator)'"
            let counts = wanted.count == 1 ? "\(wanted.lowerBound)" : "3 or 4"
            return lines.bad("has \(cells.count) fields parted by \(name), wanted are \(counts)")
        }
        do throws(EventError) {
            switch content {
            case .ratings: return .event(try rating(cells))
            case .movies: return .event(try movie(cells))
            case .users: return .event(try user(cells))
            }
        } catch {
            return lines.bad(error)
        }
    }

    private func rating(_ cells: [String]) throws(EventError) -> Event {
        guard let value = PlainText.number(cells[2]) else {
            throw .badValue(field: "rating", found: EventError.shown(cells[2]), wanted: "a number")
        }
        let kind = Event.Kind.rating(
            user: try EntityID(cells[0], field: "user"), item: try EntityID(cells[1], field: "item"),
            value: try options.rating(value))
        guard cells.count == 4, !cells[3].isEmpty else { return Event(kind) }
        let read = try EventTime(cells[3], .auto, field: "timestamp")
        let time = try options.check(read)
        if let unit = read.unit { timeUnits.note(unit) }
        return Event(kind, time: time)
    }

    private func movie(_ cells: [String]) throws(EventError) -> Event {
        let tags = cells[2] == MovieLens.noGenres ? [] : try options.tags(cells[2])
        try options.check(title: cells[1])
        let item = try EntityID(cells[0], field: "movie")
        return Event(.item(ItemDescription(item: item, title: cells[1], tags: tags)))
    }

    /// Sex, group of age and occupation are tags, the latter two by the file's own numbers. A zip code is nearly a name:
    /// it is left out.
    private func user(_ cells: [String]) throws(EventError) -> Event {
        guard MovieLens.sexes.contains(cells[1]) else {
            throw .badValue(field: "sex", found: EventError.shown(cells[1]), wanted: "F or M")
        }
        let tags = [cells[1], "age:\(cells[2])", "occupation:\(cells[3])"]
        try options.check(tags: tags)
        return Event(.user(UserDescription(user: try EntityID(cells[0], field: "user"), tags: tags)))
    }

    private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        if let text = String(validating: bytes, as: UTF8.self) { return text }
        return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }
}
