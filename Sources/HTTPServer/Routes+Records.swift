import Engine
import Events
import HTTPTypes
import LookUps

// What is known of one item or user, and items by their titles.
extension Routes {
    static let records: [Route] = [
        Route(
            .get, "/v1/items", "items",
            "Items whose title holds all the words, or whose id it is; the most taken first.",
            parameters: [
                Parameter.query("q", .text(bytesMax: 256), "Words of a title, or an id.").required(),
                Parameter.query("count", .integer(1...1_000), "Items at most.").standing(at: .int(10)),
            ],
            answer: Schemas.answer("Found", "The items."),
            .lookup { call in
                let service = try call.environment.service()
                let ids = try service.items(
                    titled: call.text("q") ?? "", count: call.integer("count", otherwise: 10))
                return .object([("items", .array(try ids.map { found(try service.item($0)) }))])
            }),
        Route(
            .get, "/v1/items/{item}", "item",
            "An item's title, tags, availability and counts, and what each model knows of it.",
            parameters: [Parameter.path("item", "The item's id.")] + after,
            answer: Schemas.answer("ItemRecord", "The item."), problems: [.notFound, .conflict],
            .lookup { call in AnswerJSON.item(try call.environment.service().item(try call.id("item"))) }),
        Route(
            .get, "/v1/users/{user}", "user", "A user's history, newest first, and hidden items.",
            parameters: [
                Parameter.path("user", "The user's id."),
                Parameter.query("count", .integer(1...10_000), "Entries of each list at most.").standing(
                    at: .int(100)),
            ] + after,
            answer: Schemas.answer("UserRecord", "The user."), problems: [.notFound, .conflict],
            .lookup { call in
                AnswerJSON.user(
                    try call.environment.service().user(
                        try call.id("user"), listMax: call.integer("count", otherwise: 100)))
            }),
    ]

    private static func found(_ item: ItemRecord) -> JSON {
        .object([
            ("id", .string(item.id.string)), ("title", .optional(item.title, JSON.string)),
            ("tags", .array(item.tags.map(JSON.string))), ("users", .int(item.users)),
            ("mean", .optional(item.meanRating, JSON.float)),
        ])
    }
}
