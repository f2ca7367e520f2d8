package import Engine
package import Events
internal import LookUps

/// Whom and what a request is about.
package struct Subject: Sendable {
    /// A known user.
    package var user: EntityID
    /// Described items; the first is the one that is asked about.
    package var items: [EntityID]

    /// Each of the users with items from all over the catalogue.
    package static func each(of users: [EntityID], items: [EntityID]) -> [Subject] {
        users.indices.map { number in
            let chosen = (0..<MeasuredCommand.sessionItems).map { place in
                items[(number * 104_729 + place * 7_907) % items.count]
            }
            return Subject(user: users[number], items: chosen)
        }
    }
}

/// A look-up that is measured beside `RECOMMEND`: as a call of the engine, and as words on the socket.
package struct MeasuredCommand: Sendable {
    package let name: String
    package let words: @Sendable (Subject) -> [String]
    package let call: @Sendable (any LookupService, Subject) throws -> Void

    /// Items of a session.
    package static let sessionItems = 20

    /// `RECOMMEND` first: what the others are held against. All look through the whole catalogue.
    package static func all(count: Int) -> [MeasuredCommand] {
        [recommend(count)] + SimilarQuery.Metric.allCases.map { similar(count, $0) } + [session(count)]
            + [explain] + TopQuery.Order.allCases.map { top(count, $0) } + byContent(count)
    }

    package static func recommend(_ count: Int) -> MeasuredCommand {
        MeasuredCommand(
            name: "RECOMMEND", words: { ["RECOMMEND", $0.user.string, "COUNT", String(count)] },
            call: { _ = try $0.answer(RecommendQuery(user: $1.user, count: count)) })
    }

    private static func similar(_ count: Int, _ metric: SimilarQuery.Metric) -> MeasuredCommand {
        MeasuredCommand(
            name: "SIMILAR \(metric.rawValue)",
            words: {
                ["SIMILAR", $0.items[0].string, "COUNT", String(count), "METRIC", metric.rawValue]
            },
            call: { _ = try $0.answer(SimilarQuery(item: $1.items[0], count: count, metric: metric)) })
    }

    /// Words are the ids of two items: no item carries them, as no item need.
    private static func byContent(_ count: Int) -> [MeasuredCommand] {
        [
            MeasuredCommand(
                name: "SEARCH",
                words: {
                    ["SEARCH"] + $0.items.prefix(2).map(\.string) + ["COUNT", String(count)]
                },
                call: {
                    _ = try $0.answer(SearchQuery(words: $1.items.prefix(2).map(\.string), count: count))
                }),
            MeasuredCommand(
                name: "SIMILAR BY content",
                words: { ["SIMILAR", $0.items[0].string, "BY", "content", "COUNT", String(count)] },
                call: {
                    var query = SimilarQuery(item: $1.items[0], count: count)
                    query.by = .content
                    _ = try $0.answer(query)
                }),
            MeasuredCommand(
                name: "RECOMMEND BY content",
                words: { ["RECOMMEND", $0.user.string, "BY", "content", "COUNT", String(count)] },
                call: {
                    var query = RecommendQuery(user: $1.user, count: count)
                    query.by = .content
                    _ = try $0.answer(query)
                }),
        ]
    }

    private static func session(_ count: Int) -> MeasuredCommand {
        MeasuredCommand(
            name: "RECOMMEND.ITEMS",
            words: {
                ["RECOMMEND.ITEMS", String($0.items.count)] + $0.items.map(\.string)
                    + ["COUNT", String(count)]
            },
            call: { _ = try $0.answer(SessionQuery(items: $1.items, count: count)) })
    }

    private static let explain = MeasuredCommand(
        name: "EXPLAIN", words: { ["EXPLAIN", $0.user.string, $0.items[0].string] },
        call: { _ = try $0.explain(ExplainQuery(user: $1.user, item: $1.items[0])) })

    private static func top(_ count: Int, _ order: TopQuery.Order) -> MeasuredCommand {
        MeasuredCommand(
            name: "TOP \(order.rawValue)", words: { _ in ["TOP", String(count), "BY", order.rawValue] },
            call: { service, _ in _ = try service.answer(TopQuery(order: order, count: count)) })
    }

    /// Looks through all users rather than all items.
    package static func similarUsers(_ count: Int) -> MeasuredCommand {
        MeasuredCommand(
            name: "SIMILAR.USERS", words: { ["SIMILAR.USERS", $0.user.string, "COUNT", String(count)] },
            call: { _ = try $0.similarUsers(SimilarUsersQuery(user: $1.user, count: count)) })
    }
}
