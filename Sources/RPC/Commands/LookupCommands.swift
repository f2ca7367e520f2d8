import Engine
import Events

/// `RECOMMEND`, `PREDICT`, `RANK`, `SIMILAR`, `TOP`.
enum LookupCommands {
    static let all = [recommend, predict, rank, similar, top]

    static let afterOption = ArgumentSpec.block(
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

    static let top = Command(
        "TOP", "Items over all users: most taken, greatest or least item bias.", group: .lookup,
        flags: [.readonly],
        arguments: [
            .value("n", .integer),
            .choice("BY", "order", of: TopQuery.Order.allCases.map(\.rawValue)).required(),
            .option("MODEL", "m"), .repeated("TAG", "t"), .flag("WITHSCORES"),
        ]
    ) { arguments, _, environment throws(CommandError) in
        let count = try arguments.integer("n", in: ArgumentReader.countRange)
        if let word = try arguments.keyword(), word != "BY" { throw arguments.unexpected(word) }
        var query = TopQuery(order: try arguments.choice("BY"), count: count)
        var withScores = false
        while let option = try arguments.keyword() {
            switch option {
            case "MODEL": query.model = try arguments.text("MODEL")
            case "TAG": query.tags.append(try arguments.text("TAG"))
            case "WITHSCORES": withScores = true
            default: throw arguments.unexpected(option)
            }
        }
        return .lookup(
            Lookup { [query, withScores] () throws(LookupError) in
                try list(environment.service.top(query), withScores: withScores)
            })
    }

    static let predict = Command(
        "PREDICT", "Predicted ratings (or scores) of items, in the order asked.", group: .lookup,
        flags: [.readonly], arguments: candidateArguments
    ) { arguments, _, environment throws(CommandError) in
        let candidates = try candidates(&arguments)
        return .lookup(
            Lookup(after: candidates.after) { () throws(LookupError) in
                let items = candidates.items
                let values = try environment.service.predict(
                    user: candidates.user, items: items, model: candidates.model)
                var answer: [RESPValue] = []
                for (item, value) in zip(items, values) { answer.append(try finite(value, of: item)) }
                return .array(answer)
            })
    }

    static let rank = Command(
        "RANK", "Candidates with their predicted ratings (or scores), best first.", group: .lookup,
        flags: [.readonly], arguments: candidateArguments
    ) { arguments, _, environment throws(CommandError) in
        let candidates = try candidates(&arguments)
        return .lookup(
            Lookup(after: candidates.after) { () throws(LookupError) in
                let ranked = try environment.service.rank(
                    user: candidates.user, items: candidates.items, model: candidates.model)
                return try list(ranked, withScores: true)
            })
    }

    private static let candidateArguments: [ArgumentSpec] = [
        .value("user"), .values("item"), .option("MODEL", "m"), afterOption,
    ]

    /// Items that a caller has chosen, and whom they are for.
    private struct Candidates: Sendable {
        var user: EntityID
        var items: [EntityID]
        var model: String?
        var after: Lookup.After?
    }

    private static func candidates(_ arguments: inout ArgumentReader) throws(CommandError) -> Candidates {
        let user = try arguments.id("user")
        // The first is an item whatever it is called; after it, the option words end the list.
        var candidates = Candidates(user: user, items: [try arguments.id("item")])
        while !arguments.isAtEnd, !arguments.isNext("MODEL"), !arguments.isNext("AFTER") {
            candidates.items.append(try arguments.id("item"))
        }
        while let option = try arguments.keyword() {
            switch option {
            case "MODEL": candidates.model = try arguments.text("MODEL")
            case "AFTER": candidates.after = try arguments.after()
            default: throw arguments.unexpected(option)
            }
        }
        guard candidates.items.count <= ArgumentReader.countRange.upperBound else {
            throw arguments.error(
                "\(candidates.items.count) items; at most \(ArgumentReader.countRange.upperBound) are allowed"
            )
        }
        return candidates
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
    static func finite(_ score: Float, of item: EntityID) throws(LookupError) -> RESPValue {
        guard score.isFinite else {
            throw LookupError(
                .unavailable,
                "score of item '\(item)' is \(score): a fault of the model; see STATUS and report it")
        }
        return .shortest(score)
    }
}
