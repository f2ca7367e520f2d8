/// Why a record is not an event. The text goes into the dead letter, so it says what was found and what is allowed.
public enum EventError: Error, Sendable, Equatable {
    case idEmpty
    case idTooLong(bytes: Int)
    case tooLong(bytes: Int, bytesMax: Int)
    /// Not JSON, or cut short; the parser's own words.
    case notJSON(String)
    case notAnObject
    case missingField(String)
    case wrongType(field: String, wanted: String)
    case unknownType(String)
    case unknownSignal(String, allowed: [String])
    case ratingOutOfRange(Double, allowed: ClosedRange<Double>)
    case timeOutOfRange(Double, allowed: ClosedRange<Int64>)
    case textTooLong(field: String, bytes: Int, bytesMax: Int)
    case tooManyTags(Int, max: Int)
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
        case .wrongType(let field, let wanted): "field '\(field)' is not \(wanted)"
        case .unknownType(let type):
            "unknown type '\(type)'; rating, signal, retract, hide, unhide, forget or item is allowed"
        case .unknownSignal(let name, let allowed):
            "unknown signal '\(name)'; the configuration knows \(allowed.isEmpty ? "none" : allowed.joined(separator: ", "))"
        case .ratingOutOfRange(let value, let allowed):
            "rating \(value) is outside \(allowed.lowerBound) to \(allowed.upperBound)"
        case .timeOutOfRange(let value, let allowed):
            "ts \(value) is outside \(allowed.lowerBound) to \(allowed.upperBound) (milliseconds since 1970)"
        case .textTooLong(let field, let bytes, let max):
            "field '\(field)' has \(bytes) bytes; at most \(max) are allowed"
        case .tooManyTags(let count, let max): "field 'tags' has \(count) entries; at most \(max) are allowed"
        }
    }
}
