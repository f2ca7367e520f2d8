/// What goes on just now: one line that is written over on a terminal, a line every few seconds elsewhere.
public struct PassingLine {
    private let command: String
    private let isTerminal: Bool
    private let interval: Duration
    private var shown: ContinuousClock.Instant
    private var isShown = false

    /// - Parameter isTerminal: `Terminal.errorIsTerminal`, save in tests.
    public init(command: String, isTerminal: Bool) {
        (self.command, self.isTerminal, shown) = (command, isTerminal, .now)
        interval = isTerminal ? .milliseconds(500) : .seconds(5)
    }

    /// Shows it where the last one is long enough ago.
    public mutating func show(_ text: String) {
        let now = ContinuousClock.now
        guard shown.duration(to: now) >= interval else { return }
        (shown, isShown) = (now, true)
        Terminal.writeError(
            isTerminal ? "\r\u{1B}[K\(text)" : "freshet \(command): \(text)",
            terminator: isTerminal ? "" : "\n")
    }

    /// Makes room for other lines.
    public mutating func clear() {
        if isTerminal, isShown { Terminal.writeError("\r\u{1B}[K", terminator: "") }
        isShown = false
    }
}
