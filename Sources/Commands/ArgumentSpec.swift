import RESP

/// One argument of a command, as `COMMAND DOCS` describes it. The usage line and the arity are drawn from the same
/// description, so that they cannot say different things.
struct ArgumentSpec: Sendable {
    enum Kind: String, Sendable {
        case string, integer, double
        case pureToken = "pure-token"
        case oneOf = "oneof"
        case block
    }

    var name: String
    var kind: Kind = .string
    /// The word before the value; for a `pureToken`, the whole of it.
    var token: String?
    var isOptional = false
    var isMultiple = false
    /// Of several values, whether the word stands before each of them.
    var repeatsToken = false
    /// The alternatives of `oneOf`, the parts of `block`.
    var parts: [ArgumentSpec] = []

    /// A required value, after a word where one is given.
    static func value(_ name: String, _ kind: Kind = .string, after token: String? = nil) -> ArgumentSpec {
        ArgumentSpec(name: name, kind: kind, token: token)
    }

    /// One value or more.
    static func values(_ name: String) -> ArgumentSpec {
        ArgumentSpec(name: name, isMultiple: true)
    }

    /// `[TOKEN value]`.
    static func option(_ token: String, _ name: String, _ kind: Kind = .string) -> ArgumentSpec {
        ArgumentSpec(name: name, kind: kind, token: token, isOptional: true)
    }

    /// `[TOKEN value]...`.
    static func repeated(_ token: String, _ name: String) -> ArgumentSpec {
        ArgumentSpec(name: name, token: token, isOptional: true, isMultiple: true, repeatsToken: true)
    }

    /// `[TOKEN value [value...]]`.
    static func list(_ token: String, _ name: String, _ kind: Kind = .string) -> ArgumentSpec {
        ArgumentSpec(name: name, kind: kind, token: token, isOptional: true, isMultiple: true)
    }

    /// `[TOKEN]`.
    static func flag(_ token: String) -> ArgumentSpec {
        ArgumentSpec(name: token.lowercased(), kind: .pureToken, token: token, isOptional: true)
    }

    /// `[TOKEN a|b]`.
    static func choice(_ token: String, _ name: String, of words: [String]) -> ArgumentSpec {
        let parts = words.map { ArgumentSpec(name: $0, kind: .pureToken, token: $0) }
        return ArgumentSpec(name: name, kind: .oneOf, token: token, isOptional: true, parts: parts)
    }

    /// `[a b]`: parts that come together.
    static func block(_ name: String, _ parts: [ArgumentSpec]) -> ArgumentSpec {
        ArgumentSpec(name: name, kind: .block, isOptional: true, parts: parts)
    }

    func optional() -> ArgumentSpec {
        var copy = self
        copy.isOptional = true
        return copy
    }

    func required() -> ArgumentSpec {
        var copy = self
        copy.isOptional = false
        return copy
    }

    /// Words of its shortest form.
    var words: Int { token != nil && kind != .pureToken ? 2 : 1 }

    /// As it stands in a usage line.
    var usage: String {
        let body =
            switch kind {
            case .pureToken: token ?? name
            case .oneOf: parts.map(\.usage).joined(separator: "|")
            case .block: parts.map(\.usage).joined(separator: " ")
            case .string, .integer, .double: name
            }
        let whole = kind == .pureToken ? body : [token, body].compactMap { $0 }.joined(separator: " ")
        if isMultiple, token != nil, !repeatsToken { return "[\(whole) [\(body)...]]" }
        switch (isOptional, isMultiple) {
        case (false, false): return whole
        case (true, false): return "[\(whole)]"
        case (false, true): return "\(whole) [\(whole)...]"
        case (true, true): return "[\(whole)]..."
        }
    }

    /// As an entry of `COMMAND DOCS`.
    var documentation: RESPValue {
        var pairs: [(RESPValue, RESPValue)] = [
            (.text("name"), .text(name)), (.text("type"), .text(kind.rawValue)),
        ]
        if let token { pairs.append((.text("token"), .text(token))) }
        if kind != .pureToken, parts.isEmpty { pairs.append((.text("display_text"), .text(name))) }
        var flags: [RESPValue] = []
        if isOptional { flags.append(.simple("optional")) }
        if isMultiple { flags.append(.simple("multiple")) }
        if repeatsToken { flags.append(.simple("multiple_token")) }
        if !flags.isEmpty { pairs.append((.text("flags"), .array(flags))) }
        if !parts.isEmpty { pairs.append((.text("arguments"), .array(parts.map(\.documentation)))) }
        return .map(pairs)
    }
}
