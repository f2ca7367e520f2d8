import LookUps

/// The shapes of bodies and answers, as JSON Schema (2020-12) has them. Answers are checked against them in the tests.
enum Schemas {
    static func reference(_ name: String) -> JSON {
        .object([("$ref", .string("#/components/schemas/\(name)"))])
    }

    static func answer(_ name: String, _ description: String) -> Route.Answer {
        Route.Answer(schema: reference(name), description: description)
    }

    static func items(_ description: String) -> Route.Answer { answer("ItemList", description) }

    static let text = type("string")
    static let number = type("number")
    static let integer = type("integer")
    static let flag = type("boolean")

    private static func type(_ name: String) -> JSON { .object([("type", .string(name))]) }

    private static func nullable(_ name: String) -> JSON {
        .object([("type", .array([.string(name), .string("null")]))])
    }

    static func array(of items: JSON, max: Int? = nil, min: Int = 0) -> JSON {
        var members = [("type", JSON.string("array")), ("items", items)]
        if let max { members.append(("maxItems", .int(max))) }
        if min > 0 { members.append(("minItems", .int(min))) }
        return .object(members)
    }

    /// - Parameters:
    ///   - optional: members that may be missing.
    ///   - others: the schema of members not named; `nil` where there are none.
    static func object(_ required: [(String, JSON)], optional: [(String, JSON)] = [], others: JSON? = nil)
        -> JSON
    {
        .object([
            ("type", .string("object")), ("properties", .object(required + optional)),
            ("required", .array(required.map { .string($0.0) })),
            ("additionalProperties", others ?? .bool(false)),
        ])
    }

    private static let id = JSON.object([
        ("type", .string("string")), ("minLength", .int(1)), ("maxLength", .int(256)),
    ])

    /// One of STATUS: a number, text, a flag, or nothing yet.
    private static let plain = JSON.object([
        (
            "type",
            .array([
                .string("number"), .string("string"), .string("boolean"), .string("null"),
            ])
        )
    ])

    static let all: [(String, JSON)] = [
        (
            "Problem",
            object([
                ("type", text), ("title", text), ("status", integer), ("code", text), ("detail", text),
            ])
        ),
        (
            "Item",
            object(
                [("id", text), ("score", number)],
                optional: [("title", nullable("string")), ("tags", array(of: text))])
        ),
        (
            "ItemList",
            object([("items", array(of: reference("Item")))], optional: [("meta", reference("Meta"))])
        ),
        ("Scores", object([("items", array(of: reference("Item")))])),
        (
            "TagList",
            object([("tags", array(of: object([("tag", text), ("items", integer)])))])
        ),
        (
            "UserList",
            object([("users", array(of: object([("id", text), ("score", number)])))])
        ),
        (
            "Meta",
            object(
                [
                    ("model", text), ("positions", object([], others: integer)), ("age-ms", number),
                    ("unlearned", integer), ("path", text), ("fallback", text), ("candidates", integer),
                    (
                        "why-fewer",
                        .object([("anyOf", .array([object([], others: integer), type("null")]))])
                    ), ("ignored", array(of: text)),
                ],
                optional: [("known-words", array(of: text)), ("guessed-words", array(of: text))])
        ),
        (
            "Session",
            object(
                [("items", array(of: id, max: SessionQuery.itemsMax, min: 1))],
                optional: [
                    ("weights", array(of: number, max: SessionQuery.itemsMax)),
                    (
                        "count",
                        .object([
                            ("type", .string("integer")), ("minimum", .int(1)), ("maximum", .int(10_000)),
                        ])
                    ), ("model", text), ("tags", array(of: text)), ("exclude", array(of: id)),
                    ("titles", flag), ("meta", flag),
                ])
        ),
        (
            "Explanation",
            object(
                [
                    ("model", text), ("score", number), ("mean", nullable("number")),
                    ("user-bias", nullable("number")), ("item-bias", number), ("match", number),
                    ("rank", nullable("integer")), ("score-of-top-10", nullable("number")),
                    ("recommended", flag), ("why-not", array(of: text)),
                    (
                        "carried-by",
                        array(
                            of: object([
                                ("item", text), ("title", nullable("string")), ("similarity", number),
                                ("value", number), ("share", nullable("number")),
                            ]))
                    ),
                ],
                optional: [
                    ("seen-value", number), ("seen-ts", integer), ("carried-by-others", number),
                    ("drift", number), ("parts", object([], others: number)),
                    ("tags", object([], others: number)),
                    ("features", object([], others: number)), ("base", number), ("own", number),
                ])
        ),
        (
            "ItemRecord",
            object([
                ("id", text), ("title", nullable("string")), ("tags", array(of: text)), ("available", flag),
                ("users", integer), ("ratings", integer), ("mean", nullable("number")),
                ("last-event", nullable("integer")),
                (
                    "models",
                    object(
                        [],
                        others: object([
                            ("positives", integer), ("bias", nullable("number")),
                            ("norm", nullable("number")),
                            ("popular", nullable("number")), ("trending", nullable("number")),
                        ]))
                ),
            ])
        ),
        (
            "Found",
            object([
                (
                    "items",
                    array(
                        of: object([
                            ("id", text), ("title", nullable("string")), ("tags", array(of: text)),
                            ("users", integer), ("mean", nullable("number")),
                        ]))
                )
            ])
        ),
        (
            "UserRecord",
            object([
                ("id", text), ("tags", array(of: text)), ("seen", integer),
                (
                    "history",
                    array(
                        of: object([("item", text), ("value", number), ("kind", text), ("ts", integer)]))
                ), ("hidden", integer), ("hidden-items", array(of: text)),
                ("models", object([], others: object([("bias", number), ("norm", number)]))),
            ])
        ),
        (
            "Event",
            object([("user", text)], others: .bool(true))
        ),
        (
            "Appended",
            object([
                ("accepted", integer), ("refused", integer),
                (
                    "results",
                    array(
                        of: object([], optional: [("token", text), ("code", text), ("detail", text)]))
                ),
            ])
        ),
        ("Status", object([], others: plain)),
        (
            "Models",
            array(
                of: object(
                    [("name", text), ("learner", text), ("default", flag)], others: plain))
        ),
        (
            "Quarantine",
            object([
                (
                    "updates",
                    array(
                        of: object([
                            ("model", text), ("token", text), ("user", nullable("string")),
                            ("item", nullable("string")), ("ts", integer), ("why", text), ("steps", integer),
                        ]))
                )
            ])
        ),
        (
            "Map",
            object([
                ("model", text), ("items-taken", integer), ("explained", array(of: number)),
                ("ids", array(of: text)), ("titles", array(of: nullable("string"))),
                ("tags", array(of: text)),
                ("tags-of", array(of: array(of: integer))), ("popularity", array(of: number)),
                ("axes", array(of: array(of: number))),
            ])
        ),
        (
            "Curves",
            object([
                ("times", array(of: integer)), ("applied", array(of: integer)),
                (
                    "models",
                    array(
                        of: object([
                            ("name", text), ("learner", text), ("measure", text), ("less-is-better", flag),
                            ("baseline-name", text), ("values", array(of: nullable("number"))),
                            ("baselines", array(of: nullable("number"))),
                            ("errors", array(of: nullable("number"))),
                        ]))
                ),
                (
                    "marks",
                    array(
                        of: object([("time", integer), ("applied", integer), ("model", text), ("text", text)])
                    )
                ),
            ])
        ),
        (
            "Ready",
            object([("ready", flag), ("reason", text)], optional: [("lag", integer), ("lag-max", integer)])
        ),
        ("Alive", object([("alive", flag), ("version", text), ("unhealthy-models", integer)])),
    ]
}
