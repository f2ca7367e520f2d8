/// Numbers as people read them.
public enum NumberText {
    /// Thousands parted by commas, wherever the machine stands: `1,000,209`.
    public static func grouped(_ number: Int) -> String {
        var text = String(number)
        var place = text.count - 3
        while place > 0 {
            text.insert(",", at: text.index(text.startIndex, offsetBy: place))
            place -= 3
        }
        return text
    }

    /// A time in seconds as hours, minutes and seconds: `1:02:03`, `2:03`.
    public static func clock(_ seconds: Int) -> String {
        let twoDigits: (Int) -> String = { $0 < 10 ? "0\($0)" : "\($0)" }
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60)
        let head = hours > 0 ? "\(hours):\(twoDigits(minutes))" : "\(minutes)"
        return "\(head):\(twoDigits(seconds % 60))"
    }

    /// Events a second, rounded down; 0 before any time has passed.
    public static func rate(_ events: Int, _ seconds: Double) -> Int {
        seconds > 0 ? Int(Double(events) / seconds) : 0
    }
}
