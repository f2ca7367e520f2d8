/// CSV whose header has the configured field names; other columns are ignored, an empty cell is absent.
final class CSVReader: EventReader {
    private let lines: LineReader
    private let options: EventOptions
    private let records: CSVRecords
    /// Column of each field, by the field's own name.
    private let columns: [String: Int]
    private let columnCount: Int

    /// - Throws: `EventFileError` when the header names neither user nor item.
    init(_ lines: LineReader, options: EventOptions) throws(EventFileError) {
        self.lines = lines
        self.options = options
        records = CSVRecords(lines)
        let header = try records.header() ?? []
        columnCount = header.count
        var columns: [String: Int] = [:]
        for (field, name) in options.fields.all { columns[field] = header.firstIndex(of: name) }
        self.columns = columns
        guard header.isEmpty || columns["user"] != nil || columns["item"] != nil else {
            let wanted = options.fields.all.map(\.name).joined(separator: ", ")
            throw EventFileError(
                path: lines.path,
                "the header names \(header.joined(separator: ", ")); known columns are \(wanted)")
        }
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
                return .event(Event(try kind(), time: try time()))
            } catch {
                return lines.bad(error, line: records.line)
            }
        }
    }

    private func kind() throws(EventError) -> Event.Kind {
        switch try text("type").map({ text throws(EventError) in try EventType(text) }) ?? .rating {
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
        }
    }

    private func itemDescription() throws(EventError) -> ItemDescription {
        let description = ItemDescription(
            item: try id("item"), title: text("title"),
            tags: text("tags")?.split(separator: "|").map(String.init), available: try available())
        if let title = description.title { try options.check(title: title) }
        if let tags = description.tags { try options.check(tags: tags) }
        return description
    }

    private func rating() throws(EventError) -> Float {
        guard let value = Double(try required("rating")) else {
            throw .wrongType(field: options.fields.rating, wanted: "a number")
        }
        try options.check(rating: value)
        return Float(value)
    }

    private func time() throws(EventError) -> Int64? {
        guard let text = text("ts") else { return nil }
        guard let time = Int64(text) else {
            throw .wrongType(field: options.fields.ts, wanted: "an integer (milliseconds since 1970)")
        }
        try options.check(time: time)
        return time
    }

    private func available() throws(EventError) -> Bool? {
        switch text("available") {
        case nil: return nil
        case "true", "1": return true
        case "false", "0": return false
        default: throw .wrongType(field: options.fields.available, wanted: "true, false, 1 or 0")
        }
    }

    private func id(_ field: String) throws(EventError) -> EntityID { try EntityID(try required(field)) }

    private func required(_ field: String) throws(EventError) -> String {
        guard let text = text(field) else {
            throw .missingField(options.fields.all.first { $0.field == field }?.name ?? field)
        }
        return text
    }

    private func text(_ field: String) -> String? {
        guard let column = columns[field] else { return nil }
        let text = records.text(column)
        return text.isEmpty ? nil : text
    }
}
