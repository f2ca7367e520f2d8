import Engine
import Events
import LookUps
import Quarantine

/// Answers of the engine as JSON; the members have the names of the RPC's fields.
enum AnswerJSON {
    /// - Parameter service: asked for titles and tags; `nil` where they are not wanted.
    static func list(_ answer: ItemAnswer, titlesFrom service: (any LookupService)?) throws(LookupError)
        -> JSON
    {
        var members = [("items", try items(answer.items, service))]
        if let meta = answer.meta { members.append(("meta", Self.meta(meta))) }
        return .object(members)
    }

    static func items(_ items: [ScoredItem], _ service: (any LookupService)?) throws(LookupError) -> JSON {
        var list: [JSON] = []
        for item in items {
            var members: [(String, JSON)] = [
                ("id", .string(item.id.string)), ("score", try .score(item.score, of: item.id)),
            ]
            if let service {
                let record = try service.item(item.id)
                members.append(("title", .optional(record.title, JSON.string)))
                members.append(("tags", .array(record.tags.map(JSON.string))))
            }
            list.append(.object(members))
        }
        return .array(list)
    }

    static func quarantined(_ update: QuarantinedUpdate) -> JSON {
        .object([
            ("model", .string(update.model)), ("token", .string(update.token.description)),
            ("user", .optional(update.user?.string, JSON.string)),
            ("item", .optional(update.item?.string, JSON.string)), ("ts", .integer(update.time)),
            ("why", .string(update.reason)), ("steps", .int(update.steps)),
        ])
    }

    private static func meta(_ meta: AnswerMeta) -> JSON {
        var members: [(String, JSON)] = [
            ("model", .string(meta.model)), ("positions", positions(meta.positions)),
            ("age-ms", .double(milliseconds(meta.age))), ("unlearned", .int(meta.unlearned)),
            ("path", .string(meta.path)), ("fallback", .string(meta.fallback.rawValue)),
            ("candidates", .int(meta.candidates)), ("why-fewer", .optional(meta.shortfall, shortfall)),
            ("ignored", .array(meta.ignored.map { .string($0.string) })),
        ]
        if let words = meta.words {
            members.append(("known-words", .array(words.known.map(JSON.string))))
            members.append(("guessed-words", .array(words.guessed.map(JSON.string))))
        }
        return .object(members)
    }

    static func positions(_ positions: [Int32: Int64]) -> JSON {
        .object(positions.sorted { $0.key < $1.key }.map { (String($0.key), .integer($0.value)) })
    }

    private static func shortfall(_ shortfall: Shortfall) -> JSON {
        .object(
            [("catalogue", .int(shortfall.catalogue))]
                + Shortfall.Reason.allCases.map { ($0.rawValue, .int(shortfall.counts[$0] ?? 0)) })
    }

    private static func milliseconds(_ duration: Duration) -> Double {
        let (seconds, attoseconds) = duration.components
        return Double(seconds) * 1e3 + Double(attoseconds / 1_000_000_000_000) / 1e3
    }

    static func explanation(_ explanation: Explanation, of item: EntityID) throws(LookupError) -> JSON {
        var members: [(String, JSON)] = [
            ("model", .string(explanation.model)), ("score", try .score(explanation.score, of: item)),
            ("mean", .optional(explanation.mean, JSON.float)),
            ("user-bias", .optional(explanation.userBias, JSON.float)),
            ("item-bias", .float(explanation.itemBias)), ("match", .float(explanation.match)),
            ("rank", .optional(explanation.rank, JSON.int)),
            ("score-of-top-10", .optional(explanation.topTenScore, JSON.float)),
            ("recommended", .bool(explanation.isRecommended)),
            ("why-not", .array(explanation.obstacles.map { .string($0.rawValue) })),
        ]
        if let seen = explanation.seen {
            members.append(("seen-value", .float(seen.value)))
            members.append(("seen-ts", .integer(seen.time)))
        }
        members.append(("carried-by", .array(explanation.carriers.map(carrier))))
        if !explanation.parts.isEmpty {
            members.append(("parts", .object(explanation.parts.map { ($0.name, .float($0.share)) })))
        }
        if !explanation.tags.isEmpty {
            members.append(("tags", .object(explanation.tags.map { ($0.name, .float($0.share)) })))
        }
        if let features = explanation.features {
            members.append(("features", .object(features.shares.map { ($0.name, .float($0.share)) })))
            members.append(("base", .float(features.base)))
            members.append(("own", .float(features.own)))
        }
        if let rest = explanation.rest {
            members.append(("carried-by-others", .float(rest.others)))
            members.append(("drift", .float(rest.drift)))
        }
        return .object(members)
    }

    private static func carrier(_ carrier: Explanation.Carrier) -> JSON {
        .object([
            ("item", .string(carrier.item.string)), ("title", .optional(carrier.title, JSON.string)),
            ("similarity", .float(carrier.similarity)), ("value", .float(carrier.value)),
            ("share", .optional(carrier.share, JSON.float)),
        ])
    }

    static func item(_ item: ItemRecord) -> JSON {
        .object([
            ("id", .string(item.id.string)), ("title", .optional(item.title, JSON.string)),
            ("tags", .array(item.tags.map(JSON.string))), ("available", .bool(item.available)),
            ("users", .int(item.users)), ("ratings", .int(item.ratings)),
            ("mean", .optional(item.meanRating, JSON.float)),
            ("last-event", .optional(item.lastEvent, JSON.integer)),
            (
                "models",
                .object(
                    item.models.map { model in
                        (
                            model.name,
                            .object([
                                ("positives", .int(model.positives)),
                                ("bias", .optional(model.bias, JSON.float)),
                                ("norm", .optional(model.norm, JSON.float)),
                                ("popular", .optional(model.popular, JSON.float)),
                                ("trending", .optional(model.trending, JSON.float)),
                            ])
                        )
                    })
            ),
        ])
    }

    static func user(_ user: UserRecord) -> JSON {
        .object([
            ("id", .string(user.id.string)), ("tags", .array(user.tags.map(JSON.string))),
            ("seen", .int(user.seen)),
            (
                "history",
                .array(
                    user.history.map { entry in
                        .object([
                            ("item", .string(entry.item.string)), ("value", .float(entry.value)),
                            ("kind", .string(entry.isRating ? "rating" : "signal")),
                            ("ts", .integer(entry.time)),
                        ])
                    })
            ),
            ("hidden", .int(user.hidden)),
            ("hidden-items", .array(user.hiddenItems.map { .string($0.string) })),
            (
                "models",
                .object(
                    user.models.map {
                        ($0.name, .object([("bias", .float($0.bias)), ("norm", .float($0.norm))]))
                    })
            ),
        ])
    }

    static func fields(_ fields: [StatusField]) -> [(String, JSON)] {
        fields.map { ($0.name, value($0.value)) }
    }

    static func models(_ models: [ModelStatus]) -> JSON {
        .array(
            models.map { model in
                .object(
                    [
                        ("name", .string(model.name)), ("learner", .string(model.learner)),
                        ("default", .bool(model.isDefault)),
                    ] + fields(model.fields.filter { $0.name != "learner" }))
            })
    }

    private static func value(_ value: StatusField.Value) -> JSON {
        switch value {
        case .integer(let number): .integer(number)
        case .double(let number): .double(number)
        case .text(let text): .string(text)
        case .bool(let flag): .bool(flag)
        }
    }

    static func map(_ map: ItemMap) -> JSON {
        // Each tag once: a hundred thousand items have few different ones.
        var (tags, numbers): ([String], [String: Int]) = ([], [:])
        let tagged = map.tags.map { names in
            JSON.array(
                names.map { name in
                    if let number = numbers[name] { return .int(number) }
                    numbers[name] = tags.count
                    tags.append(name)
                    return .int(tags.count - 1)
                })
        }
        return .object([
            ("model", .string(map.model)), ("items-taken", .int(map.itemsTaken)),
            ("explained", .floats(map.explained)), ("ids", .array(map.ids.map { .string($0.string) })),
            ("titles", .array(map.titles.map { .optional($0, JSON.string) })),
            ("tags", .array(tags.map(JSON.string))), ("tags-of", .array(tagged)),
            ("popularity", .floats(map.popularity)), ("axes", .array(map.places.map(JSON.floats))),
        ])
    }
}
