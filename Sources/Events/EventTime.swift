/// The unit of times that come as numbers.
public enum TimeUnit: String, Sendable, CaseIterable {
    /// By size: below 10^11 seconds, below 10^14 milliseconds, below 10^17 microseconds, else nanoseconds. Each holds for
    /// all times from 1973 to 5138; milliseconds before March 1973 would be taken for seconds.
    case auto
    case s, ms, us, ns

    /// What `auto` takes a number for.
    static func ofSize(_ number: Int64) -> TimeUnit {
        switch number.magnitude {
        case ..<100_000_000_000: .s
        case ..<100_000_000_000_000: .ms
        case ..<100_000_000_000_000_000: .us
        default: .ns
        }
    }

    static func ofSize(_ number: Double) -> TimeUnit {
        switch abs(number) {
        case ..<1e11: .s
        case ..<1e14: .ms
        case ..<1e17: .us
        default: .ns
        }
    }

    var name: String {
        switch self {
        case .auto: "units by size"
        case .s: "seconds"
        case .ms: "milliseconds"
        case .us: "microseconds"
        case .ns: "nanoseconds"
        }
    }
}

/// A time as an event gives it, not yet checked against the bounds.
public struct EventTime: Sendable, Equatable {
    /// What may stand where a time does, for messages.
    public static let wanted =
        "a number of seconds, milliseconds, microseconds or nanoseconds since 1970, or ISO 8601 with its zone, say "
        + "2026-01-31T12:00:00Z or 2026-01-31T13:00:00+01:00"

    /// Since 1970; whole, unless it is beyond an `Int64`.
    public let milliseconds: Double
    /// Of the number; `nil` for a text.
    public let unit: TimeUnit?

    private init(milliseconds: Double, unit: TimeUnit?) {
        self.milliseconds = milliseconds
        self.unit = unit
    }

    init(_ number: Int64, _ given: TimeUnit) {
        let unit = given == .auto ? TimeUnit.ofSize(number) : given
        // A double holds every millisecond within 285,000 years of 1970.
        let milliseconds: Double =
            switch unit {
            case .s: Double(number) * 1_000
            case .auto, .ms: Double(number)
            case .us: Double(number.dividedDown(by: 1_000))
            case .ns: Double(number.dividedDown(by: 1_000_000))
            }
        self.init(milliseconds: milliseconds, unit: unit)
    }

    /// Seconds may have a fraction; of milliseconds and less it is cut off.
    init(_ number: Double, _ given: TimeUnit) {
        let unit = given == .auto ? TimeUnit.ofSize(number) : given
        let milliseconds: Double =
            switch unit {
            case .s: (number * 1_000).rounded()
            case .auto, .ms: number.rounded(.down)
            case .us: (number / 1_000).rounded(.down)
            case .ns: (number / 1_000_000).rounded(.down)
            }
        self.init(milliseconds: milliseconds, unit: unit)
    }

    /// Reads a number, or ISO 8601 with a zone.
    /// - Parameters:
    ///   - unit: of a number.
    ///   - decimalComma: takes a comma for the point of a number.
    ///   - field: named in the error.
    /// - Throws: `EventError.badValue`. A number with an exponent is refused: in a text it has been rounded by a
    ///   spreadsheet.
    public init(
        _ text: String, _ unit: TimeUnit, decimalComma: Bool = false, field: String
    ) throws(EventError) {
        let text = PlainText.trimmed(text)
        if let integer = Int64(text) {
            self.init(integer, unit)
        } else if let number = PlainText.number(text, decimalComma: decimalComma) {
            guard !text.utf8.contains(where: { $0 | 0x20 == UInt8(ascii: "e") }) else {
                throw .badValue(
                    field: field, found: "\(EventError.shown(text)), a rounded number",
                    wanted: Self.wanted)
            }
            self.init(number, unit)
        } else if let milliseconds = ISO8601.milliseconds(text) {
            self.init(milliseconds: Double(milliseconds), unit: nil)
        } else {
            throw .badValue(field: field, found: EventError.shown(text), wanted: Self.wanted)
        }
    }

    /// As ISO 8601, which is read the same under every unit, say `2026-01-31T12:00:00.000Z`.
    public static func text(ofMilliseconds milliseconds: Int64) -> String {
        ISO8601.text(milliseconds)
    }
}

/// In what units times have come as numbers.
public struct TimeUnitTally: Sendable, Equatable {
    private var counts: [TimeUnit: Int] = [:]
    private var last: TimeUnit?
    private var run = 0

    public init() {}

    mutating func note(_ unit: TimeUnit) {
        if unit != last {
            counts[last ?? unit, default: 0] += run
            (last, run) = (unit, 0)
        }
        run += 1
    }

    /// What to say where there is more than one unit; `nil` where there is not.
    public var mixture: String? {
        var counts = counts
        if let last { counts[last, default: 0] += run }
        let seen = TimeUnit.allCases.filter { counts[$0, default: 0] > 0 }
        guard seen.count > 1 else { return nil }
        let parts = seen.map { "\(counts[$0, default: 0]) in \($0.name)" }.joined(separator: ", ")
        return "times are mixed: \(parts), each told by its size; events.ts-unit fixes one unit"
    }
}

extension Int64 {
    fileprivate func dividedDown(by divisor: Int64) -> Int64 {
        let (quotient, rest) = quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? quotient - 1 : quotient
    }
}
