import Engine
import Events

/// `ITEM.GET` and `USER.GET`: what is known of one item or user.
enum RecordCommands {
    static let all = [item, user]

    private static let historyDefault = 100

    static let item = Command(
        "ITEM.GET", "An item's title, tags, availability and counts.", group: .lookup,
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
                    (.text("mean"), item.meanRating.map(RESPValue.shortest) ?? .null),
                ])
            })
    }

    static let user = Command(
        "USER.GET", "A user's history, newest first.", group: .lookup, flags: [.readonly],
        arguments: [.value("user"), .option("COUNT", "n", .integer)]
    ) { arguments, _, environment throws(CommandError) in
        let id = try arguments.id("user")
        var count = historyDefault
        while let option = try arguments.keyword() {
            guard option == "COUNT" else { throw arguments.unexpected(option) }
            count = try arguments.count()
        }
        return .lookup(
            Lookup { [count] () throws(LookupError) in
                let user = try environment.service.user(id, historyMax: count)
                return .map([
                    (.text("id"), .text(user.id.string)), (.text("seen"), .integer(Int64(user.seen))),
                    (.text("history"), .array(user.history.map(entry))),
                ])
            })
    }

    private static func entry(_ entry: UserRecord.Entry) -> RESPValue {
        .map([
            (.text("item"), .text(entry.item.string)), (.text("value"), .shortest(entry.value)),
            (.text("kind"), .text(entry.isRating ? "rating" : "signal")), (.text("ts"), .integer(entry.time)),
        ])
    }
}
