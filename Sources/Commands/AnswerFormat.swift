import Engine
import Events
internal import LookUps
import RESP

/// Lists of items and users as they go out.
enum AnswerFormat {
    /// The items alone are a flat array in both versions of RESP, so that clients need not ask which one they speak;
    /// `WITHMETA` makes it a map.
    static func value(_ answer: ItemAnswer, withScores: Bool) throws(LookupError) -> RESPValue {
        let items = try list(answer.items, withScores: withScores)
        guard let meta = answer.meta else { return items }
        var pairs: [(RESPValue, RESPValue)] = [
            (.text("items"), items), (.text("model"), .text(meta.model)),
            (.text("position"), .text(position(meta.positions))),
            (.text("age-ms"), .double(milliseconds(meta.age))),
            (.text("unlearned"), .integer(Int64(meta.unlearned))), (.text("path"), .text(meta.path)),
            (.text("fallback"), .text(meta.fallback.rawValue)),
            (.text("candidates"), .integer(Int64(meta.candidates))),
            (.text("why-fewer"), meta.shortfall.map(shortfall) ?? .null),
        ]
        if !meta.ignored.isEmpty {
            pairs.append((.text("ignored"), .array(meta.ignored.map { .text($0.string) })))
        }
        if let words = meta.words {
            pairs.append((.text("known-words"), .array(words.known.map(RESPValue.text))))
            pairs.append((.text("guessed-words"), .array(words.guessed.map(RESPValue.text))))
        }
        return .map(pairs)
    }

    /// Ids, or ids and scores in turn.
    static func list(_ items: [ScoredItem], withScores: Bool) throws(LookupError) -> RESPValue {
        var answer: [RESPValue] = []
        answer.reserveCapacity(withScores ? 2 * items.count : items.count)
        for item in items {
            answer.append(.text(item.id.string))
            if withScores { answer.append(try finite(item.score, of: item.id)) }
        }
        return .array(answer)
    }

    static func list(_ users: [ScoredUser], withScores: Bool) throws(LookupError) -> RESPValue {
        var answer: [RESPValue] = []
        for user in users {
            answer.append(.text(user.id.string))
            if withScores { answer.append(try finite(user.score, of: user.id, what: "user")) }
        }
        return .array(answer)
    }

    /// The last guard of the promise that no NaN is ever served.
    static func finite(
        _ score: Float, of id: EntityID, what: StaticString = "item"
    ) throws(LookupError) -> RESPValue {
        guard score.isFinite else {
            throw LookupError(
                .unavailable,
                "score of \(what) '\(id)' is \(score): a fault of the model; see STATUS and report it")
        }
        return .shortest(score)
    }

    /// Next offset by partition, say `0:1234 1:987`.
    private static func position(_ positions: [Int32: Int64]) -> String {
        positions.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: " ")
    }

    private static func milliseconds(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return Double(seconds) * 1e3 + Double(attoseconds / 1_000_000_000_000) / 1e3
    }

    private static func shortfall(_ shortfall: Shortfall) -> RESPValue {
        .map(
            [(.text("catalogue"), .integer(Int64(shortfall.catalogue)))]
                + Shortfall.Reason.allCases.map {
                    (.text($0.rawValue), .integer(Int64(shortfall.counts[$0] ?? 0)))
                })
    }
}
