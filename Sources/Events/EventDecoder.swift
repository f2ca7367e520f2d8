internal import CSimdJSON

/// Decodes events from JSON objects, a fraction of a microsecond each.
///
/// Fields an event's type does not need are ignored, and so are unknown ones; `null` counts as absent; of a
/// key given twice the last one holds. A text may be an integer, of any length: it is taken as its digits. A number may
/// be a text. The whole record has to be valid JSON, also where nobody reads it.
///
/// A record that `EventEncoder.record(of:)` wrote is known by its mark and read under freshet's own field names, in
/// milliseconds; `EventOptions.fields` and `timeUnit` are for what producers write.
///
/// Confined to one thread: it owns the parser and its buffers.
public final class EventDecoder {
    /// Bytes that must be readable after a payload.
    public static let padding = Int(EVENT_PARSER_PADDING)

    /// In what units the times came that were read as numbers.
    public private(set) var timeUnits = TimeUnitTally()

    let options: EventOptions
    private let parser: OpaquePointer
    /// Of the record that was parsed last. Behind a pointer, because each access to a class's variable is checked at run
    /// time, which costs as much as the access tens of times over; who may touch it is said above.
    let values: UnsafeMutablePointer<event_values>

    public init(options: EventOptions) {
        self.options = options
        names = options.fields
        guard let parser = Self.makeParser(options) else {
            preconditionFailure("no memory for a JSON parser of \(options.bytesMax) bytes")
        }
        self.parser = parser
        values = .allocate(capacity: 1)
        values.initialize(to: event_values())
    }

    deinit {
        event_parser_free(parser)
        values.deallocate()
    }

    /// Decodes one record; `padding` readable bytes follow the payload.
    public func decode(_ payload: UnsafeRawBufferPointer) throws(EventError) -> Event {
        guard payload.count <= options.bytesMax else {
            throw .tooLong(bytes: payload.count, bytesMax: options.bytesMax)
        }
        try parse(payload)
        return Event(try kind(), time: try time(), id: try eventID())
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

    func parse(_ payload: UnsafeRawBufferPointer) throws(EventError) {
        var why: UnsafePointer<CChar>?
        let bytes = payload.baseAddress?.assumingMemoryBound(to: CChar.self)
        switch event_parser_parse(parser, bytes, payload.count, values, &why) {
        case .EVENT_PARSE_DONE:
            // Changed where they differ from those of the record before, for a copy costs as much as the parsing.
            guard hasOwnNames != (values.pointee.is_marked != 0) else { return }
            hasOwnNames.toggle()
            names = hasOwnNames ? EventOptions.Fields() : options.fields
        case .EVENT_PARSE_NOT_AN_OBJECT: throw .notAnObject
        case .EVENT_PARSE_NOT_JSON: throw .notJSON(why.map { String(cString: $0) } ?? "unknown reason")
        }
    }

    /// The names under which this record has its fields.
    private(set) var names: EventOptions.Fields
    private var hasOwnNames = false

    /// Whether the record that was decoded last was written by `EventEncoder.record(of:)`.
    public var hasReadOwn: Bool { hasOwnNames }

    func kind() throws(EventError) -> Event.Kind {
        let type = try string(values.pointee.type, names.type).map { text throws(EventError) in
            try EventType(text)
        }
        switch type ?? .rating {
        case .rating:
            return .rating(
                user: try id(values.pointee.user, names.user), item: try id(values.pointee.item, names.item),
                value: try rating())
        case .signal:
            return .signal(
                user: try id(values.pointee.user, names.user), item: try id(values.pointee.item, names.item),
                name: try signal())
        case .retract:
            return .retract(
                user: try id(values.pointee.user, names.user), item: try id(values.pointee.item, names.item))
        case .hide:
            return .hide(
                user: try id(values.pointee.user, names.user), item: try id(values.pointee.item, names.item))
        case .unhide:
            return .unhide(
                user: try id(values.pointee.user, names.user), item: try id(values.pointee.item, names.item))
        case .forget:
            return .forget(user: try id(values.pointee.user, names.user))
        case .item:
            return .item(try itemDescription())
        case .user:
            return .user(try userDescription())
        case .promote:
            return .promote(model: try model())
        }
    }

    private func itemDescription() throws(EventError) -> ItemDescription {
        let title = try string(values.pointee.title, names.title)
        if let title { try options.check(title: title) }
        return ItemDescription(
            item: try id(values.pointee.item, names.item), title: title,
            tags: try tags(values.pointee.tags, names.tags),
            addedTags: try tags(values.pointee.added_tags, names.addTags), available: try available())
    }

    private func userDescription() throws(EventError) -> UserDescription {
        let description = UserDescription(
            user: try id(values.pointee.user, names.user), tags: try tags(values.pointee.tags, names.tags),
            addedTags: try tags(values.pointee.added_tags, names.addTags))
        guard description.tags != nil || description.addedTags != nil else { throw .missingField(names.tags) }
        return description
    }

    func rating() throws(EventError) -> Float {
        let value = values.pointee.rating
        let number: Double?
        switch value.kind {
        case .EVENT_VALUE_ABSENT: throw .missingField(names.rating)
        case .EVENT_VALUE_STRING: number = PlainText.number(Self.string(value.text))
        default: number = value.asNumber
        }
        guard let number else { throw .badValue(field: names.rating, found: value.shown, wanted: "a number") }
        return try options.rating(number)
    }

    func signal() throws(EventError) -> String {
        guard let name = try string(values.pointee.signal, names.signal) else {
            throw .missingField(names.signal)
        }
        try options.check(signal: name)
        return name
    }

    private func model() throws(EventError) -> String {
        guard let name = try string(values.pointee.model, EventOptions.modelField) else {
            throw .missingField(EventOptions.modelField)
        }
        try options.check(model: name)
        return name
    }

    func time() throws(EventError) -> Int64? {
        let value = values.pointee.time
        let unit = values.pointee.is_marked == 0 ? options.timeUnit : .ms
        let read: EventTime
        switch value.kind {
        case .EVENT_VALUE_ABSENT: return nil
        case .EVENT_VALUE_INTEGER: read = EventTime(value.integer, unit)
        case .EVENT_VALUE_STRING: read = try EventTime(Self.string(value.text), unit, field: names.ts)
        default:
            guard let number = value.asNumber else {
                throw .badValue(field: names.ts, found: value.shown, wanted: EventTime.wanted)
            }
            read = EventTime(number, unit)
        }
        let time = try options.check(read)
        if let unit = read.unit { timeUnits.note(unit) }
        return time
    }

    private func tags(_ value: event_value, _ field: String) throws(EventError) -> [String]? {
        switch value.kind {
        case .EVENT_VALUE_ABSENT: return nil
        case .EVENT_VALUE_TEXTS: break
        case .EVENT_VALUE_STRING: return try options.tags(inJSON: Self.string(value.text), field: field)
        default: throw .badValue(field: field, found: value.shown, wanted: EventOptions.tagsWanted)
        }
        try options.check(tagCount: value.text_count, field: field)
        let texts = UnsafeBufferPointer(start: value.texts, count: value.text_count)
        let tags = texts.map(Self.string)
        try options.check(tags: tags, field: field)
        return tags
    }

    private func available() throws(EventError) -> Bool? {
        let value = values.pointee.available
        let available: Bool?
        switch value.kind {
        case .EVENT_VALUE_ABSENT: return nil
        case .EVENT_VALUE_BOOLEAN: return value.boolean != 0
        case .EVENT_VALUE_STRING: available = PlainText.boolean(Self.string(value.text))
        default: available = [0: false, 1: true][value.asNumber ?? -1]
        }
        guard let available else {
            throw .badValue(field: names.available, found: value.shown, wanted: PlainText.booleanWanted)
        }
        return available
    }

    /// The event's own id; an empty one says that there is none.
    func eventID() throws(EventError) -> String? {
        guard values.pointee.id.kind != .EVENT_VALUE_ABSENT else { return nil }
        guard let id = values.pointee.id.asText else {
            throw .badValue(
                field: names.id, found: values.pointee.id.shown, wanted: EventOptions.eventIDWanted)
        }
        guard !id.isEmpty else { return nil }
        try options.check(eventID: id)
        return id
    }

    func id(_ value: event_value, _ field: @autoclosure () -> String) throws(EventError) -> EntityID {
        if value.kind == .EVENT_VALUE_ABSENT { throw .missingField(field()) }
        guard let text = value.asText else {
            throw .badValue(field: field(), found: value.shown, wanted: "a string or an integer")
        }
        return try EntityID(text, field: field())
    }

    private func string(
        _ value: event_value, _ field: @autoclosure () -> String
    ) throws(EventError) -> String? {
        if value.kind == .EVENT_VALUE_ABSENT { return nil }
        guard let text = value.asText else {
            throw .badValue(field: field(), found: value.shown, wanted: "a string")
        }
        return text
    }

    /// Never repairs: simdjson has refused invalid UTF-8 and halves of surrogate pairs.
    static func string(_ text: event_text) -> String {
        String(decoding: UnsafeRawBufferPointer(start: text.bytes, count: text.length), as: UTF8.self)
    }

    private static func makeParser(_ options: EventOptions) -> OpaquePointer? {
        withFieldNames(options.fields) { names in
            withFieldNames(EventOptions.Fields()) { own in
                event_parser_make(names, own, options.bytesMax, options.tagsMax)
            }
        }
    }

    private static func withFieldNames<Result>(
        _ fields: EventOptions.Fields, _ body: (UnsafePointer<event_field_names>) -> Result
    ) -> Result {
        withCStrings(fields.all.map(\.name) + [EventOptions.modelField]) { names in
            // In the order of `Fields.all`.
            var fields = event_field_names(
                type: names[4], user: names[0], item: names[1], rating: names[2], time: names[3],
                signal: names[5], title: names[6], tags: names[7], available: names[8], id: names[9],
                added_tags: names[10], model: names[11])
            return body(&fields)
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

extension event_value {
    /// A string, or an integer as its digits.
    var asText: String? {
        switch kind {
        case .EVENT_VALUE_STRING, .EVENT_VALUE_BIG_INTEGER: EventDecoder.string(text)
        case .EVENT_VALUE_INTEGER: String(integer)
        case .EVENT_VALUE_UNSIGNED: String(unsigned_integer)
        case .EVENT_VALUE_DOUBLE: wholeText
        default: nil
        }
    }

    /// Producers whose integers have been doubles once write `296.0`. Beyond 2^53 they may be others by now.
    private var wholeText: String? {
        abs(number) <= 9_007_199_254_740_992 ? Int64(exactly: number).map { String($0) } : nil
    }

    fileprivate var asNumber: Double? {
        switch kind {
        case .EVENT_VALUE_INTEGER, .EVENT_VALUE_UNSIGNED, .EVENT_VALUE_BIG_INTEGER, .EVENT_VALUE_DOUBLE:
            number
        default: nil
        }
    }

    /// For messages.
    var shown: String {
        switch kind {
        case .EVENT_VALUE_ABSENT: "absent"
        case .EVENT_VALUE_BOOLEAN: boolean != 0 ? "true" : "false"
        case .EVENT_VALUE_DOUBLE: number.description
        case .EVENT_VALUE_TEXTS: "an array"
        case .EVENT_VALUE_OTHER: "an object, or an array that does not hold strings alone"
        default: asText.map { kind == .EVENT_VALUE_STRING ? EventError.shown($0) : $0 } ?? "unreadable"
        }
    }
}
