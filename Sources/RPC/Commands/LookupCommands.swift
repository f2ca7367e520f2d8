import Engine
import Events

/// `RECOMMEND`, `PREDICT`, `SIMILAR`.
enum LookupCommands {
    static let all = [recommend, predict, similar]

    private static let afterOption = ArgumentSpec.block(
        "after", [.value("token", after: "AFTER"), .option("TIMEOUT", "ms", .integer)])

    static let recommend = Command(
        "RECOMMEND", "Items for a user, best first.", group: .lookup, flags: [.readonly],
        arguments: [
            .value("user"), .option("COUNT", "n", .integer), .option("MODEL", "m"), .flag("WITHSCORES"),
            .repeated("TAG", "t"), .repeated("EXCLUDE", "item"), .flag("INCLUDESEEN"), afterOption,
            .choice("FALLBACK", "fallback", of: RecommendQuery.Fallback.allCases.map(\.rawValue)),
        ]
    ) { arguments, _, environment throws(CommandError) in
        var query = RecommendQuery(user: try arguments.id("user"))
        var after: Lookup.After?
        var withScores = false
        while let option = try arguments.keyword() {
            switch option {
            case "COUNT": query.count = try arguments.count()
            case "MODEL": query.model = try arguments.text("MODEL")
            case "WITHSCORES": withScores = true
            case "TAG": query.tags.append(try arguments.text("TAG"))
            case "EXCLUDE": query.exclude.append(try arguments.id("EXCLUDE"))
            case "INCLUDESEEN": query.includeSeen = true
            case "FALLBACK": query.fallback = try arguments.choice("FALLBACK")
            case "AFTER": after = try arguments.after()
            default: throw arguments.unexpected(option)
            }
        }
        return .lookup(
            Lookup(after: after) { [query, withScores] () throws(LookupError) in
                try list(environment.service.recommend(query), withScores: withScores)
            })
    }

    static let similar = Command(
        "SIMILAR", "Items nearest to an item, nearest first.", group: .lookup, flags: [.readonly],
        arguments: [
            .value("item"), .option("COUNT", "n", .integer), .option("MODEL", "m"),
            .choice("METRIC", "metric", of: SimilarQuery.Metric.allCases.map(\.rawValue)),
            .repeated("TAG", "t"), .flag("WITHSCORES"), afterOption,
        ]
    ) { arguments, _, environment throws(CommandError) in
        var query = SimilarQuery(item: try arguments.id("item"))
        var after: Lookup.After?
        var withScores = false
        while let option = try arguments.keyword() {
            switch option {
            case "COUNT": query.count = try arguments.count()
            case "MODEL": query.model = try arguments.text("MODEL")
            case "METRIC": query.metric = try arguments.choice("METRIC")
            case "TAG": query.tags.append(try arguments.text("TAG"))
            case "WITHSCORES": withScores = true
            case "AFTER": after = try arguments.after()
            default: throw arguments.unexpected(option)
            }
        }
        return .lookup(
            Lookup(after: after) { [query, withScores] () throws(LookupError) in
                try list(environment.service.similar(query), withScores: withScores)
            })
    }

    static let predict = Command(
        "PREDICT", "Predicted ratings (or scores) of items, in the order asked.", group: .lookup,
        flags: [.readonly],
        arguments: [.value("user"), .values("item"), .option("MODEL", "m"), afterOption]
    ) { arguments, _, environment throws(CommandError) in
        let user = try arguments.id("user")
        // The first is an item whatever it is called; after it, the option words end the list.
        var items = [try arguments.id("item")]
        while !arguments.isAtEnd, !arguments.isNext("MODEL"), !arguments.isNext("AFTER") {
            items.append(try arguments.id("item"))
        }
        var model: String?
        var after: Lookup.After?
        while let option = try arguments.keyword() {
            switch option {
            case "MODEL": model = try arguments.text("MODEL")
            case "AFTER": after = try arguments.after()
            default: throw arguments.unexpected(option)
            }
        }
        guard items.count <= ArgumentReader.countRange.upperBound else {
            throw arguments.error(
                "\(items.count) items; at most \(ArgumentReader.countRange.upperBound) are allowed")
        }
        return .lookup(
            Lookup(after: after) { [items, model] () throws(LookupError) in
                let values = try environment.service.predict(user: user, items: items, model: model)
                var answer: [RESPValue] = []
                for (item, value) in zip(items, values) { answer.append(try finite(value, of: item)) }
                return .array(answer)
            })
    }

    /// A flat array in both versions of RESP, so that clients need not ask which one they speak.
    private static func list(_ items: [ScoredItem], withScores: Bool) throws(LookupError) -> RESPValue {
        var answer: [RESPValue] = []
        answer.reserveCapacity(withScores ? 2 * items.count : items.count)
        for item in items {
            answer.append(.text(item.id.string))
            if withScores { answer.append(try finite(item.score, of: item.id)) }
        }
        return .array(answer)
    }

    /// The last guard of the promise that no NaN is ever served.
    private static func finite(_ score: Float, of item: EntityID) throws(LookupError) -> RESPValue {
        guard score.isFinite else {
            throw LookupError(
                .unavailable,
                "score of item '\(item)' is \(score): a fault of the model; see STATUS and report it")
        }
        return .shortest(score)
    }
}
