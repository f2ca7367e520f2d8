import Engine
import Events
internal import LookUps
import RESP

/// `ITEM.GET` and `USER.GET`: what is known of one item or user.
enum RecordCommands {
    static let all = [item, user]

    private static let historyDefault = 100

    static let item = Command(
        "ITEM.GET", "An item's title, tags, availability and counts, and what each model knows of it.",
        group: .lookup,
        flags: [.readonly, .fast], arguments: [.value("item")]
    ) { arguments, _, environment throws(CommandError) in
        let id = try arguments.id("item")
        return .lookup(
            Lookup { () throws(LookupError) in
                let item = try environment.service.item(id)
                return .map([
                    (.text("id"), .text(item.id.string)),
                    (.text("title"), item.title.map(RESPValue.text) ?? .null),
                    (.text("tags"), .array(item.tags.map(RESPValue.text))),
                    (.text("available"), .boolean(item.available)),
                    (.text("users"), .integer(Int64(item.users))),
                    (.text("ratings"), .integer(Int64(item.ratings))),
                    (.text("mean"), item.meanRating.map(RESPValue.shortest) ?? .null),
                    (.text("last-event"), item.lastEvent.map(RESPValue.integer) ?? .null),
                    (.text("models"), .map(item.models.map { (.text($0.name), model($0)) })),
                ])
            })
    }

    static let user = Command(
        "USER.GET", "A user's tags, history, newest first, and hidden items, at most COUNT of each.",
        group: .lookup, flags: [.readonly],
        arguments: [.value("user"), .option("COUNT", "n", .integer)], user: .first
    ) { arguments, _, environment throws(CommandError) in
        let id = try arguments.id("user")
        var count = historyDefault
        while let option = try arguments.option() {
            guard option == "COUNT" else { throw arguments.unexpected(option) }
            count = try arguments.count()
        }
        return .lookup(
            Lookup { [count] () throws(LookupError) in
                let user = try environment.service.user(id, listMax: count)
                return .map([
                    (.text("id"), .text(user.id.string)),
                    (.text("tags"), .array(user.tags.map(RESPValue.text))),
                    (.text("seen"), .integer(Int64(user.seen))),
                    (.text("history"), .array(user.history.map(entry))),
                    (.text("hidden"), .integer(Int64(user.hidden))),
                    (.text("hidden-items"), .array(user.hiddenItems.map { .text($0.string) })),
                    (.text("models"), .map(user.models.map { (.text($0.name), model($0)) })),
                ])
            })
    }

    private static func model(_ model: ItemRecord.Model) -> RESPValue {
        .map([
            (.text("positives"), .integer(Int64(model.positives))),
            (.text("bias"), model.bias.map(RESPValue.shortest) ?? .null),
            (.text("norm"), model.norm.map(RESPValue.shortest) ?? .null),
            (.text("popular"), model.popular.map(RESPValue.shortest) ?? .null),
            (.text("trending"), model.trending.map(RESPValue.shortest) ?? .null),
        ])
    }

    private static func model(_ model: UserRecord.Model) -> RESPValue {
        .map([(.text("bias"), .shortest(model.bias)), (.text("norm"), .shortest(model.norm))])
    }

    private static func entry(_ entry: UserRecord.Entry) -> RESPValue {
        var pairs: [(RESPValue, RESPValue)] = [
            (.text("item"), .text(entry.item.string)), (.text("value"), .shortest(entry.value)),
            (.text("kind"), .text(entry.isRating ? "rating" : "signal")), (.text("ts"), .integer(entry.time)),
        ]
        if let signals = entry.signals { pairs += map(signals) }
        return .map(pairs)
    }

    /// What `USER.GET` and `EXPLAIN` say of a user's signals on an item, each name behind `prefix`.
    static func map(
        _ signals: UserRecord.Signals, prefix: String = ""
    ) -> [(RESPValue, RESPValue)] {
        [
            (.text(prefix + "signals"), .integer(Int64(signals.count))),
            (.text(prefix + "weight"), .shortest(signals.weight)),
            (.text(prefix + "faded-weight"), .shortest(signals.fadedWeight)),
            (.text(prefix + "first-ts"), .integer(signals.first)),
        ]
    }
}
