import Locking
import Reporting

/// What `evaluate` is doing: one line that changes on a terminal, a line every few seconds elsewhere.
public final class EvaluationProgress: Sendable {
    private let isTerminal = Terminal.errorIsTerminal
    private let shown = Lock<ContinuousClock.Instant?>(nil)

    /// On standard error; nothing is said yet.
    public init() {}

    /// `isStep` says that something new begins, which is shown at once.
    public func say(_ text: @autoclosure () -> String, isStep: Bool = false) {
        let now = ContinuousClock.now
        let isDue = shown.withLock { shown in
            let interval: Duration = isTerminal ? .milliseconds(100) : .seconds(5)
            let isDue = isStep || shown.map { $0.duration(to: now) >= interval } ?? true
            if isDue { shown = now }
            return isDue
        }
        guard isDue else { return }
        let line = isTerminal ? "\r\u{1B}[K\(text())" : "freshet evaluate: \(text())"
        Terminal.writeError(line, terminator: isTerminal ? "" : "\n")
    }

    /// A line that stays.
    public func note(_ text: String) {
        clear()
        Terminal.writeError(text)
    }

    /// Makes room for other lines.
    public func clear() {
        if isTerminal { Terminal.writeError("\r\u{1B}[K", terminator: "") }
    }
}
