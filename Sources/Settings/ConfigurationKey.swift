/// One key: from its declaration come parsing, validation and the reference.
struct ConfigurationKey: Sendable {
    typealias Path<Value> = any WritableKeyPath<Configuration, Value> & Sendable
    /// Puts a value into the configuration, or says why not. The second argument names an entry of a map,
    /// `nil` sets the key as a whole.
    typealias Assign =
        @Sendable (ConfigurationValue, String?, inout Configuration) -> [ConfigurationRefusal]

    let name: String
    /// `integer`, `number`, `text`, `choice`, `true/false` or `map`.
    let type: String
    let unit: String?
    let allowed: String
    let summary: String
    /// Entries can be named one by one: `events.signals.click`.
    let isMap: Bool
    /// Whether a daemon that runs takes a change; a key that does not say so needs a restart.
    var reload = ConfigurationReload.restart
    /// Its value is not to be read in a log.
    var isSecret = false
    /// The value as it would stand in the file.
    let text: @Sendable (Configuration) -> String
    /// Takes the value of the first configuration over into the second.
    let take: @Sendable (Configuration, inout Configuration) -> Void
    let assign: Assign

    /// As it would stand in the file.
    var defaultText: String { text(Configuration()) }

    /// `FRESHET_SOURCE_KAFKA_BROKERS` for `source.kafka.brokers`.
    var environmentVariable: String {
        "FRESHET_" + name.uppercased().map { ".-".contains($0) ? "_" : String($0) }.joined()
    }
}

extension ConfigurationKey {
    /// The same key, for which a reload of the configuration is enough.
    func reloadable(_ reload: ConfigurationReload = .atOnce) -> Self {
        var key = self
        key.reload = reload
        return key
    }

    /// The same key, whose value is kept out of logs.
    func secret() -> Self {
        var key = self
        key.isSecret = true
        return key
    }
}

// MARK: - Kinds of keys

extension ConfigurationKey {
    static func integer(
        _ name: String, _ path: Path<Int>, _ range: ClosedRange<Int>, multipleOf step: Int = 1,
        unit: String? = nil, _ summary: String
    ) -> Self {
        let upper = range.upperBound == .max ? "up" : "to \(range.upperBound)"
        let steps = step == 1 ? "" : ", a multiple of \(step)"
        return scalar(
            name, path, type: "integer", unit: unit,
            allowed: "an integer from \(range.lowerBound) \(upper)\(steps)",
            summary, text: { String($0) },
            parse: { text in
                Int(text).flatMap { range.contains($0) && $0.isMultiple(of: step) ? $0 : nil }
            })
    }

    static func number(
        _ name: String, _ path: Path<Double>, _ range: ClosedRange<Double>, unit: String? = nil,
        _ summary: String
    ) -> Self {
        let bounds = [range.lowerBound, range.upperBound].map(ConfigurationText.number)
        return scalar(
            name, path, type: "number", unit: unit, allowed: "a number from \(bounds[0]) to \(bounds[1])",
            summary,
            text: ConfigurationText.number,
            parse: { text in Double(text).flatMap { range.contains($0) ? $0 : nil } })
    }

    static func bool(_ name: String, _ path: Path<Bool>, _ summary: String) -> Self {
        scalar(
            name, path, type: "true/false", allowed: "true or false", summary, text: { String($0) },
            parse: { Bool($0) })
    }

    static func choice<Value: RawRepresentable<String> & Sendable>(
        _ name: String, _ path: Path<Value>, _ choices: [Value], _ summary: String
    ) -> Self {
        scalar(
            name, path, type: "choice", allowed: choices.map(\.rawValue).joined(separator: ", "), summary,
            text: \.rawValue, parse: { Value(rawValue: $0) })
    }

    static func text(
        _ name: String, _ path: Path<String>, allowed: String, _ summary: String,
        where isAllowed: @escaping @Sendable (String) -> Bool
    ) -> Self {
        scalar(
            name, path, type: "text", allowed: allowed, summary, takesNothingAs: "",
            text: { $0.isEmpty ? "\"\"" : $0 },
            parse: { isAllowed($0) ? $0 : nil })
    }

    /// A key with one plain value.
    static func scalar<Value>(
        _ name: String, _ path: Path<Value>, type: String, unit: String? = nil, allowed: String,
        _ summary: String, takesNothingAs nothing: String? = nil,
        text: @escaping @Sendable (Value) -> String,
        parse: @escaping @Sendable (String) -> Value?
    ) -> Self {
        Self(
            name: name, type: type, unit: unit, allowed: allowed, summary: summary, isMap: false,
            text: { text($0[keyPath: path]) }, take: { $1[keyPath: path] = $0[keyPath: path] }
        ) { value, _, configuration in
            let found: String?
            switch value.content {
            case .text(let text): found = text
            case .null: found = nothing
            case .map, .list: found = nil
            }
            guard let parsed = found.flatMap(parse) else { return [.wanted(allowed, found: value)] }
            configuration[keyPath: path] = parsed
            return []
        }
    }

    /// A key with a map of names to plain values.
    static func map<Value>(
        _ name: String, _ path: Path<[String: Value]>, allowed: String, _ summary: String,
        text: @escaping @Sendable (Value) -> String, parse: @escaping @Sendable (String) -> Value?
    ) -> Self {
        Self(
            name: name, type: "map", unit: nil, allowed: "a map of \(allowed)", summary: summary, isMap: true,
            text: { ConfigurationText.map($0[keyPath: path].map { ($0.key, text($0.value)) }) },
            take: { $1[keyPath: path] = $0[keyPath: path] }
        ) { value, entry, configuration in
            var given: [(key: String, value: ConfigurationValue)]
            if let entry {
                given = [(entry, value)]
            } else {
                switch value.content {
                case .map(let entries): given = entries
                case .null: given = []
                case .text, .list: return [.wanted("a map of \(allowed)", found: value)]
                }
                configuration[keyPath: path] = [:]
            }
            return given.compactMap { key, value in
                guard case .text(let text) = value.content, !key.isEmpty, let parsed = parse(text) else {
                    return .wanted(allowed, found: value, path: key)
                }
                configuration[keyPath: path][key] = parsed
                return nil
            }
        }
    }
}
