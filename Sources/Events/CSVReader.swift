/// Separated values under a header; other columns are ignored, an empty cell is absent.
final class CSVReader: EventReader {
    private let lines: LineReader
    private let options: EventOptions
    private let header: CSVHeader
    private let records: CSVRecords
    private(set) var timeUnits = TimeUnitTally()
    var entryLine: Int { records.line }
    var hasNext: Bool { lines.input.isFile || lines.hasLine }
    var endsInMidLine: Bool { lines.endsInMidLine }

    /// - Parameter lines: behind the header.
    init(_ lines: LineReader, header: CSVHeader, options: EventOptions) {
        self.lines = lines
        self.options = options
        self.header = header
        records = CSVRecords(lines, separator: header.separator)
    }

    func next() throws(EventFileError) -> EventFile.Entry? {
        switch try records.next() {
        case nil: return nil
        case .bad(let entry): return entry
        case .record:
            guard hasColumns else {
                let reason = "has \(records.fieldCount) columns, the header has \(header.columnCount)"
                return lines.bad(reason, line: records.line)
            }
            do throws(EventError) {
                return .event(Event(try kind(), time: try time(), id: try eventID()))
            } catch {
                return lines.bad(error, line: records.line)
            }
        }
    }

    /// Spreadsheets end rows with separators of columns that once held something.
    private var hasColumns: Bool {
        records.fieldCount >= header.columnCount
            && (header.columnCount..<records.fieldCount).allSatisfy { records.text($0).isEmpty }
    }

    private func kind() throws(EventError) -> Event.Kind {
        let type = try text("type").map { text throws(EventError) in try EventType(text) }
        switch type ?? header.defaultType {
        case .rating:
            return .rating(user: try id("user"), item: try id("item"), value: try rating())
        case .signal:
            let name = try required("signal")
            try options.check(signal: name)
            return .signal(user: try id("user"), item: try id("item"), name: name)
        case .retract: return .retract(user: try id("user"), item: try id("item"))
        case .hide: return .hide(user: try id("user"), item: try id("item"))
        case .unhide: return .unhide(user: try id("user"), item: try id("item"))
        case .forget: return .forget(user: try id("user"))
        case .item: return .item(try itemDescription())
        case .user:
            let description = UserDescription(
                user: try id("user"), tags: try text("tags").map(tags), addedTags: try addedTags())
            guard description.tags != nil || description.addedTags != nil else {
                throw .missingField(name("tags"))
            }
            return .user(description)
        case .promote:
            throw .badValue(
                field: name("type"), found: "'promote'",
                wanted: "what users and items do; promotions are JSON alone")
        }
    }

    private func itemDescription() throws(EventError) -> ItemDescription {
        let description = ItemDescription(
            item: try id("item"), title: text("title"), tags: try tags(), addedTags: try addedTags(),
            available: try available())
        if let title = description.title { try options.check(title: title) }
        return description
    }

    private func tags() throws(EventError) -> [String]? {
        // GroupLens's list of genres is whole also where it is empty.
        guard header.keywordsColumn == nil else { return try genresAndKeywords() }
        guard let text = text("tags") else {
            return header.isMovieLens && header.columns["tags"] != nil ? [] : nil
        }
        return text == MovieLens.noGenres ? [] : try options.tags(text)
    }

    /// Both are tags; what is a genre and a key word too, once.
    private func genresAndKeywords() throws(EventError) -> [String] {
        let texts = [text("tags"), header.keywordsColumn.map { records.text($0) }]
        let parts = texts.compactMap { $0 }.filter { !$0.isEmpty && $0 != MovieLens.noGenres }
        var list = TagList()
        _ = list.describe(tags: nil, added: try tags(parts.joined(separator: "|")), time: nil)
        return list.tags
    }

    private func tags(_ text: String) throws(EventError) -> [String] { try options.tags(text) }

    private func addedTags() throws(EventError) -> [String]? {
        guard let text = text("add-tags") else { return nil }
        return try options.tags(text, field: name("add-tags"))
    }

    private func rating() throws(EventError) -> Float {
        let text = try required("rating")
        guard let value = PlainText.number(text, decimalComma: header.hasDecimalComma) else {
            throw .badValue(
                field: name("rating"), found: EventError.shown(text),
                wanted: header.hasDecimalComma
                    ? "a number, without separators of thousands"
                    : "a number with a decimal point, without separators of thousands")
        }
        return try options.rating(value)
    }

    private func time() throws(EventError) -> Int64? {
        guard let text = text("ts") else { return nil }
        // GroupLens's times are seconds, whatever unit the producers' have.
        let unit = header.isMovieLens ? .auto : options.timeUnit
        let read = try EventTime(
            text, unit, decimalComma: header.hasDecimalComma, field: name("ts"))
        let time = try options.check(read)
        if let unit = read.unit { timeUnits.note(unit) }
        return time
    }

    private func available() throws(EventError) -> Bool? {
        guard let text = text("available") else { return nil }
        guard let available = PlainText.boolean(text) else {
            throw .badValue(
                field: name("available"), found: EventError.shown(text), wanted: PlainText.booleanWanted)
        }
        return available
    }

    private func eventID() throws(EventError) -> String? {
        guard let id = text("id") else { return nil }
        try options.check(eventID: id)
        return id
    }

    private func id(_ field: String) throws(EventError) -> EntityID {
        try EntityID(try required(field), field: name(field))
    }

    private func required(_ field: String) throws(EventError) -> String {
        guard let text = text(field) else { throw .missingField(name(field)) }
        return text
    }

    private func name(_ field: String) -> String {
        options.fields.all.first { $0.field == field }?.name ?? field
    }

    private func text(_ field: String) -> String? {
        guard let column = header.columns[field] else { return nil }
        let text = records.text(column)
        return text.isEmpty ? nil : text
    }
}
