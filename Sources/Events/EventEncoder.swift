internal import CSimdJSON

/// Writes events as JSON objects.
public enum EventEncoder {
    /// Key of the mark in what freshet writes; no field of the producers' can have this name.
    public static let mark = EVENT_MARK

    /// As freshet appends it to a log: under its own field names, the time in milliseconds, and with a mark
    /// (`"freshet":1`) by which every `EventDecoder` knows that, whatever names and unit its options give to the
    /// producers' records. So no configuration of the writer's can make a record that the reader misunderstands.
    public static func record(of event: Event) -> [UInt8] {
        var json = JSONObjectWriter()
        json.write(mark, Int64(1))
        write(event, EventOptions.Fields(), to: &json)
        if let time = event.time { json.write("ts", time) }
        return json.finish()
    }

    /// As a producer writes it: the inverse of `EventDecoder` under the same options.
    ///
    /// One JSON object without white space or line break. Whether the limits are kept is for
    /// `EventOptions.check`; a rating has to be finite, as JSON knows no other numbers.
    public static func encode(_ event: Event, options: EventOptions) -> [UInt8] {
        var json = JSONObjectWriter()
        write(event, options.fields, to: &json)
        if let time = event.time { write(time, options, to: &json) }
        return json.finish()
    }

    /// In the unit in which it will be read; as ISO 8601 where no number says it.
    private static func write(_ time: Int64, _ options: EventOptions, to json: inout JSONObjectWriter) {
        let isMilliseconds =
            options.timeUnit == .ms || options.timeUnit == .auto && TimeUnit.ofSize(time) == .ms
        if isMilliseconds {
            json.write(options.fields.ts, time)
        } else {
            json.write(options.fields.ts, EventTime.text(ofMilliseconds: time))
        }
    }

    /// All but the time.
    private static func write(
        _ event: Event, _ fields: EventOptions.Fields, to json: inout JSONObjectWriter
    ) {
        switch event.kind {
        case .rating(let user, let item, let value):
            json.write(fields.user, user.string)
            json.write(fields.item, item.string)
            json.write(fields.rating, value)
        case .signal(let user, let item, let name):
            json.write(fields.type, EventType.signal.rawValue)
            json.write(fields.user, user.string)
            json.write(fields.item, item.string)
            json.write(fields.signal, name)
        case .retract(let user, let item): json.write(.retract, user, item, fields)
        case .hide(let user, let item): json.write(.hide, user, item, fields)
        case .unhide(let user, let item): json.write(.unhide, user, item, fields)
        case .forget(let user):
            json.write(fields.type, EventType.forget.rawValue)
            json.write(fields.user, user.string)
        case .item(let description):
            json.write(fields.type, EventType.item.rawValue)
            json.write(fields.item, description.item.string)
            if let title = description.title { json.write(fields.title, title) }
            if let tags = description.tags { json.write(fields.tags, tags) }
            if let tags = description.addedTags { json.write(fields.addTags, tags) }
            if let available = description.available { json.write(fields.available, available) }
        case .user(let description):
            json.write(fields.type, EventType.user.rawValue)
            json.write(fields.user, description.user.string)
            if let tags = description.tags { json.write(fields.tags, tags) }
            if let tags = description.addedTags { json.write(fields.addTags, tags) }
        case .promote(let model):
            json.write(fields.type, EventType.promote.rawValue)
            json.write(EventOptions.modelField, model)
        }
        if let id = event.id { json.write(fields.id, id) }
    }
}

/// Builds one flat JSON object, byte by byte.
private struct JSONObjectWriter {
    private var bytes: [UInt8] = []

    init() {
        bytes.reserveCapacity(128)
        bytes.append(UInt8(ascii: "{"))
    }

    /// The fields of an event that says nothing but of what type it is.
    mutating func write(
        _ type: EventType, _ user: EntityID, _ item: EntityID, _ fields: EventOptions.Fields
    ) {
        write(fields.type, type.rawValue)
        write(fields.user, user.string)
        write(fields.item, item.string)
    }

    mutating func write(_ key: String, _ value: String) {
        begin(key)
        append(quoted: value)
    }

    mutating func write(_ key: String, _ value: Float) {
        begin(key)
        append(raw: Self.text(of: value))
    }

    mutating func write(_ key: String, _ value: Int64) {
        begin(key)
        append(raw: String(value))
    }

    mutating func write(_ key: String, _ value: Bool) {
        begin(key)
        append(raw: value ? "true" : "false")
    }

    mutating func write(_ key: String, _ values: [String]) {
        begin(key)
        bytes.append(UInt8(ascii: "["))
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            append(quoted: value)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    consuming func finish() -> [UInt8] {
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    private mutating func begin(_ key: String) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        append(quoted: key)
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func append(raw text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func append(quoted text: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(byte)
            case 0..<0x20:
                append(raw: "\\u00")
                bytes.append(Self.hexDigit(byte >> 4))
                bytes.append(Self.hexDigit(byte & 15))
            default:
                bytes.append(byte)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    /// The shortest text that reads back as the same float. Readers parse a double first, and rounding twice
    /// can end one step off; then all of the double's digits are written.
    private static func text(of value: Float) -> String {
        let text = value.description
        // Ratings as people give them: quarters are written to the last digit, and nothing is rounded.
        if abs(value) < 4096, (value * 4).rounded() == value * 4 { return text }
        return Double(text).map { Float($0) } == value ? text : Double(value).description
    }
}
