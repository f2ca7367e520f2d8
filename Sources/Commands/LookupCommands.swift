import Engine
import Events
internal import LookUps
import RESP

/// `AXES`, `PREDICT`, `RANK`, `SIMILAR`, `SIMILAR.USERS`, `TOP`.
enum LookupCommands {
    static let all = [axes, predict, rank, similar, similarUsers, top]

    static let similar = Command(
        "SIMILAR", "Items nearest to an item, nearest first.", group: .lookup, flags: [.readonly],
        arguments: [
            .value("item"), .option("COUNT", "n", .integer), .option("MODEL", "m"),
            .choice("METRIC", "metric", of: SimilarQuery.Metric.allCases.map(\.rawValue)),
            ContentCommands.basis, .repeated("TAG", "t"), .flag("WITHSCORES"), .flag("WITHMETA"),
            AnswerOptions.after,
        ]
    ) { arguments, _, environment throws(CommandError) in
        var query = SimilarQuery(item: try arguments.id("item"))
        var options = AnswerOptions()
        while let option = try arguments.option() {
            if try options.take(option, &arguments) { continue }
            switch option {
            case "COUNT": query.count = try arguments.count()
            case "MODEL": query.model = try arguments.text("MODEL")
            case "METRIC": query.metric = try arguments.choice("METRIC")
            case "BY": query.by = try arguments.choice("BY")
            case "TAG": query.tags.append(try arguments.text("TAG"))
            default: throw arguments.unexpected(option)
            }
        }
        query.wantsMeta = options.withMeta
        return .lookup(
            Lookup(after: options.after) { [query, options] () throws(LookupError) in
                try AnswerFormat.value(environment.service.answer(query), withScores: options.withScores)
            })
    }

    static let similarUsers = Command(
        "SIMILAR.USERS", "Users nearest to a user, nearest first; looks at every user.", group: .lookup,
        flags: [.readonly],
        arguments: [
            .value("user"), .option("COUNT", "n", .integer), .option("MODEL", "m"),
            .choice("METRIC", "metric", of: SimilarQuery.Metric.allCases.map(\.rawValue)),
            .flag("WITHSCORES"), AnswerOptions.after,
        ], user: .first
    ) { arguments, _, environment throws(CommandError) in
        var query = SimilarUsersQuery(user: try arguments.id("user"))
        var options = AnswerOptions()
        while let option = try arguments.option() {
            switch option {
            case "COUNT": query.count = try arguments.count()
            case "MODEL": query.model = try arguments.text("MODEL")
            case "METRIC": query.metric = try arguments.choice("METRIC")
            case "WITHMETA": throw arguments.unexpected(option)
            default: if try !options.take(option, &arguments) { throw arguments.unexpected(option) }
            }
        }
        return .lookup(
            Lookup(after: options.after, isLong: true) { [query, options] () throws(LookupError) in
                try AnswerFormat.list(
                    environment.service.similarUsers(query), withScores: options.withScores)
            })
    }

    static let top = Command(
        "TOP", "Items over all users: most taken, most taken of late, greatest or least item bias.",
        group: .lookup,
        flags: [.readonly],
        arguments: [
            .value("n", .integer),
            .choice("BY", "order", of: TopQuery.Order.allCases.map(\.rawValue)).required(),
            .option("AMONG", "m", .integer), .option("MODEL", "m"), .repeated("TAG", "t"),
            .flag("WITHSCORES"), .flag("WITHMETA"), AnswerOptions.after,
        ]
    ) { arguments, _, environment throws(CommandError) in
        let count = try arguments.integer("n", in: ArgumentReader.countRange)
        if let word = try arguments.keyword(), word != "BY" { throw arguments.unexpected(word) }
        var query = TopQuery(order: try arguments.choice("BY"), count: count)
        var options = AnswerOptions()
        while let option = try arguments.option() {
            if try options.take(option, &arguments) { continue }
            switch option {
            case "AMONG": query.among = try arguments.integer("AMONG", in: 1...TopQuery.amongMax)
            case "MODEL": query.model = try arguments.text("MODEL")
            case "TAG": query.tags.append(try arguments.text("TAG"))
            default: throw arguments.unexpected(option)
            }
        }
        query.wantsMeta = options.withMeta
        return .lookup(
            Lookup(after: options.after) { [query, options] () throws(LookupError) in
                try AnswerFormat.value(environment.service.answer(query), withScores: options.withScores)
            })
    }

    /// Of the most taken items, where not said: what hardly anybody took lies where it began, and crowds the ends.
    private static let axesAmong = 1_000

    static let axes = Command(
        "AXES",
        "The three directions in which a model's items differ most, and the items at both ends of each.",
        group: .lookup, flags: [.readonly],
        arguments: [
            .option("COUNT", "n", .integer), .option("AMONG", "m", .integer), .option("MODEL", "m"),
            .flag("WITHSCORES"), AnswerOptions.after,
        ]
    ) { arguments, _, environment throws(CommandError) in
        var (query, count) = (MapQuery(itemsMax: axesAmong), 10)
        var options = AnswerOptions()
        while let option = try arguments.option() {
            switch option {
            case "COUNT": count = try arguments.count()
            case "AMONG": query.itemsMax = try arguments.integer("AMONG", in: 2...TopQuery.amongMax)
            case "MODEL": query.model = try arguments.text("MODEL")
            case "WITHMETA": throw arguments.unexpected(option)
            default: if try !options.take(option, &arguments) { throw arguments.unexpected(option) }
            }
        }
        return .lookup(
            Lookup(after: options.after, isLong: true) { [query, count, options] () throws(LookupError) in
                let map = try environment.service.map(query)
                var axes: [RESPValue] = []
                for axis in 0..<ItemMap.axisCount {
                    let ends = map.ends(ofAxis: axis, count)
                    axes.append(
                        .map([
                            (.text("model"), .text(map.model)), (.text("axis"), .integer(Int64(axis + 1))),
                            (.text("explained"), .shortest(map.explained[axis])),
                            (.text("singular-value"), .shortest(map.singularValues[axis])),
                            (.text("low"), try AnswerFormat.list(ends.low, withScores: options.withScores)),
                            (.text("high"), try AnswerFormat.list(ends.high, withScores: options.withScores)),
                        ]))
                }
                return .array(axes)
            })
    }

    static let predict = Command(
        "PREDICT", "Predicted ratings (or scores) of items, in the order asked.", group: .lookup,
        flags: [.readonly], arguments: candidateArguments, user: .first
    ) { arguments, _, environment throws(CommandError) in
        let candidates = try candidates(&arguments)
        return .lookup(
            Lookup(after: candidates.after) { () throws(LookupError) in
                let items = candidates.items
                let values = try environment.service.predict(
                    user: candidates.user, items: items, model: candidates.model)
                var answer: [RESPValue] = []
                for (item, value) in zip(items, values) {
                    answer.append(try AnswerFormat.finite(value, of: item))
                }
                return .array(answer)
            })
    }

    static let rank = Command(
        "RANK", "Candidates with their predicted ratings (or scores), best first.", group: .lookup,
        flags: [.readonly], arguments: candidateArguments, user: .first
    ) { arguments, _, environment throws(CommandError) in
        let candidates = try candidates(&arguments)
        return .lookup(
            Lookup(after: candidates.after) { () throws(LookupError) in
                let ranked = try environment.service.rank(
                    user: candidates.user, items: candidates.items, model: candidates.model)
                return try AnswerFormat.list(ranked, withScores: true)
            })
    }

    private static let candidateArguments: [ArgumentSpec] = [
        .value("user"), .values("item"), .option("MODEL", "m"), AnswerOptions.after,
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
        while !arguments.isAtEnd, !arguments.isNextOption {
            candidates.items.append(try arguments.id("item"))
        }
        while let option = try arguments.option() {
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
}
