import Yams

/// What stands behind a key, before anybody knows what it should be.
struct ConfigurationValue: Sendable {
    enum Content: Sendable {
        case text(String)
        case null
        case map([(key: String, value: ConfigurationValue)])
        case list
    }

    var content: Content
    /// Line in the file, from 1.
    var line: Int?

    init(_ content: Content, line: Int? = nil) {
        self.content = content
        self.line = line
    }

    init(_ node: Node) {
        line = node.mark?.line
        switch node {
        case .scalar(let scalar):
            let isNull = scalar.style == .plain && ["", "~", "null", "Null", "NULL"].contains(scalar.string)
            content = isNull ? .null : .text(scalar.string)
        case .mapping(let mapping):
            content = .map(
                mapping.map { key, value in
                    // A value without a mark of its own, say an empty one, stands where its key does.
                    var value = ConfigurationValue(value)
                    value.line = key.mark?.line ?? value.line
                    return (key.scalar?.string ?? "?", value)
                })
        case .sequence, .alias: content = .list
        }
    }

    /// For messages.
    var text: String {
        switch content {
        case .text(let text): text.isEmpty ? "''" : text
        case .null: "(nothing)"
        case .map: "(a map)"
        case .list: "(a list)"
        }
    }
}

/// How values are written in messages and in the reference.
public enum ConfigurationText {
    /// A whole number without its `.0`.
    public static func number(_ value: Double) -> String {
        Int(exactly: value).map { String($0) } ?? value.description
    }

    static func map(_ entries: [(String, String)]) -> String {
        "{" + entries.sorted { $0.0 < $1.0 }.map { "\($0.0): \($0.1)" }.joined(separator: ", ") + "}"
    }
}
