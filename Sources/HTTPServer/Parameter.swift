import EventLog
import Events
import LookUps
import State

/// One parameter of a route: by it a request is checked, and described in the OpenAPI document, so that the two cannot say
/// different things.
struct Parameter: Sendable {
    enum Place: String, Sendable { case path, query }

    enum Kind: Sendable {
        /// Of a user or an item: 1 to 256 bytes.
        case id
        case text(bytesMax: Int)
        case integer(ClosedRange<Int>)
        case flag
        case choice([String])
        /// `partition:offset`.
        case token
        /// Whether what a user took may be answered.
        case seen
    }

    let name: String
    let place: Place
    let kind: Kind
    let summary: String
    var isRequired = false
    var repeats = false
    /// As it stands in the document; the route says what it means.
    var standard: JSON?

    static func path(_ name: String, _ summary: String) -> Parameter {
        Parameter(name: name, place: .path, kind: .id, summary: summary, isRequired: true)
    }

    static func query(_ name: String, _ kind: Kind, _ summary: String) -> Parameter {
        Parameter(name: name, place: .query, kind: kind, summary: summary)
    }

    func required() -> Parameter {
        var copy = self
        copy.isRequired = true
        return copy
    }

    func repeated() -> Parameter {
        var copy = self
        copy.repeats = true
        return copy
    }

    func standing(at standard: JSON) -> Parameter {
        var copy = self
        copy.standard = standard
        return copy
    }

    /// Throws what is wrong with a value.
    func check(_ value: String) throws(Problem) {
        guard isAllowed(value) else {
            throw .invalid("\(name) is '\(value.prefix(64))'; \(allowed) is allowed")
        }
    }

    private func isAllowed(_ value: String) -> Bool {
        switch kind {
        case .id: (try? EntityID(value)) != nil
        case .text(let bytesMax): (1...bytesMax).contains(value.utf8.count)
        case .integer(let range): Int(value).map(range.contains) ?? false
        case .flag: value == "true" || value == "false"
        case .choice(let choices): choices.contains(value)
        case .token: Token(value) != nil
        case .seen: SeenRule(value) != nil
        }
    }

    private var allowed: String {
        switch kind {
        case .id: "an id of 1 to \(EntityID.bytesMax) bytes"
        case .text(let bytesMax): "text of 1 to \(bytesMax) bytes"
        case .integer(let range): "an integer from \(range.lowerBound) to \(range.upperBound)"
        case .flag: "true or false"
        case .choice(let choices): choices.joined(separator: " or ")
        case .token: "a token such as 0:1234, as /v1/events answers it,"
        case .seen: SeenRule.allowed
        }
    }

    /// Of one value.
    private var schema: JSON {
        var members: [(String, JSON)] =
            switch kind {
            case .id:
                [
                    ("type", .string("string")), ("minLength", .int(1)),
                    ("maxLength", .int(EntityID.bytesMax)),
                ]
            case .text(let bytesMax):
                [("type", .string("string")), ("minLength", .int(1)), ("maxLength", .int(bytesMax))]
            case .integer(let range):
                [
                    ("type", .string("integer")), ("minimum", .int(range.lowerBound)),
                    ("maximum", .int(range.upperBound)),
                ]
            case .flag: [("type", .string("boolean"))]
            case .choice(let choices):
                [("type", .string("string")), ("enum", .array(choices.map(JSON.string)))]
            case .token:
                [("type", .string("string")), ("pattern", .string("^[0-9]{1,9}:[0-9]{1,18}$"))]
            case .seen:
                [
                    ("type", .string("string")),
                    ("pattern", .string("^(exclude|allow|after [0-9]{1,6} (ms|s|min|h|d))$")),
                ]
            }
        if let standard { members.append(("default", standard)) }
        return .object(members)
    }

    var description: JSON {
        let schema = repeats ? JSON.object([("type", .string("array")), ("items", schema)]) : schema
        return .object([
            ("name", .string(name)), ("in", .string(place.rawValue)), ("required", .bool(isRequired)),
            ("description", .string(summary)), ("schema", schema),
        ])
    }
}
