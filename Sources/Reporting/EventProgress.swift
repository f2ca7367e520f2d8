/// How far a command is with its events: a bar on a terminal, a line every few seconds elsewhere.
public struct EventProgress {
    private let command: String
    private let isTerminal: Bool
    private let start = ContinuousClock.now
    private var shown: ContinuousClock.Instant?
    private let interval: Duration

    /// Begins to count the time.
    ///
    /// - Parameters:
    ///   - isTerminal: `Terminal.errorIsTerminal`, save in tests.
    ///   - command: named in front of each line that is not on a terminal.
    public init(isTerminal: Bool, command: String = "feed") {
        self.command = command
        self.isTerminal = isTerminal
        interval = isTerminal ? .milliseconds(100) : .seconds(5)
    }

    /// Since it was made.
    public var elapsed: Duration { start.duration(to: .now) }

    /// Shows where it stands if the last time is long enough ago. `fraction` is 0 to 1 where it can be known.
    public mutating func update(events: Int, fraction: @autoclosure () -> Double?) {
        let now = ContinuousClock.now
        guard (shown ?? start).duration(to: now) >= interval else { return }
        shown = now
        let text = Self.text(events: events, fraction: fraction(), elapsed: elapsed, bar: isTerminal)
        Terminal.writeError(
            isTerminal ? "\r\u{1B}[K\(text)" : "freshet \(command): \(text)",
            terminator: isTerminal ? "" : "\n")
    }

    /// Makes room for other lines.
    public func clear() {
        if isTerminal, shown != nil { Terminal.writeError("\r\u{1B}[K", terminator: "") }
    }

    static func text(events: Int, fraction: Double?, elapsed: Duration, bar: Bool) -> String {
        let seconds = elapsed / .seconds(1)
        var text =
            "\(NumberText.grouped(events)) events, \(NumberText.grouped(NumberText.rate(events, seconds)))/s"
        guard let fraction, fraction > 0 else { return text }
        let share = min(1, fraction)
        let left = Int((seconds * (1 - share) / share).rounded(.up))
        text += ", \(Int(share * 100)) %, \(NumberText.clock(left)) left"
        guard bar else { return text }
        return "\(ProgressBar.text(share)) \(text)"
    }
}

/// A part done, as a bar.
public enum ProgressBar {
    /// `[######------------------]` for a quarter; a share below 0 or above 1 is taken as the nearer of the two.
    public static func text(_ share: Double) -> String {
        let width = 24
        let filled = Int(min(1, max(0, share)) * Double(width))
        return "[" + String(repeating: "#", count: filled) + String(repeating: "-", count: width - filled)
            + "]"
    }
}
