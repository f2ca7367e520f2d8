import Engine
import Events
internal import LookUps
import RESP

/// `EXPLAIN`: why an item is, or is not, recommended.
enum ExplanationCommands {
    static let all = [explain]

    static let explain = Command(
        "EXPLAIN", "The parts of an item's score for a user, its rank, and what keeps it out.",
        group: .lookup, flags: [.readonly],
        arguments: [
            .value("user"), .value("item"), .option("MODEL", "m"), .repeated("TAG", "t"),
            .repeated("EXCLUDE", "item"), AnswerOptions.after,
        ], user: .first
    ) { arguments, _, environment throws(CommandError) in
        var query = ExplainQuery(user: try arguments.id("user"), item: try arguments.id("item"))
        var after: Lookup.After?
        while let option = try arguments.option() {
            switch option {
            case "TAG": query.tags.append(try arguments.text("TAG"))
            case "EXCLUDE": query.exclude.append(try arguments.id("EXCLUDE"))
            case "MODEL": query.model = try arguments.text("MODEL")
            case "AFTER": after = try arguments.after()
            default: throw arguments.unexpected(option)
            }
        }
        return .lookup(
            Lookup(after: after) { [query] () throws(LookupError) in
                try map(environment.service.explain(query), of: query.item)
            })
    }

    private static func map(
        _ explanation: Explanation, of item: EntityID
    ) throws(LookupError) -> RESPValue {
        var pairs: [(RESPValue, RESPValue)] = []
        func add(_ name: String, _ value: RESPValue) { pairs.append((.text(name), value)) }
        add("model", .text(explanation.model))
        add("score", try AnswerFormat.finite(explanation.score, of: item))
        if let mean = explanation.mean { add("mean", .shortest(mean)) }
        if let bias = explanation.userBias { add("user-bias", .shortest(bias)) }
        add("item-bias", .shortest(explanation.itemBias))
        add("match", .shortest(explanation.match))
        if !explanation.parts.isEmpty {
            add(
                "parts",
                .map(explanation.parts.map { (.text($0.name), .shortest($0.share)) }))
        }
        if !explanation.tags.isEmpty {
            add("tags", .map(explanation.tags.map { (.text($0.name), .shortest($0.share)) }))
        }
        if let features = explanation.features {
            add("features", .map(features.shares.map { (.text($0.name), .shortest($0.share)) }))
            add("base", .shortest(features.base))
            add("own", .shortest(features.own))
        }
        add("rank", explanation.rank.map { .integer(Int64($0)) } ?? .null)
        add("score-of-top-10", explanation.topTenScore.map(RESPValue.shortest) ?? .null)
        add("recommended", .boolean(explanation.isRecommended))
        add("why-not", .array(explanation.obstacles.map { .text($0.rawValue) }))
        if let seen = explanation.seen {
            add("seen-value", .shortest(seen.value))
            add("seen-ts", .integer(seen.time))
            if let signals = seen.signals { pairs += RecordCommands.map(signals, prefix: "seen-") }
        }
        add("carried-by", .array(explanation.carriers.map(carrier)))
        if let rest = explanation.rest {
            add("carried-by-others", .shortest(rest.others))
            add("drift", .shortest(rest.drift))
        }
        return .map(pairs)
    }

    private static func carrier(_ carrier: Explanation.Carrier) -> RESPValue {
        var pairs: [(RESPValue, RESPValue)] = [
            (.text("item"), .text(carrier.item.string)),
            (.text("title"), carrier.title.map(RESPValue.text) ?? .null),
            (.text("similarity"), .shortest(carrier.similarity)), (.text("value"), .shortest(carrier.value)),
        ]
        if let share = carrier.share { pairs.append((.text("share"), .shortest(share))) }
        return .map(pairs)
    }
}
