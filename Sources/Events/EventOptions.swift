/// What an event may look like: the producers' field names and the limits. From the configuration.
public struct EventOptions: Sendable, Equatable {
    /// The JSON keys, or CSV columns, under which producers send each part of an event. No two alike.
    public struct Fields: Sendable, Equatable {
        public var user = "user"
        public var item = "item"
        public var rating = "rating"
        public var ts = "ts"
        public var type = "type"
        public var signal = "signal"
        public var title = "title"
        public var tags = "tags"
        public var available = "available"
        public var id = "id"
        public var addTags = "add-tags"

        public init() {}

        /// Each field under its own name, with the name it is mapped to.
        public var all: [(field: String, name: String)] {
            [
                ("user", user), ("item", item), ("rating", rating), ("ts", ts), ("type", type),
                ("signal", signal), ("title", title), ("tags", tags), ("available", available), ("id", id),
                ("add-tags", addTags),
            ]
        }
    }

    public var fields = Fields()
    /// Of the times that producers send as numbers.
    public var timeUnit = TimeUnit.auto
    public var ratings: ClosedRange<Double> = 0...100
    /// Milliseconds since 1970; up to the year 2200 unless said otherwise.
    public var times: ClosedRange<Int64> = 0...7_258_118_400_000
    /// Bytes of one record.
    public var bytesMax = 65_536
    /// Bytes of UTF-8 of an event's own id.
    public static let eventIDBytesMax = 256
    /// The key of a promotion's model. Not for the configuration to rename: promotions are the operator's, not producers'.
    static let modelField = "model"
    /// Bytes of UTF-8.
    static let modelBytesMax = 256
    /// Bytes of UTF-8.
    public var titleBytesMax = 1_024
    /// Of one event.
    public var tagsMax = 256
    /// Bytes of UTF-8.
    public var tagBytesMax = 256
    /// The acts that count, and how much: name to weight.
    public var signals: [String: Float] = ["click": 1]
    /// The models that may be promoted; `nil` where whoever reads does not know which there are.
    public var models: [String]?

    public init() {}
}

// The limits, each said once: the decoder, the file readers and the RPC all refuse by these.
extension EventOptions {
    /// Refuses an event that the decoder would refuse on its way back from the log.
    public func check(_ event: Event) throws(EventError) {
        switch event.kind {
        case .rating(_, _, let value): try check(rating: Double(value))
        case .signal(_, _, let name): try check(signal: name)
        case .retract, .hide, .unhide, .forget: break
        case .promote(let model): try check(model: model)
        case .item(let description):
            if let title = description.title { try check(title: title) }
            if let tags = description.tags { try check(tags: tags) }
            if let tags = description.addedTags { try check(tags: tags, field: fields.addTags) }
        case .user(let description):
            if let tags = description.tags { try check(tags: tags) }
            if let tags = description.addedTags { try check(tags: tags, field: fields.addTags) }
        }
        if let time = event.time { try check(time: time) }
        if let id = event.id { try check(eventID: id) }
    }

    func check(eventID id: String) throws(EventError) {
        guard !id.isEmpty else { throw .badValue(field: fields.id, found: "''", wanted: Self.eventIDWanted) }
        try check(text: id, field: fields.id, bytesMax: Self.eventIDBytesMax)
    }

    static let eventIDWanted = "a text of 1 to 256 bytes, or an integer"

    /// Refuses NaN too: it lies in no range.
    func check(rating value: Double) throws(EventError) {
        guard ratings.contains(value) else { throw .ratingOutOfRange(value, allowed: ratings) }
    }

    func check(time: Int64) throws(EventError) {
        guard times.contains(time) else { throw .timeOutOfRange(Double(time), allowed: times) }
    }

    func check(signal name: String) throws(EventError) {
        guard signals[name] != nil else { throw .unknownSignal(name, allowed: signals.keys.sorted()) }
    }

    func check(model name: String) throws(EventError) {
        guard !name.isEmpty else {
            throw .badValue(field: Self.modelField, found: "''", wanted: "the name of a model")
        }
        try check(text: name, field: Self.modelField, bytesMax: Self.modelBytesMax)
        if let models, !models.contains(name) { throw .unknownModel(name, allowed: models) }
    }

    func check(title: String) throws(EventError) {
        try check(text: title, field: fields.title, bytesMax: titleBytesMax)
    }

    /// - Parameter field: that holds them; `nil` for that of all tags.
    func check(tags: [String], field: String? = nil) throws(EventError) {
        let field = field ?? fields.tags
        try check(tagCount: tags.count, field: field)
        for tag in tags { try check(text: tag, field: field, bytesMax: tagBytesMax) }
    }

    func check(tagCount: Int, field: String) throws(EventError) {
        guard tagCount <= tagsMax else { throw .tooManyTags(field: field, tagCount, max: tagsMax) }
    }

    private func check(text: String, field: String, bytesMax: Int) throws(EventError) {
        let bytes = text.utf8.count
        guard bytes <= bytesMax else { throw .textTooLong(field: field, bytes: bytes, bytesMax: bytesMax) }
    }
}

// What a value says, where producers write it in more than one way.
extension EventOptions {
    static let tagsWanted = "an array of strings, or one text with its tags parted by '|'"

    func rating(_ number: Double) throws(EventError) -> Float {
        try check(rating: number)
        return number == 0 ? 0 : Float(number)  // no negative zero
    }

    /// Reads a time given as text: a number in the producers' unit, or ISO 8601 with its zone.
    /// - Returns: milliseconds since 1970.
    /// - Throws: `EventError`, naming the field.
    public func time(_ text: String, field: String) throws(EventError) -> Int64 {
        try check(try EventTime(text, timeUnit, field: field))
    }

    /// The time in milliseconds since 1970, where it is within bounds.
    func check(_ time: EventTime) throws(EventError) -> Int64 {
        guard let milliseconds = Int64(exactly: time.milliseconds) else {
            throw .timeOutOfRange(time.milliseconds, allowed: times)
        }
        try check(time: milliseconds)
        return milliseconds
    }

    /// Tags given as one text. In JSON, whose tags are an array, a comma may be part of a tag or part two of them: a text
    /// that has commas and no `|` is refused.
    func tags(inJSON text: String, field: String) throws(EventError) -> [String] {
        if text.contains(","), !text.contains("|") {
            throw .badValue(field: field, found: EventError.shown(text), wanted: Self.tagsWanted)
        }
        return try tags(text, field: field)
    }

    /// Tags of a file, parted by `|`.
    func tags(_ text: String, field: String? = nil) throws(EventError) -> [String] {
        let tags = text.split(separator: "|").map { PlainText.trimmed(String($0)) }.filter { !$0.isEmpty }
        try check(tags: tags, field: field)
        return tags
    }
}
