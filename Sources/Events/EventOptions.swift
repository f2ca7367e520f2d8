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

        public init() {}

        /// Each field under its own name, with the name it is mapped to.
        public var all: [(field: String, name: String)] {
            [
                ("user", user), ("item", item), ("rating", rating), ("ts", ts), ("type", type),
                ("signal", signal), ("title", title), ("tags", tags), ("available", available),
            ]
        }
    }

    public var fields = Fields()
    public var ratings: ClosedRange<Double> = 0...100
    /// Milliseconds since 1970; up to the year 2200 unless said otherwise.
    public var times: ClosedRange<Int64> = 0...7_258_118_400_000
    /// Bytes of one record.
    public var bytesMax = 65_536
    /// Bytes of UTF-8.
    public var titleBytesMax = 1_024
    public var tagsMax = 64
    /// Bytes of UTF-8.
    public var tagBytesMax = 256
    /// The acts that count, and how much: name to weight.
    public var signals: [String: Float] = ["click": 1]

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
        case .item(let description):
            if let title = description.title { try check(title: title) }
            if let tags = description.tags { try check(tags: tags) }
        }
        if let time = event.time { try check(time: time) }
    }

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

    func check(title: String) throws(EventError) {
        try check(text: title, field: fields.title, bytesMax: titleBytesMax)
    }

    func check(tags: [String]) throws(EventError) {
        try check(tagCount: tags.count)
        for tag in tags { try check(text: tag, field: fields.tags, bytesMax: tagBytesMax) }
    }

    func check(tagCount: Int) throws(EventError) {
        guard tagCount <= tagsMax else { throw .tooManyTags(tagCount, max: tagsMax) }
    }

    private func check(text: String, field: String, bytesMax: Int) throws(EventError) {
        let bytes = text.utf8.count
        guard bytes <= bytesMax else { throw .textTooLong(field: field, bytes: bytes, bytesMax: bytesMax) }
    }
}
