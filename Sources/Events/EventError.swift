/// Why a record is not an event. The text goes into the dead letter, so it says what was found and what is allowed.
public enum EventError: Error, Sendable, Equatable {
    case idEmpty
    case idTooLong(bytes: Int)
    case tooLong(bytes: Int, bytesMax: Int)
    /// Not JSON, or cut short; the parser's own words.
    case notJSON(String)
    case notAnObject
    case missingField(String)
    /// A value that does not say what the field holds: what was found, as `shown(_:)` gives it, and what is allowed.
    case badValue(field: String, found: String, wanted: String)
    /// What is wrong with the id that this field holds.
    indirect case badID(field: String, EventError)
    case unknownType(String)
    case unknownSignal(String, allowed: [String])
    case unknownModel(String, allowed: [String])
    case ratingOutOfRange(Double, allowed: ClosedRange<Double>)
    case timeOutOfRange(Double, allowed: ClosedRange<Int64>)
    case textTooLong(field: String, bytes: Int, bytesMax: Int)
    case tooManyTags(field: String, Int, max: Int)
}

extension EventError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .idEmpty: "id is empty; 1 to 256 bytes of UTF-8 are allowed"
        case .idTooLong(let bytes): "id has \(bytes) bytes; 1 to 256 bytes of UTF-8 are allowed"
        case .tooLong(let bytes, let max): "record has \(bytes) bytes; at most \(max) are allowed"
        case .notJSON(let why): "not JSON: \(why)"
        case .notAnObject: "not a JSON object"
        case .missingField(let field): "field '\(field)' is missing"
        case .badValue(let field, let found, let wanted):
            "field '\(field)' is \(found); allowed is \(wanted)"
        case .badID(let field, let why): "field '\(field)': \(why)"
        case .unknownType(let type):
            "unknown type '\(type)'; rating, signal, retract, hide, unhide, forget, item, user or promote is allowed"
        case .unknownSignal(let name, let allowed):
            "unknown signal '\(name)'; the configuration knows \(allowed.isEmpty ? "none" : allowed.joined(separator: ", "))"
        case .unknownModel(let name, let allowed):
            "unknown model \(Self.shown(name)); the configuration knows \(allowed.joined(separator: ", "))"
        case .ratingOutOfRange(let value, let allowed):
            "rating \(value) is outside \(allowed.lowerBound) to \(allowed.upperBound)"
        case .timeOutOfRange(let value, let allowed):
            "ts \(Self.whole(value)) is outside \(allowed.lowerBound) to \(allowed.upperBound) (milliseconds since 1970)"
        case .textTooLong(let field, let bytes, let max):
            "field '\(field)' has \(bytes) bytes; at most \(max) are allowed"
        case .tooManyTags(let field, let count, let max):
            "field '\(field)' has \(count) entries; at most \(max) are allowed"
        }
    }
}

extension EventError {
    /// A value as it stands in a message: quoted, and cut where it is long.
    static func shown(_ text: some StringProtocol) -> String {
        let bytesMax = 64
        guard text.utf8.count > bytesMax else { return "'\(text)'" }
        return "'\(text.prefix(bytesMax))…' (\(text.utf8.count) bytes)"
    }

    /// Without the `.0` of a whole number.
    private static func whole(_ value: Double) -> String {
        Int64(exactly: value).map { String($0) } ?? value.description
    }
}
