/// Lengths of time as they are written: `90 s`, `15 min`, `2 h`, `3 d`, with or without the blank.
public enum DurationText {
    private static let units: [(name: String, milliseconds: Double)] = [
        ("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000),
    ]

    /// In milliseconds; `nil` for what is no length above 0.
    public static func milliseconds(_ text: String) -> Double? {
        let words = text.filter { $0 != " " }
        let number = words.prefix { $0.isNumber || $0 == "." }
        guard let value = Double(number), value > 0, value <= 1e9,
            let unit = units.first(where: { $0.name == words.dropFirst(number.count) })
        else { return nil }
        return value * unit.milliseconds
    }

    /// In the largest unit that it is a whole number of.
    public static func text(milliseconds: Double) -> String {
        let unit =
            units.last { (milliseconds / $0.milliseconds).truncatingRemainder(dividingBy: 1) == 0 }
            ?? units[0]
        let count = milliseconds / unit.milliseconds
        return "\(count < 1e15 && count == count.rounded() ? String(Int(count)) : String(count)) \(unit.name)"
    }
}
