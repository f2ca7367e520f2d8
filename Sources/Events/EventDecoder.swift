internal import CSimdJSON

/// Decodes events from JSON objects, a fraction of a microsecond each.
///
/// Fields an event's type does not need are ignored, and so are unknown ones; `null` counts as absent; of a
/// key given twice the last one holds. An id may be an integer: it is taken as its decimal text. The whole
/// record has to be valid JSON, also where nobody reads it.
///
/// Confined to one thread: it owns the parser and its buffers.
public final class EventDecoder {
    /// Bytes that must be readable after a payload.
    public static let padding = Int(EVENT_PARSER_PADDING)

    private let options: EventOptions
    private let parser: OpaquePointer
    private var values = event_values()

    public init(options: EventOptions) {
        self.options = options
        guard let parser = Self.makeParser(options) else {
            preconditionFailure("no memory for a JSON parser of \(options.bytesMax) bytes")
        }
        self.parser = parser
    }

    deinit { event_parser_free(parser) }

    /// Decodes one record; `padding` readable bytes follow the payload.
    public func decode(_ payload: UnsafeRawBufferPointer) throws(EventError) -> Event {
        guard payload.count <= options.bytesMax else {
            throw .tooLong(bytes: payload.count, bytesMax: options.bytesMax)
        }
        try parse(payload)
        return Event(try kind(), time: try time())
    }

    /// Decodes one record from an array, for the odd one: copies it to add the padding.
    public func decode(_ payload: [UInt8]) throws(EventError) -> Event {
        let padded = payload + [UInt8](repeating: 0, count: Self.padding)
        // `withUnsafeBytes` rethrows untyped, so the error travels in a result.
        let result: Result<Event, EventError> = padded.withUnsafeBytes { bytes in
            let record = UnsafeRawBufferPointer(rebasing: bytes[..<payload.count])
            do throws(EventError) { return .success(try decode(record)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private func parse(_ payload: UnsafeRawBufferPointer) throws(EventError) {
        var why: UnsafePointer<CChar>?
        let bytes = payload.baseAddress?.assumingMemoryBound(to: CChar.self)
        switch event_parser_parse(parser, bytes, payload.count, &values, &why) {
        case .EVENT_PARSE_DONE: return
        case .EVENT_PARSE_NOT_AN_OBJECT: throw .notAnObject
        case .EVENT_PARSE_NOT_JSON: throw .notJSON(why.map { String(cString: $0) } ?? "unknown reason")
        }
    }

    private func kind() throws(EventError) -> Event.Kind {
        let fields = options.fields
        let type = try string(values.type, fields.type).map { text throws(EventError) in try EventType(text) }
        switch type ?? .rating {
        case .rating:
            return .rating(
                user: try id(values.user, fields.user), item: try id(values.item, fields.item),
                value: try rating())
        case .signal:
            return .signal(
                user: try id(values.user, fields.user), item: try id(values.item, fields.item),
                name: try signal())
        case .retract:
            return .retract(
                user: try id(values.user, fields.user), item: try id(values.item, fields.item))
        case .hide:
            return .hide(user: try id(values.user, fields.user), item: try id(values.item, fields.item))
        case .unhide:
            return .unhide(user: try id(values.user, fields.user), item: try id(values.item, fields.item))
        case .forget:
            return .forget(user: try id(values.user, fields.user))
        case .item:
            return .item(try itemDescription())
        }
    }

    private func itemDescription() throws(EventError) -> ItemDescription {
        let title = try string(values.title, options.fields.title)
        if let title { try options.check(title: title) }
        return ItemDescription(
            item: try id(values.item, options.fields.item), title: title, tags: try tags(),
            available: try available())
    }

    private func rating() throws(EventError) -> Float {
        let value = values.rating
        switch value.kind {
        case .EVENT_VALUE_INTEGER, .EVENT_VALUE_UNSIGNED, .EVENT_VALUE_DOUBLE: break
        case .EVENT_VALUE_ABSENT: throw .missingField(options.fields.rating)
        default: throw .wrongType(field: options.fields.rating, wanted: "a number")
        }
        try options.check(rating: value.number)
        return Float(value.number)
    }

    private func signal() throws(EventError) -> String {
        guard let name = try string(values.signal, options.fields.signal) else {
            throw .missingField(options.fields.signal)
        }
        try options.check(signal: name)
        return name
    }

    private func time() throws(EventError) -> Int64? {
        let value = values.time
        let wanted = "an integer (milliseconds since 1970)"
        switch value.kind {
        case .EVENT_VALUE_ABSENT: return nil
        case .EVENT_VALUE_INTEGER:
            try options.check(time: value.integer)
            return value.integer
        case .EVENT_VALUE_UNSIGNED, .EVENT_VALUE_DOUBLE:
            guard value.number.rounded(.towardZero) == value.number else {
                throw .wrongType(field: options.fields.ts, wanted: wanted)
            }
            guard let time = Int64(exactly: value.number), options.times.contains(time) else {
                throw .timeOutOfRange(value.number, allowed: options.times)
            }
            return time
        default: throw .wrongType(field: options.fields.ts, wanted: wanted)
        }
    }

    private func tags() throws(EventError) -> [String]? {
        let value = values.tags
        switch value.kind {
        case .EVENT_VALUE_ABSENT: return nil
        case .EVENT_VALUE_TEXTS: break
        default: throw .wrongType(field: options.fields.tags, wanted: "an array of strings")
        }
        try options.check(tagCount: value.text_count)
        let texts = UnsafeBufferPointer(start: value.texts, count: value.text_count)
        let tags = texts.map(Self.string)
        try options.check(tags: tags)
        return tags
    }

    private func available() throws(EventError) -> Bool? {
        switch values.available.kind {
        case .EVENT_VALUE_ABSENT: return nil
        case .EVENT_VALUE_BOOLEAN: return values.available.boolean != 0
        default: throw .wrongType(field: options.fields.available, wanted: "true or false")
        }
    }

    private func id(_ value: event_value, _ field: String) throws(EventError) -> EntityID {
        switch value.kind {
        case .EVENT_VALUE_STRING: return try EntityID(Self.string(value.text))
        case .EVENT_VALUE_INTEGER: return try EntityID(String(value.integer))
        case .EVENT_VALUE_UNSIGNED: return try EntityID(String(value.unsigned_integer))
        case .EVENT_VALUE_ABSENT: throw .missingField(field)
        default: throw .wrongType(field: field, wanted: "a string or an integer")
        }
    }

    private func string(_ value: event_value, _ field: String) throws(EventError) -> String? {
        switch value.kind {
        case .EVENT_VALUE_ABSENT: return nil
        case .EVENT_VALUE_STRING: return Self.string(value.text)
        default: throw .wrongType(field: field, wanted: "a string")
        }
    }

    /// Never repairs: simdjson has refused invalid UTF-8 and halves of surrogate pairs.
    private static func string(_ text: event_text) -> String {
        String(decoding: UnsafeRawBufferPointer(start: text.bytes, count: text.length), as: UTF8.self)
    }

    private static func makeParser(_ options: EventOptions) -> OpaquePointer? {
        withCStrings(options.fields.all.map(\.name)) { names in
            // In the order of `Fields.all`.
            var fields = event_field_names(
                type: names[4], user: names[0], item: names[1], rating: names[2], time: names[3],
                signal: names[5], title: names[6], tags: names[7], available: names[8])
            return event_parser_make(&fields, options.bytesMax, options.tagsMax)
        }
    }

    /// Calls `body` with every string as C text, valid during the call.
    private static func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafePointer<CChar>]) -> Result
    ) -> Result {
        let buffers = strings.map { string in
            let buffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: string.utf8.count + 1)
            _ = buffer.initialize(from: string.utf8CString)
            return buffer
        }
        defer { buffers.forEach { $0.deallocate() } }
        return body(buffers.compactMap { buffer in buffer.baseAddress.map { UnsafePointer($0) } })
    }
}
