/// How far a command is with its events: a bar on a terminal, a line every few seconds elsewhere.
struct Progress {
    private let command: String
    private let isTerminal: Bool
    private let start = ContinuousClock.now
    private var shown: ContinuousClock.Instant?
    private let interval: Duration

    init(isTerminal: Bool, command: String = "feed") {
        self.command = command
        self.isTerminal = isTerminal
        interval = isTerminal ? .milliseconds(100) : .seconds(5)
    }

    var elapsed: Duration { start.duration(to: .now) }

    /// Shows where it stands if the last time is long enough ago. `fraction` is 0 to 1 where it can be known.
    mutating func update(events: Int, fraction: @autoclosure () -> Double?) {
        let now = ContinuousClock.now
        guard (shown ?? start).duration(to: now) >= interval else { return }
        shown = now
        let text = Self.text(events: events, fraction: fraction(), elapsed: elapsed, bar: isTerminal)
        Terminal.writeError(
            isTerminal ? "\r\u{1B}[K\(text)" : "freshet \(command): \(text)",
            terminator: isTerminal ? "" : "\n")
    }

    /// Makes room for other lines.
    func clear() {
        if isTerminal, shown != nil { Terminal.writeError("\r\u{1B}[K", terminator: "") }
    }

    static func text(events: Int, fraction: Double?, elapsed: Duration, bar: Bool) -> String {
        let seconds = elapsed / .seconds(1)
        var text = "\(grouped(events)) events, \(grouped(rate(events, seconds)))/s"
        guard let fraction, fraction > 0 else { return text }
        let share = min(1, fraction)
        let left = Int((seconds * (1 - share) / share).rounded(.up))
        text += ", \(Int(share * 100)) %, \(clock(left)) left"
        guard bar else { return text }
        let width = 24
        let filled = Int(share * Double(width))
        return "[" + String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
            + "] " + text
    }

    /// Events a second, rounded.
    static func rate(_ events: Int, _ seconds: Double) -> Int {
        seconds > 0 ? Int(Double(events) / seconds) : 0
    }

    /// `1,000,209`
    static func grouped(_ number: Int) -> String {
        var text = String(number)
        var place = text.count - 3
        while place > 0 {
            text.insert(",", at: text.index(text.startIndex, offsetBy: place))
            place -= 3
        }
        return text
    }

    /// `1:02:03`, `2:03`
    static func clock(_ seconds: Int) -> String {
        let twoDigits: (Int) -> String = { $0 < 10 ? "0\($0)" : "\($0)" }
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60)
        let head = hours > 0 ? "\(hours):\(twoDigits(minutes))" : "\(minutes)"
        return "\(head):\(twoDigits(seconds % 60))"
    }
}
