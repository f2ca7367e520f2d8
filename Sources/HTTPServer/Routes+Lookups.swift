import Engine
import Events
import HTTPTypes
import LookUps
import NIOCore
import State

// Lists of items for users, sessions and items; what the RPC calls RECOMMEND, RECOMMEND.ITEMS, SIMILAR, SIMILAR.USERS, TOP,
// PREDICT, RANK and EXPLAIN.
extension Routes {
    private static let countMax = 10_000
    private static let candidatesMax = 1_000

    static let count = Parameter.query("count", .integer(1...countMax), "Items at most.").standing(
        at: .int(10))
    static let model = Parameter.query(
        "model", .text(bytesMax: 64), "The model asked; the default one without it.")
    static let tag = Parameter.query(
        "tag", .text(bytesMax: 256), "Only items that carry all of these, in whatever case."
    )
    .repeated()
    static let exclude = Parameter.query("exclude", .id, "Never these items.").repeated()
    static let titles = Parameter.query(
        "titles", .flag, "Whether each item comes with its title and tags.")
    static let meta = Parameter.query("meta", .flag, "Whether the answer says what it stands on.")
    static let after = [
        Parameter.query("after", .token, "Waits until this event is learned: you read your own writes."),
        Parameter.query("timeout-ms", .integer(0...60_000), "How long `after` waits.").standing(
            at: .int(Call.timeoutStandard)),
    ]
    private static let user = Parameter.path("user", "The user's id.")
    private static let metric = Parameter.query(
        "metric", .choice(SimilarQuery.Metric.allCases.map(\.rawValue)), "How nearness is measured."
    ).standing(at: .string("cosine"))
    private static let by = Parameter.query(
        "by", .choice(Basis.allCases.map(\.rawValue)),
        "What items are compared by: what a model has learned, or their tags."
    ).standing(at: .string("model"))
    private static let candidates = Parameter.query("item", .id, "The candidates.").required().repeated()

    static let lookups: [Route] = [
        Route(
            .get, "/v1/recommend/{user}", "recommend", "Items for a user, best first.",
            parameters: [
                user, count, model,
                Parameter.query(
                    "by", .choice(RecommendBasis.allCases.map(\.rawValue)),
                    "What is asked: the model's score, the tags of what the user took, or the user's own part of the score."
                ).standing(at: .string("model")), tag, exclude,
                Parameter.query("seen", .seen, "Whether what the user took may be answered."),
                Parameter.query(
                    "fallback", .choice(RecommendQuery.Fallback.allCases.map(\.rawValue)),
                    "What an unknown user gets: what is popular, or a problem."
                ).standing(at: .string("popular")), titles, meta,
            ] + after,
            answer: Schemas.items("The items, best first."), problems: [.notFound, .conflict],
            .lookup(recommend)),
        Route(
            .post, "/v1/recommend", "recommend_items",
            "Items for somebody of whom nothing is known but some items, oldest first.",
            body: Route.Body(mediaTypes: ["application/json"], schema: Schemas.reference("Session")),
            answer: Schemas.items("The items, best first."), problems: [.notFound],
            .lookup(recommendItems)),
        Route(
            .get, "/v1/similar/{item}", "similar", "Items nearest to an item, nearest first.",
            parameters: [
                Parameter.path("item", "The item's id."), count, model, by, metric, tag, titles, meta,
            ]
                + after,
            answer: Schemas.items("The items, nearest first."), problems: [.notFound, .conflict],
            .lookup(similar)),
        Route(
            .get, "/v1/similar-users/{user}", "similar_users",
            "Users nearest to a user, nearest first; looks at every user.",
            parameters: [user, count, model, metric] + after,
            answer: Schemas.answer("UserList", "The users, nearest first."),
            problems: [.notFound, .conflict], .lookup(similarUsers)),
        Route(
            .get, "/v1/top", "top",
            "Items over all users: most taken, most taken of late, greatest or least item bias.",
            parameters: [
                Parameter.query(
                    "by", .choice(TopQuery.Order.allCases.map(\.rawValue)), "What they are ranked by."
                ).required(), count,
                Parameter.query(
                    "among", .integer(1...TopQuery.amongMax),
                    "For biases: ranks no others than this many of the most taken items."),
                model, tag, titles, meta,
            ] + after,
            answer: Schemas.items("The items, best first."), problems: [.notFound, .conflict],
            .lookup(top)),
        Route(
            .get, "/v1/predict/{user}", "predict",
            "Predicted ratings (or scores) of items, in the order asked.",
            parameters: [user, candidates, model] + after,
            answer: Schemas.answer("Scores", "The items with their values, in the order asked."),
            problems: [.notFound, .conflict], .lookup(predict)),
        Route(
            .get, "/v1/rank/{user}", "rank",
            "Candidates with their predicted ratings (or scores), best first.",
            parameters: [user, candidates, model] + after,
            answer: Schemas.answer("Scores", "The items with their values, best first."),
            problems: [.notFound, .conflict], .lookup(rank)),
        Route(
            .get, "/v1/explain/{user}/{item}", "explain",
            "The parts of an item's score for a user, its rank, and what keeps it out.",
            parameters: [user, Parameter.path("item", "The item's id."), model, tag, exclude] + after,
            answer: Schemas.answer("Explanation", "Why, or why not."),
            problems: [.notFound, .conflict],
            .lookup(explain)),
    ]

    // MARK: - Answers

    @Sendable private static func recommend(_ call: Call) throws -> JSON {
        var query = RecommendQuery(user: try call.id("user"), count: call.integer("count", otherwise: 10))
        query.model = call.text("model")
        query.tags = call.texts("tag")
        query.exclude = try call.ids("exclude")
        query.by = call.choice("by") ?? .model
        query.seen = call.text("seen").flatMap { .init($0) }
        query.fallback = call.choice("fallback") ?? .popular
        query.wantsMeta = call.flag("meta")
        let service = try call.environment.service()
        return try list(service.answer(query), call.flag("titles"), service)
    }

    @Sendable private static func recommendItems(_ call: Call) throws -> JSON {
        let session = try SessionBody(call.body)
        let service = try call.environment.service()
        return try list(service.answer(session.query), session.wantsTitles, service)
    }

    @Sendable private static func similar(_ call: Call) throws -> JSON {
        var query = SimilarQuery(item: try call.id("item"), count: call.integer("count", otherwise: 10))
        query.model = call.text("model")
        query.metric = call.choice("metric") ?? .cosine
        query.by = call.choice("by") ?? .model
        query.tags = call.texts("tag")
        query.wantsMeta = call.flag("meta")
        let service = try call.environment.service()
        return try list(service.answer(query), call.flag("titles"), service)
    }

    @Sendable private static func similarUsers(_ call: Call) throws -> JSON {
        var query = SimilarUsersQuery(user: try call.id("user"), count: call.integer("count", otherwise: 10))
        query.model = call.text("model")
        query.metric = call.choice("metric") ?? .cosine
        let users = try call.environment.service().similarUsers(query)
        return .object([
            (
                "users",
                .array(
                    try users.map {
                        .object([("id", .string($0.id.string)), ("score", try .score($0.score, of: $0.id))])
                    })
            )
        ])
    }

    @Sendable private static func top(_ call: Call) throws -> JSON {
        let service = try call.environment.service()
        var query = TopQuery(
            order: call.choice("by") ?? .popular, count: call.integer("count", otherwise: 10),
            model: call.text("model"), tags: call.texts("tag"), wantsMeta: call.flag("meta"))
        query.among = call.text("among").flatMap { Int($0) }
        guard query.among == nil || [.bias, .leastBias].contains(query.order) else {
            throw Problem.invalid("among goes with by=bias and by=-bias")
        }
        return try list(service.answer(query), call.flag("titles"), service)
    }

    @Sendable private static func predict(_ call: Call) throws -> JSON {
        let items = try candidates(call)
        let values = try call.environment.service().predict(
            user: try call.id("user"), items: items, model: call.text("model"))
        return try scores(zip(items, values).map { ScoredItem(id: $0, score: $1) })
    }

    @Sendable private static func rank(_ call: Call) throws -> JSON {
        try scores(
            call.environment.service().rank(
                user: try call.id("user"), items: try candidates(call), model: call.text("model")))
    }

    private static func candidates(_ call: Call) throws(Problem) -> [EntityID] {
        let items = try call.ids("item")
        guard items.count <= candidatesMax else {
            throw .invalid("\(items.count) items; at most \(candidatesMax) are allowed")
        }
        return items
    }

    private static func scores(_ items: [ScoredItem]) throws(LookupError) -> JSON {
        .object([("items", try AnswerJSON.items(items, nil))])
    }

    static func list(
        _ answer: ItemAnswer, _ wantsTitles: Bool, _ service: any LookupService
    ) throws(LookupError) -> JSON {
        try AnswerJSON.list(answer, titlesFrom: wantsTitles ? service : nil)
    }

    @Sendable private static func explain(_ call: Call) throws -> JSON {
        var query = ExplainQuery(user: try call.id("user"), item: try call.id("item"))
        query.model = call.text("model")
        query.tags = call.texts("tag")
        query.exclude = try call.ids("exclude")
        return try AnswerJSON.explanation(call.environment.service().explain(query), of: query.item)
    }
}
