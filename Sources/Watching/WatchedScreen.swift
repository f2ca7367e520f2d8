import Engine
package import Foundation
import Reporting

/// A daemon on a screen of so many columns and rows.
package struct WatchedScreen: Sendable {
    private static let blocks = Array("▁▂▃▄▅▆▇█")
    /// What stands before a curve.
    private static let labelWidth = 12
    private static let numberWidth = 10

    package var columns: Int
    package var rows: Int
    /// Marks for a terminal; text alone without.
    package var inColour: Bool

    package init(columns: Int, rows: Int, inColour: Bool) {
        (self.columns, self.rows, self.inColour) = (max(20, columns), max(5, rows), inColour)
    }

    /// - Parameters:
    ///   - place: the daemon's socket.
    ///   - trouble: why it was not asked just now; the last that is known stays.
    package func lines(_ course: WatchedCourse, at place: String, trouble: String?) -> [String] {
        var lines = [head(course, place)] + health(course, trouble) + [""]
        if let last = course.last {
            lines += now(course, last) + [""] + models(last)
        }
        var shown = lines.prefix(rows - 1).map { fit($0, inColour) }
        while shown.count < rows - 1 { shown.append("") }
        return shown + [paint("2", "q quits")]
    }

    private func head(_ course: WatchedCourse, _ place: String) -> String {
        let uptime = course.last?["server.uptime-s"].map { "up \(NumberText.clock(Int($0)))" } ?? ""
        let process = course.last?["server.pid"].map { "process \(Int($0))" } ?? ""
        let left = "freshet at \(place)"
        let right = [process, uptime].filter { !$0.isEmpty }.joined(separator: "  ")
        let space = max(2, columns - left.count - right.count)
        return paint("1", left + String(repeating: " ", count: space) + right)
    }

    private func health(_ course: WatchedCourse, _ trouble: String?) -> [String] {
        if let trouble { return wrap("The daemon went away: \(trouble). Asking again.", "31") }
        let health = course.health
        return wrap(health.words, ["well": "32", "busy": "33", "trouble": "31"][health.state] ?? "0")
    }

    private func wrap(_ text: String, _ colour: String) -> [String] {
        var lines = [""]
        for word in text.split(separator: " ") {
            let line = lines[lines.count - 1]
            if line.count + word.count + 1 > columns, !line.isEmpty {
                lines.append(String(word))
            } else {
                lines[lines.count - 1] = line.isEmpty ? String(word) : "\(line) \(word)"
            }
        }
        return lines.prefix(3).map { paint(colour, $0) }
    }

    // MARK: - Now

    private func now(_ course: WatchedCourse, _ last: WatchedSample) -> [String] {
        func count(_ name: String) -> String { NumberText.grouped(Int(last[name] ?? 0)) }
        func rate(_ name: String) -> String {
            course.rate(name).map { NumberText.grouped(Int($0.rounded())) } ?? "…"
        }
        let ping = String(format: "%.2f", last.roundTrip / .milliseconds(1))
        let lost = ["late", "duplicates", "dead-letters", "refused", "skipped"].compactMap {
            name -> String? in
            let number = last["events.\(name)"] ?? 0
            return number > 0 ? "\(NumberText.grouped(Int(number))) \(name)" : nil
        }
        return [
            line(
                "events/s", rate("events.applied"), course.rates("events.applied"),
                "\(count("events.applied")) learned"),
            line("behind", count("lag.total"), course.values("lag.total"), lost.joined(separator: ", ")),
            line(
                "commands/s", rate("rpc.commands"), course.rates("rpc.commands"),
                "\(count("rpc.connections")) connections, PING \(ping) ms"),
            line(
                "memory", Self.bytes(last["memory.resident-bytes"]), course.values("memory.resident-bytes"),
                "\(count("users.count")) users, \(count("items.count")) items"),
            label("checkpoint") + checkpoint(last),
        ]
    }

    private func checkpoint(_ last: WatchedSample) -> String {
        let age = last["checkpoint.age-s"].map { "\(NumberText.clock(Int($0))) ago" } ?? "none yet"
        var parts = [age]
        if let took = last["checkpoint.last-ms"], last["checkpoint.age-s"] != nil {
            let pause = String(format: "%.1f", last["checkpoint.last-pause-ms"] ?? 0)
            parts.append("took \(Int(took.rounded())) ms, paused \(pause) ms")
        }
        parts.append("file \(Self.bytes(last["state.file-bytes"]))")
        if let free = last["state.disk-free-bytes"] { parts.append("\(Self.bytes(free)) free") }
        return parts.joined(separator: ", ")
    }

    private func label(_ name: String) -> String {
        name.padding(toLength: Self.labelWidth, withPad: " ", startingAt: 0)
    }

    /// A number, its course, and words, which have the last third of the line.
    private func line(_ name: String, _ number: String, _ course: [Double], _ words: String) -> String {
        let curveWidth = max(0, min(60, columns - Self.labelWidth - Self.numberWidth - 36))
        let right = String(repeating: " ", count: max(0, Self.numberWidth - number.count)) + number
        return label(name) + right + "  " + Self.curve(course, width: curveWidth) + "  " + words
    }

    /// Blocks of eight heights, from nothing to the highest; the newest at the right end.
    static func curve(_ values: [Double], width: Int) -> String {
        let shown = values.suffix(width)
        let highest = shown.max() ?? 0
        let text = shown.map { value -> Character in
            guard highest > 0 else { return blocks[0] }
            return blocks[min(blocks.count - 1, Int((value / highest * Double(blocks.count - 1)).rounded()))]
        }
        return String(repeating: " ", count: max(0, width - shown.count)) + String(text)
    }

    static func bytes(_ number: Double?) -> String {
        guard let number else { return "…" }
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var (value, place) = (number, 0)
        while value >= 1024, place < units.count - 1 { (value, place) = (value / 1024, place + 1) }
        return String(format: "%.\(place > 0 && value < 10 ? 1 : 0)f %@", value, units[place])
    }

    // MARK: - Models

    private func models(_ last: WatchedSample) -> [String] {
        var table = Table([
            Table.Column(title: "model", widthMax: 16), Table.Column(title: "measure"),
            Table.Column(title: "score", alignment: .right),
            Table.Column(title: "baseline", alignment: .right),
            Table.Column(title: "lead over the default", widthMax: 30), Table.Column(title: ""),
        ])
        for model in last.models {
            func number(_ name: String) -> Double? { WatchedSample.number(name, in: model.fields) }
            func text(_ number: Double?) -> String { number.map { String(format: "%.4f", $0) } ?? "" }
            let isRecall = number("recall@10") != nil || number("loses-to-popularity") != nil
            let (measure, baseline) =
                isRecall ? ("recall@10", "recall@10-popularity") : ("rmse", "rmse-means")
            var lead = ""
            if let mean = number("lead"), let low = number("lead-low"), let high = number("lead-high") {
                lead = String(format: "%+.4f (%+.4f to %+.4f)", mean, low, high)
            }
            let loses = number("loses-to-popularity") == 1 || number("loses-to-means") == 1
            table.append([
                model.name + (model.isDefault ? " *" : ""), measure, text(number(measure)),
                text(number(baseline)), lead, loses ? "loses" : "",
            ])
        }
        let lines = table.text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        return lines.prefix(1).map { paint("2", $0) } + lines.dropFirst()
    }

    // MARK: - Text

    private func paint(_ code: String, _ text: String) -> String {
        inColour ? "\u{1B}[\(code)m\(fit(text, false))\u{1B}[0m" : text
    }

    /// Cut to the screen's width; marks take no room.
    private func fit(_ text: String, _ hasMarks: Bool) -> String {
        if hasMarks, text.hasPrefix("\u{1B}") { return text }
        return text.count <= columns ? text : String(text.prefix(columns - 1)) + "…"
    }

    /// One line of plain text, for what is no terminal.
    package static func plainLine(_ course: WatchedCourse, time: Date) -> String {
        guard let last = course.last else { return "" }
        func whole(_ number: Double?) -> String { number.map { String(Int($0.rounded())) } ?? "-" }
        var parts = [
            time.formatted(.iso8601), "events/s=\(whole(course.rate("events.applied")))",
            "learned=\(whole(last["events.applied"]))", "behind=\(whole(last["lag.total"]))",
            "commands/s=\(whole(course.rate("rpc.commands")))",
            "resident-bytes=\(whole(last["memory.resident-bytes"]))",
            "checkpoint-age-s=\(whole(last["checkpoint.age-s"]))",
        ]
        if let model = last.models.first(where: \.isDefault) {
            let score =
                WatchedSample.number("recall@10", in: model.fields)
                ?? WatchedSample.number("rmse", in: model.fields)
            parts.append("\(model.name)=\(score.map { String(format: "%.4f", $0) } ?? "-")")
        }
        parts.append("state=\(course.health.state)")
        return parts.joined(separator: " ")
    }
}
