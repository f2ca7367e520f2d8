/// Metrics as Prometheus reads them, text format 0.0.4: families one after the other, each once.
public struct PrometheusText: Sendable {
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    public enum Value: Sendable {
        case counter(Double), gauge(Double), histogram(Distribution)

        fileprivate var type: String {
            switch self {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        }
    }

    public private(set) var text = ""

    public init() {}

    /// - Parameters:
    ///   - name: ends in `_total` of a counter, and in its base unit (`_seconds`, `_bytes`).
    ///   - samples: all of one type; a family without any is left out.
    public mutating func family(
        _ name: String, help: String, _ samples: [(labels: [(String, String)], value: Value)]
    ) {
        guard let first = samples.first else { return }
        if !help.isEmpty { text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n" }
        text += "# TYPE \(name) \(first.value.type)\n"
        for sample in samples {
            switch sample.value {
            case .counter(let number), .gauge(let number): line(name, sample.labels, number)
            case .histogram(let distribution): histogram(name, sample.labels, distribution)
            }
        }
    }

    private mutating func histogram(
        _ name: String, _ labels: [(String, String)], _ distribution: Distribution
    ) {
        var below = 0
        for (bound, count) in zip(distribution.bounds.upper.map(Self.number) + ["+Inf"], distribution.counts)
        {
            below += count
            line(name + "_bucket", labels + [("le", bound)], Double(below))
        }
        line(name + "_sum", labels, distribution.sum)
        // What the cells say, so that the count is that of the last of them.
        line(name + "_count", labels, Double(below))
    }

    private mutating func line(_ name: String, _ labels: [(String, String)], _ value: Double) {
        text += name
        if !labels.isEmpty {
            text += "{"
            for (place, label) in labels.enumerated() {
                text += "\(place == 0 ? "" : ",")\(label.0)=\"\(Self.escaped(label.1, quotes: true))\""
            }
            text += "}"
        }
        text += " \(Self.number(value))\n"
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        return value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : value.description
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
