import Engine
import HTTPTypes
import LookUps

// What the RPC calls SEARCH and TAGS.
extension Routes {
    private static let wordsMax = 64

    static let content: [Route] = [
        Route(
            .get, "/v1/search", "search",
            "Items that are about words, best first; the words need be on no item.",
            parameters: [
                Parameter.query("word", .text(bytesMax: 256), "A word, or several that belong together.")
                    .required().repeated(), count, tag, titles, meta,
            ] + after,
            answer: Schemas.items("The items, best first."), problems: [.conflict], .lookup(search)),
        Route(
            .get, "/v1/tags", "tags_of_items", "The tags most often on items.",
            parameters: [Parameter.query("item", .id, "The items.").required().repeated(), count] + after,
            answer: Schemas.answer("TagList", "The tags, the most frequent first."),
            problems: [.notFound, .conflict], .lookup(tagsOfItems)),
        Route(
            .get, "/v1/tags/{user}", "tags_of_user", "The tags most often on what a user took.",
            parameters: [Parameter.path("user", "The user's id."), count] + after,
            answer: Schemas.answer("TagList", "The tags, the most frequent first."),
            problems: [.notFound, .conflict], .lookup(tagsOfUser)),
    ]

    @Sendable private static func search(_ call: Call) throws -> JSON {
        let words = call.texts("word")
        guard words.count <= wordsMax else {
            throw Problem.invalid("\(words.count) words; at most \(wordsMax) are allowed")
        }
        let query = SearchQuery(
            words: words, count: call.integer("count", otherwise: 10), tags: call.texts("tag"),
            wantsMeta: call.flag("meta"))
        let service = try call.environment.service()
        return try list(service.answer(query), call.flag("titles"), service)
    }

    @Sendable private static func tagsOfItems(_ call: Call) throws -> JSON {
        try tags(.items(call.ids("item")), call)
    }

    @Sendable private static func tagsOfUser(_ call: Call) throws -> JSON {
        try tags(.user(call.id("user")), call)
    }

    private static func tags(_ subject: TagsQuery.Subject, _ call: Call) throws -> JSON {
        let query = TagsQuery(subject, count: call.integer("count", otherwise: 10))
        let tags = try call.environment.service().tags(query)
        return .object([
            (
                "tags",
                .array(tags.map { .object([("tag", .string($0.tag)), ("items", .int($0.items))]) })
            )
        ])
    }
}
