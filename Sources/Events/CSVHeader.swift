/// What the header of a separated-values file says: which column holds which field, what its rows are, and how its cells
/// are written. Files are known by their header, not by their name.
struct CSVHeader {
    /// The columns of GroupLens's files (https://grouplens.org/datasets/movielens/), and what they hold. They count where
    /// a field has no column under its configured name.
    static let movieLensNames = [
        "userId": "user", "movieId": "item", "timestamp": "ts", "genres": "tags",
    ]
    static let separators: [UInt8] = [",", ";", "\t", "|"].map { UInt8(ascii: $0) }

    /// The column of key words in a file of GroupLens's films: tags beside the genres.
    private static let keywordsName = "tmdb_keywords"

    let separator: UInt8
    /// Column of each field, by the field's own name.
    let columns: [String: Int]
    let columnCount: Int
    /// What a row is that does not say.
    let defaultType: EventType
    /// Whether its columns are named as GroupLens names them.
    let isMovieLens: Bool
    /// Column of key words, which are tags too.
    let keywordsColumn: Int?

    /// Comma-separated files cannot have it, spreadsheets write it where the comma is no separator.
    var hasDecimalComma: Bool { separator != UInt8(ascii: ",") }

    /// The separator that a first line `sep=;` names, as Excel writes and reads it.
    static func separator(in line: String) -> UInt8? {
        let text = PlainText.trimmed(line).filter { $0 != "\"" }
        guard text.lowercased().hasPrefix("sep="), text.utf8.count == 5 else { return nil }
        return text.utf8.last
    }

    /// The header that a line is, under the separator that finds the most columns; `nil` where it names neither user nor
    /// item.
    /// - Throws: `EventFileError` where it does, but its rows would be no events.
    init?(
        _ line: String, separator: UInt8?, path: String, fields: EventOptions.Fields
    ) throws(EventFileError) {
        let candidates = (separator.map { [$0] } ?? Self.separators).map { separator in
            (separator: separator, columns: Self.columns(line, separator, fields))
        }
        guard let best = candidates.max(by: { $0.columns.count < $1.columns.count }),
            best.columns["user"] != nil || best.columns["item"] != nil
        else { return nil }
        let names = CSVRecords.fields(of: line, separator: best.separator)
        self.separator = best.separator
        columns = best.columns
        columnCount = names.count
        isMovieLens = names.contains("movieId")
        keywordsColumn = isMovieLens ? names.firstIndex(of: Self.keywordsName) : nil
        try Self.checkUnique(names, columns, path)
        guard let type = Self.defaultType(best.columns) else {
            throw Self.noEvents(names, columns: best.columns, path, fields)
        }
        defaultType = type
    }

    private static func columns(
        _ line: String, _ separator: UInt8, _ fields: EventOptions.Fields
    ) -> [String: Int] {
        let names = CSVRecords.fields(of: line, separator: separator)
        let lowercased = names.map { $0.lowercased() }
        var columns: [String: Int] = [:]
        for (field, name) in fields.all {
            let others = movieLensNames.filter { $0.value == field }.map(\.key)
            let place =
                names.firstIndex(of: name) ?? names.firstIndex { others.contains($0) }
                ?? lowercased.firstIndex(of: name.lowercased())
                ?? lowercased.firstIndex { name in others.contains { $0.lowercased() == name } }
            // One column can be no two fields, say where `title` is mapped to `timestamp`.
            if let place, !columns.values.contains(place) { columns[field] = place }
        }
        return columns
    }

    private static func checkUnique(
        _ names: [String], _ columns: [String: Int], _ path: String
    ) throws(EventFileError) {
        for place in columns.values.sorted() where names.count(where: { $0 == names[place] }) > 1 {
            throw EventFileError(
                path: path, "the header names '\(names[place])' twice; which of the two columns holds?")
        }
    }

    private static func defaultType(_ columns: [String: Int]) -> EventType? {
        let has: (String) -> Bool = { columns[$0] != nil }
        if has("type") { return .rating }
        if has("user"), has("item") { return has("rating") ? .rating : has("signal") ? .signal : nil }
        let tags = has("tags") || has("add-tags")
        if has("user"), !has("item") { return tags ? .user : nil }
        return has("item") && !has("user") && (has("title") || tags || has("available")) ? .item : nil
    }

    private static func noEvents(
        _ names: [String], columns: [String: Int], _ path: String, _ fields: EventOptions.Fields
    ) -> EventFileError {
        let header = names.joined(separator: ",")
        if names.contains("movieId") {
            return EventFileError(
                path: path,
                "by its header '\(header)' it holds neither ratings nor movies; feed ratings.* and movies.* instead"
            )
        }
        let missing = ["user", "item", "rating"].filter { columns[$0] == nil }
        let known = fields.all.map(\.name).joined(separator: ", ")
        return EventFileError(
            path: path,
            """
            by its header '\(header)' its rows are no events: it lacks \(missing.joined(separator: ", ")) \
            (or type, signal, title); known columns are \(known), and events.fields gives them other names
            """)
    }
}
