public import EventLog

extension LogMoment {
    /// In words, for messages.
    public static let allowed =
        "a token of each partition (partition:offset, with commas between), milliseconds since 1970, or a time like "
        + "2026-01-31T12:00:00Z"

    /// Reads tokens, or a time as `source.kafka.start` takes it; `nil` when it is neither.
    public init?(_ text: String) {
        if let moment = Self(tokens: text) {
            self = moment
        } else if case .time(let time)? = StartTime.parse(text) {
            self = .time(time)
        } else {
            return nil
        }
    }
}
