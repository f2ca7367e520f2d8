import Foundation
import Reporting
import Training

/// How far a training is: a bar on a terminal, a line every few seconds and after the last epoch elsewhere.
struct EpochProgress {
    enum Phase {
        /// On a part, to choose the number of epochs.
        case choosing
        /// On everything.
        case training
    }

    private let isTerminal: Bool
    private var head = ""
    private var phase = Phase.training
    private var epochsMax = 0
    private var start = ContinuousClock.now
    private var shown = false
    private var lastShown: ContinuousClock.Instant?
    /// A line held back because the last one is not long ago.
    private var waiting: String?
    private static let interval = Duration.seconds(2)

    init(isTerminal: Bool) { self.isTerminal = isTerminal }

    mutating func begin(name: String, learner: String, phase: Phase, epochsMax: Int) {
        head = name == learner ? name : "\(name) (\(learner))"
        (self.phase, self.epochsMax, start) = (phase, epochsMax, .now)
        show(0, "")
    }

    /// After an epoch.
    mutating func update(_ report: EpochReport, figure: ValidationFigure?, best: Int?) {
        show(report.epoch, Self.text(report, figure: figure, best: best))
    }

    /// Leaves what was shown last as it stands.
    mutating func end() {
        if isTerminal, shown { Terminal.writeError("") }
        if let waiting { Terminal.writeError(waiting) }
        (shown, waiting) = (false, nil)
    }

    private mutating func show(_ epoch: Int, _ text: String) {
        let what = phase == .choosing ? "choosing epochs" : "on everything"
        let line = "\(head), \(what): epoch \(epoch)/\(epochsMax)\(text)"
        if isTerminal {
            shown = true
            let bar = ProgressBar.text(Double(epoch) / Double(max(1, epochsMax)))
            Terminal.writeError("\r\u{1B}[K\(bar) \(line)\(timeLeft(epoch))", terminator: "")
        } else if epoch > 0 {
            waiting = "freshet train: \(line)"
            let now = ContinuousClock.now
            guard (lastShown ?? start).duration(to: now) >= Self.interval else { return }
            lastShown = now
            if let waiting { Terminal.writeError(waiting) }
            waiting = nil
        }
    }

    /// At most; training may stop early.
    private func timeLeft(_ epoch: Int) -> String {
        guard epoch > 0, epoch < epochsMax else { return "" }
        let elapsed = start.duration(to: .now) / .seconds(1)
        let left = Int((elapsed * Double(epochsMax - epoch) / Double(epoch)).rounded(.up))
        return ", \(phase == .choosing ? "at most " : "")\(NumberText.clock(left)) left"
    }

    static func text(_ report: EpochReport, figure: ValidationFigure?, best: Int?) -> String {
        var text = ", \(NumberText.grouped(Int(report.updatesPerSecond))) updates/s"
        text += ", training \(report.lossName) \(number(report.loss))"
        if let figure {
            text += ", validation \(figure.metric.rawValue) \(number(figure.value))"
            if let best { text += best == report.epoch ? " (the best)" : " (best in epoch \(best))" }
        }
        return text
    }

    static func number(_ value: Double) -> String { String(format: "%.4f", value) }
}
