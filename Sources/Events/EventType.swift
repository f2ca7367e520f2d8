/// The values of the `type` field.
enum EventType: String, CaseIterable {
    case rating, signal, retract, hide, unhide, forget, item, user, promote

    /// - Throws: `EventError.unknownType`.
    init(_ text: String) throws(EventError) {
        guard let type = EventType(rawValue: text) ?? EventType(rawValue: text.lowercased()) else {
            throw .unknownType(text)
        }
        self = type
    }
}
