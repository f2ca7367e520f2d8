// Wording: what the daemon answers, as sentences for people.
//
// Here live explanations, refusals and notes in plain words, and single values as text. Answers of the RPC come in, text
// goes out. What never comes in: the connection, and where the text is printed.

internal import Foundation
package import RESP
internal import Reporting

/// The answer of `EXPLAIN` in sentences: whether, what keeps the item out and what score it would need, what adds to the
/// score, and which items of the user's speak for it.
package struct ExplanationText {
    private let answer: RESPValue
    private let user: String
    private let name: String

    /// - Parameters:
    ///   - answer: of `EXPLAIN`.
    ///   - title: the item's, where it has one.
    package init(_ answer: RESPValue, user: String, item: String, title: String?) {
        self.answer = answer
        self.user = Table.printable(user)
        name = Table.printable(title.map { "\($0) (\(item))" } ?? item)
    }

    package var text: String {
        ([verdict + "\n" + reasons.map { "  \($0)" }.joined(separator: "\n"), sum] + tags + features
            + carriers)
            .joined(separator: "\n\n")
    }

    // MARK: - Whether

    private var verdict: String {
        let model = answer["model"]?.plainText ?? ""
        if let rank = number("rank"), obstacles.isEmpty {
            return "\(name) is recommended to \(user): number \(Int(rank)) by model \(model)."
        }
        return "\(name) is not among the first ten that model \(model) recommends to \(user)."
    }

    private var obstacles: [String] {
        if case .array(let words)? = answer["why-not"] { words.map(\.plainText) } else { [] }
    }

    private var reasons: [String] {
        var reasons = obstacles.compactMap(obstacle)
        if !obstacles.contains("seen"), let taken { reasons.append("\(user) \(taken).") }
        let score = text("score")
        guard let bar = number("score-of-top-10") else {
            return reasons
                + ["Fewer than ten items may be recommended to \(user): its score of \(score) is enough."]
        }
        if obstacles.contains("rank"), let own = number("score") {
            reasons.append(
                "Its score is too low: it is \(score), and to be among the first ten it would need more than "
                    + "\(text("score-of-top-10")), which is \(Self.difference(bar - own)) more.")
        } else if obstacles.isEmpty {
            reasons.append(
                "Its score is \(score); the tenth of the list has \(text("score-of-top-10")).")
        } else {
            reasons.append(
                "Its score of \(score) would be enough: the tenth of the list has \(text("score-of-top-10"))."
            )
        }
        return reasons
    }

    /// What alone keeps it out; `rank` is told with the score it would need.
    private func obstacle(_ word: String) -> String? {
        switch word {
        case "seen":
            "\(user) \(taken ?? "took it"): what was taken is left out (recommend --include-seen shows it)."
        case "hidden": "It is hidden from \(user); freshet unhide takes that back."
        case "unavailable": "It is not available, so nobody gets it."
        case "filtered": "It lacks a tag that was asked for, or was excluded."
        case "rank": nil
        default: "\(word)."
        }
    }

    /// What the user did with the item.
    private var taken: String? {
        guard let value = answer["seen-value"] else { return nil }
        let time = number("seen-ts").map { $0 / 1000 }.flatMap { $0 == 0 ? nil : $0 }
        let day = time.map {
            " on " + Date(timeIntervalSince1970: $0).formatted(.iso8601.year().month().day())
        }
        guard let signals = answer["seen-signals"] else { return "gave it \(value.plainText)\(day ?? "")" }
        let count = signals.plainText
        return "took it (\(count == "1" ? "a signal" : "\(count) signals") of weight \(text("seen-weight"))"
            + "\(day.map { ", last\($0)" } ?? ""))"
    }

    // MARK: - What adds to the score

    private var sum: String {
        var table = Table([
            Table.Column(title: "adds", alignment: .right),
            Table.Column(title: "to the score", widthMax: 80),
        ])
        var silent: [String] = []
        for (words, value) in parts {
            if case .double(0) = value {
                silent.append(words)
            } else {
                table.append([value.plainText, words])
            }
        }
        table.append([text("score"), "in all"])
        let rest = silent.isEmpty ? "" : "\nNothing to add: \(silent.joined(separator: ", "))."
        return table.text + rest
    }

    /// The greatest first, of those of a blend.
    private var parts: [(words: String, value: RESPValue)] {
        if case .map(let parts)? = answer["parts"], !parts.isEmpty {
            return parts.map { (words(part: $0.0.plainText), $0.1) }
                .sorted { abs(Self.number($0.1)) > abs(Self.number($1.1)) }
        }
        return [
            ("mean", "the mean of all ratings"), ("user-bias", "how \(user) rates beside others"),
            ("item-bias", "what everybody thinks of the item"),
            ("match", "how it suits \(user) in particular"),
        ].compactMap { field, words in answer[field].map { (words, $0) } }
    }

    private func words(part: String) -> String {
        if part == "taken before" { return "that \(user) took it before" }
        if part == "tags" { return "how much \(user) likes its tags and its time" }
        let (head, length) = (part.prefix(8), part.dropFirst(8))
        guard head == "popular ", !length.isEmpty else { return "model \(part)" }
        return length == "ever" ? "how much it is taken" : "how much it is taken, over some \(length)"
    }

    /// What each tag of the item adds to a blend's part of them.
    private var tags: [String] {
        guard case .map(let shares)? = answer["tags"], !shares.isEmpty else { return [] }
        var table = Table([
            Table.Column(title: "of which", alignment: .right), Table.Column(title: "by", widthMax: 80),
        ])
        for (name, share) in shares { table.append([share.plainText, name.plainText]) }
        return [table.text]
    }

    /// What tags and year say of it, where a model knows.
    private var features: [String] {
        guard case .map(let shares)? = answer["features"], !shares.isEmpty else { return [] }
        var table = Table([
            Table.Column(title: "of which", alignment: .right), Table.Column(title: "by", widthMax: 80),
        ])
        for (name, share) in shares { table.append([share.plainText, name.plainText]) }
        if let base = answer["base"] { table.append([base.plainText, "having tags at all"]) }
        if let own = answer["own"] { table.append([own.plainText, "what users did with the item itself"]) }
        return [table.text]
    }

    // MARK: - What speaks for it

    private var carriers: [String] {
        guard case .array(let items)? = answer["carried-by"] else { return [] }
        guard !items.isEmpty else { return ["Nothing that \(user) took speaks for it in particular."] }
        let hasShares = items.contains { $0["share"] != nil }
        var table = Table(
            [
                Table.Column(title: "\(user) took", widthMax: 40), Table.Column(title: "title"),
                Table.Column(title: "alike", alignment: .right),
                Table.Column(title: "given", alignment: .right),
            ] + (hasShares ? [Table.Column(title: "adds", alignment: .right)] : []))
        for item in items {
            let alike = item["similarity"].map { "\(Int((100 * Self.number($0)).rounded())) %" } ?? ""
            table.append([
                item["item"]?.plainText ?? "", item["title"]?.string ?? "", alike,
                item["value"]?.plainText ?? "", item["share"]?.plainText ?? "",
            ])
        }
        var others: [String] = []
        if let rest = answer["carried-by-others"] {
            others.append("all else that \(user) took adds \(rest.plainText)")
        }
        if let drift = answer["drift"] {
            others.append("what items have moved since adds \(drift.plainText)")
        }
        guard !others.isEmpty else { return [table.text] }
        let words = others.joined(separator: "; ")
        return [table.text + "\n" + words.prefix(1).uppercased() + words.dropFirst() + "."]
    }

    // MARK: - Numbers

    private func text(_ field: String) -> String { answer[field]?.plainText ?? "-" }

    private func number(_ field: String) -> Double? {
        switch answer[field] {
        case .double(let number)?: number
        case .integer(let number)?: Double(number)
        default: nil
        }
    }

    private static func number(_ value: RESPValue) -> Double {
        switch value {
        case .double(let number): number
        case .integer(let number): Double(number)
        default: 0
        }
    }

    /// Never told as 0, which would be no difference.
    private static func difference(_ number: Double) -> String {
        number < 0.0001 ? "less than 0.0001" : RESPValue.double(number).plainText
    }
}
