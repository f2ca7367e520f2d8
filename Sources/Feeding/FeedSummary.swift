import Events
public import Reporting

/// What `feed` says at its end.
public enum FeedSummary {
    /// One line: events and time, bad lines, what is not known to be in the log, and the last token of each partition.
    ///
    /// - Parameter place: where to go on with what somebody interrupted.
    public static func text(
        _ receipts: Receipts, badLines: Int, elapsed: Duration, goingOnWith place: EventPlace? = nil
    ) -> String {
        let seconds = elapsed / .seconds(1)
        let rate = NumberText.rate(receipts.acknowledged, seconds)
        let duration = "\((seconds * 10).rounded() / 10) s"
        var text = "fed \(NumberText.grouped(receipts.acknowledged)) events in \(duration)"
        text += " (\(NumberText.grouped(rate))/s)"
        if badLines > 0 {
            text += ", passed over \(NumberText.grouped(badLines)) bad \(badLines == 1 ? "line" : "lines")"
        }
        if receipts.refused > 0 { text += ", \(NumberText.grouped(receipts.refused)) refused" }
        if receipts.unanswered > 0 {
            let count = NumberText.grouped(receipts.unanswered)
            text += ", \(count) without an answer, which the log may hold or not"
        }
        if let place { text += ", interrupted: go on with \(place)" }
        let tokens = receipts.lastTokens.map(\.description).joined(separator: " ")
        return tokens.isEmpty ? text : text + ", last token \(tokens)"
    }

    /// What to end with where not all are acknowledged: how many, and the first reasons.
    public static func failure(_ receipts: Receipts) -> CommandError {
        let head = "\(NumberText.grouped(receipts.unacknowledged)) events were not acknowledged"
        return CommandError(([head] + receipts.reasons).joined(separator: "\n  "))
    }
}
