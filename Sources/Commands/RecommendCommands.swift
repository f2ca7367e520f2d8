import Engine
import Events
internal import LookUps
import RESP

/// `RECOMMEND`, `MRECOMMEND`, `RECOMMEND.ITEMS`: items for one user, for several, for a session.
enum RecommendCommands {
    static let all = [recommend, recommendMany, recommendItems]

    private static let usersMax = 1_000
    /// Users times COUNT of one `MRECOMMEND`: the answer is built whole.
    private static let itemsOfManyMax = 100_000
    /// Users, or items of a session, past which other connections should not wait for the answer.
    private static let longUsers = 16
    private static let longItems = 100

    /// `[BY model|content|match]`.
    private static let basis = ArgumentSpec.choice(
        "BY", "basis", of: RecommendBasis.allCases.map(\.rawValue))

    private static let userOptions: [ArgumentSpec] = [
        .option("COUNT", "n", .integer), .option("MODEL", "m"), basis, .flag("WITHSCORES"),
        .flag("WITHMETA"), .repeated("TAG", "t"), .repeated("EXCLUDE", "item"), .flag("INCLUDESEEN"),
        .option("SEEN", "rule"), AnswerOptions.after,
        .choice("FALLBACK", "fallback", of: RecommendQuery.Fallback.allCases.map(\.rawValue)),
    ]

    static let recommend = Command(
        "RECOMMEND", "Items for a user, best first.", group: .lookup, flags: [.readonly],
        arguments: [.value("user")] + userOptions, user: .first
    ) { arguments, _, environment throws(CommandError) in
        let user = try arguments.id("user")
        let (query, options) = try query(for: user, &arguments)
        return .lookup(
            Lookup(after: options.after) { () throws(LookupError) in
                try AnswerFormat.value(environment.service.answer(query), withScores: options.withScores)
            })
    }

    static let recommendMany = Command(
        "MRECOMMEND", "Items for each of several users, in their order; an error stands in its user's place.",
        group: .lookup, flags: [.readonly], arguments: [.values("user")] + userOptions, user: .several
    ) { arguments, session, environment throws(CommandError) in
        // The first is a user whatever it is called; after it, the option words end the list.
        var users = [try arguments.id("user")]
        while !arguments.isAtEnd, !arguments.isNextOption { users.append(try arguments.id("user")) }
        let (query, options) = try query(for: users[0], &arguments)
        guard users.count <= usersMax, users.count * query.count <= itemsOfManyMax else {
            throw arguments.error(
                "\(users.count) users, COUNT \(query.count); at most \(usersMax) users and "
                    + "\(itemsOfManyMax) items in all are allowed")
        }
        if let cluster = environment.cluster {
            let request = arguments.request
            let plan = ManyUsers(users, of: request, cluster)
            if !plan.isHere { return plan.outcome(query, options, session, environment) }
        }
        return .lookup(
            Lookup(after: options.after, isLong: users.count > longUsers) { [users] () throws(LookupError) in
                .array(try values(for: users, like: query, options, environment))
            })
    }

    /// One for each user.
    static func values(
        for users: [EntityID], like query: RecommendQuery, _ options: AnswerOptions,
        _ environment: CommandEnvironment
    ) throws(LookupError) -> [RESPValue] {
        try environment.service.answers(for: users, like: query).map {
            part($0, withScores: options.withScores)
        }
    }

    static let recommendItems = Command(
        "RECOMMEND.ITEMS", "Items for somebody of whom nothing is known but some items, oldest first.",
        group: .lookup, flags: [.readonly],
        arguments: [
            .value("numitems", .integer), .values("item"), .list("WEIGHTS", "weight", .double),
            .option("COUNT", "n", .integer), .option("MODEL", "m"), .flag("WITHSCORES"), .flag("WITHMETA"),
            .repeated("TAG", "t"), .repeated("EXCLUDE", "item"), .flag("INCLUDESEEN"), AnswerOptions.after,
        ]
    ) { arguments, _, environment throws(CommandError) in
        let number = try arguments.integer("numitems", in: 1...SessionQuery.itemsMax)
        var query = SessionQuery(items: [])
        for _ in 0..<number { query.items.append(try arguments.id("item")) }
        var options = AnswerOptions()
        while let option = try arguments.option() {
            if try options.take(option, &arguments) { continue }
            switch option {
            case "WEIGHTS":
                for _ in 0..<number { query.weights.append(try arguments.rating("weight")) }
            case "COUNT": query.count = try arguments.count()
            case "MODEL": query.model = try arguments.text("MODEL")
            case "TAG": query.tags.append(try arguments.text("TAG"))
            case "EXCLUDE": query.exclude.append(try arguments.id("EXCLUDE"))
            case "INCLUDESEEN": query.includeSeen = true
            default: throw arguments.unexpected(option)
            }
        }
        query.wantsMeta = options.withMeta
        return .lookup(
            Lookup(after: options.after, isLong: number > longItems) {
                [query, options] () throws(LookupError) in
                try AnswerFormat.value(environment.service.answer(query), withScores: options.withScores)
            })
    }

    private static func query(
        for user: EntityID, _ arguments: inout ArgumentReader
    ) throws(CommandError) -> (RecommendQuery, AnswerOptions) {
        var query = RecommendQuery(user: user)
        var options = AnswerOptions()
        while let option = try arguments.option() {
            if try options.take(option, &arguments) { continue }
            switch option {
            case "COUNT": query.count = try arguments.count()
            case "MODEL": query.model = try arguments.text("MODEL")
            case "BY": query.by = try arguments.choice("BY")
            case "TAG": query.tags.append(try arguments.text("TAG"))
            case "EXCLUDE": query.exclude.append(try arguments.id("EXCLUDE"))
            case "INCLUDESEEN": query.includeSeen = true
            case "SEEN": query.seen = try arguments.seenRule()
            case "FALLBACK": query.fallback = try arguments.choice("FALLBACK")
            default: throw arguments.unexpected(option)
            }
        }
        query.wantsMeta = options.withMeta
        return (query, options)
    }

    /// One user's part of several.
    private static func part(_ result: Result<ItemAnswer, LookupError>, withScores: Bool) -> RESPValue {
        do throws(LookupError) {
            return try AnswerFormat.value(result.get(), withScores: withScores)
        } catch {
            return .error(error.description)
        }
    }
}
