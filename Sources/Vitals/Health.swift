// Vitals: how a daemon is, and how it went.
//
// Here live health in words, the trend of the lag that it goes by, and the curves of the live scores with the file that keeps
// them over restarts. Fields of STATUS and MODELS come in. What never comes in: how they were asked for, and how they are
// drawn.

package import Engine
internal import Foundation

/// How the daemon is, in a sentence for people; what matters most comes first.
package struct Health: Equatable {
    package enum State: String {
        case well
        /// Something to know of, and nothing to do.
        case busy
        /// Somebody has to look.
        case trouble
    }

    /// Events behind which nobody needs to hear of.
    package static let lagWorthTelling = 1_000.0

    package let state: State
    package let words: String

    /// - Parameters:
    ///   - eventsPerSecond: learned of late.
    ///   - trend: where the lag is going.
    ///   - freshness: seconds from an event's coming to its being seen, of late: the median.
    ///   - slowest: the same, which 99 of 100 stay below.
    package init(
        status: [StatusField], models: [ModelStatus], eventsPerSecond: Double?,
        trend: LagTrend, freshness: Double?, slowest: Double? = nil
    ) {
        let lag = status.number("lag.total") ?? 0
        let unhealthy = models.filter { $0.fields.contains(StatusField("unhealthy", .bool(true))) }
        if let trouble = Self.trouble(status) ?? Self.unhealthy(unhealthy, status) {
            (state, words) = (.trouble, trouble)
        } else if lag > max(Self.lagWorthTelling, eventsPerSecond ?? 0) {
            (state, words) = (.busy, Self.behind(lag, eventsPerSecond ?? 0, trend, freshness))
        } else if let loser = models.first(where: { $0.isDefault && Self.loses($0) }) {
            let (name, baseline) = (loser.name, Self.baseline(loser))
            (state, words) = (.busy, "Every event is learned, but “\(name)” does worse than \(baseline).")
        } else if status.number("events.applied") ?? 0 == 0 {
            (state, words) = (.well, "Ready, and nothing to learn from yet. What is fed shows here at once.")
        } else if eventsPerSecond ?? 0 == 0 {
            (state, words) = (.well, "All is well: every event is learned. None came in the last seconds.")
        } else {
            let half = freshness.map { ", half of them within \(Self.time($0)) of their coming" } ?? ""
            let most = slowest.map { ", 99 % within \(Self.time($0))" } ?? ""
            (state, words) = (.well, "All is well: every event is learned\(half)\(most).")
        }
    }

    private static func trouble(_ status: [StatusField]) -> String? {
        if status.number("log.reachable") == 0 {
            return
                "The log cannot be reached (\(status.text("log.last-error"))). Look-ups are answered from what "
                + "was learned."
        }
        let fileError = status.text("state.file-error")
        if !fileError.isEmpty { return "The state’s file is not as it should be: \(fileError)" }
        let checkpointError = status.text("checkpoint.last-error")
        if !checkpointError.isEmpty {
            return
                "The last checkpoint failed (\(checkpointError)). Nothing is lost; the next one tries again."
        }
        let letters = status.number("dead-letters.waiting") ?? 0
        return letters > 0 ? "\(count(letters)) malformed events could not be put aside yet." : nil
    }

    private static func unhealthy(_ models: [ModelStatus], _ status: [StatusField]) -> String? {
        guard !models.isEmpty else { return nil }
        let names = models.map { "“\($0.name)”" }.joined(separator: ", ")
        let instead =
            models.contains(where: \.isDefault)
            ? " Who names no model is answered by “\(status.text("default-model.answered-by"))”." : ""
        let newest = status.text("generations.newest")
        let back = newest.isEmpty ? "" : " To go back: freshet checkpoint restore \(newest)."
        return
            "Too many updates of \(names) are dropped by the guard: QUARANTINE lists them.\(instead)\(back)"
    }

    private static func behind(
        _ lag: Double, _ rate: Double, _ trend: LagTrend, _ freshness: Double?
    ) -> String {
        let how = freshness.map { $0 >= 1 ? "\(time($0)) behind" : nil } ?? nil
        let events = "\(count(lag)) events"
        let place = how.map { "\($0) (\(events))" } ?? "\(events) behind"
        let begin = place.prefix(1).uppercased() + place.dropFirst()
        switch trend.direction {
        case .catchingUp(let perSecond): return "\(begin) and catching up: \(time(lag / perSecond)) left."
        case .fallingBehind(let perSecond) where rate > 0:
            return "\(begin), and falling further behind: \(count(rate)) a second are learned, "
                + "\(count(rate + perSecond)) come."
        case .fallingBehind: return "\(begin), and none is being learned."
        case .standing where rate == 0: return "\(begin), and none is being learned."
        case .standing:
            return "\(begin), as for some seconds: \(count(rate)) a second are learned, as many come."
        case .unclear: return "\(begin): they have just come, and are being learned."
        }
    }

    static func loses(_ model: ModelStatus) -> Bool {
        model.fields.contains { $0.name.hasPrefix("loses-to-") && $0.value == .bool(true) }
    }

    static func baseline(_ model: ModelStatus) -> String {
        let name = model.fields.first { $0.name.hasPrefix("loses-to-") }?.name.dropFirst(9)
        return name.map(String.init) ?? "its baseline"
    }

    static func time(_ seconds: Double) -> String {
        switch seconds {
        case ..<1: "\(max(1, Int((seconds * 1000).rounded()))) ms"
        case ..<100: "\(Int(seconds.rounded())) s"
        case ..<5_400: "\(Int((seconds / 60).rounded())) minutes"
        case ..<172_800: "\(Int((seconds / 3_600).rounded())) hours"
        default: "\(Int((seconds / 86_400).rounded())) days"
        }
    }

    static func count(_ number: Double) -> String {
        Int(number.rounded()).formatted(.number.locale(Locale(identifier: "en")))
    }
}
