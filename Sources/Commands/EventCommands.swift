import Engine
import EventLog
import Events
import LookUps
import RESP

/// What feeds the log; each answers the token of the appended event once it is durable.
enum EventCommands {
    static let all = [rate, signal, retract, hide, unhide, forget, setItem, setUser, promote, feed]

    private static let time = ArgumentSpec.option("TS", "ms")
    private static let eventID = ArgumentSpec.option("ID", "id")

    static let rate = Command(
        "RATE", "Appends a rating.", group: .event, flags: [.write],
        arguments: [.value("user"), .value("item"), .value("value", .double), time, eventID]
    ) { arguments, _, environment throws(CommandError) in
        let user = try arguments.id("user")
        let item = try arguments.id("item")
        let value = try arguments.rating("value")
        return try append(.rating(user: user, item: item, value: value), &arguments, environment)
    }

    static let signal = Command(
        "SIGNAL", "Appends a named act, say click.", group: .event, flags: [.write],
        arguments: [.value("user"), .value("item"), .value("name"), time, eventID]
    ) { arguments, _, environment throws(CommandError) in
        let user = try arguments.id("user")
        let item = try arguments.id("item")
        let name = try arguments.text("name")
        guard !name.isEmpty else { throw arguments.error("name is empty") }
        return try append(.signal(user: user, item: item, name: name), &arguments, environment)
    }

    static let retract = Command(
        "RETRACT", "Takes back what a user said of an item.", group: .event, flags: [.write],
        arguments: [.value("user"), .value("item"), time, eventID]
    ) { arguments, _, environment throws(CommandError) in
        let user = try arguments.id("user")
        let item = try arguments.id("item")
        return try append(.retract(user: user, item: item), &arguments, environment)
    }

    static let hide = Command(
        "HIDE", "Never shows an item to a user again, until UNHIDE.", group: .event, flags: [.write],
        arguments: [.value("user"), .value("item"), time, eventID]
    ) { arguments, _, environment throws(CommandError) in
        let user = try arguments.id("user")
        let item = try arguments.id("item")
        return try append(.hide(user: user, item: item), &arguments, environment)
    }

    static let unhide = Command(
        "UNHIDE", "Takes HIDE back.", group: .event, flags: [.write],
        arguments: [.value("user"), .value("item"), time, eventID]
    ) { arguments, _, environment throws(CommandError) in
        let user = try arguments.id("user")
        let item = try arguments.id("item")
        return try append(.unhide(user: user, item: item), &arguments, environment)
    }

    static let forget = Command(
        "FORGET", "Erases a user.", group: .event, flags: [.write],
        arguments: [.value("user"), time, eventID]
    ) { arguments, _, environment throws(CommandError) in
        try append(.forget(user: try arguments.id("user")), &arguments, environment)
    }

    static let setItem = Command(
        "ITEM.SET", "Describes an item; what is not named stays as it is.", group: .event, flags: [.write],
        arguments: [
            .value("item"), .option("TITLE", "t"), .option("TAGS", "a,b"), .repeated("TAG", "t"),
            .repeated("ADDTAG", "t"), .choice("AVAILABLE", "available", of: ["0", "1"]), time, eventID,
        ]
    ) { arguments, _, environment throws(CommandError) in
        var item = ItemDescription(item: try arguments.id("item"))
        var (time, id): (Int64?, String?) = (nil, nil)
        while let option = try arguments.option() {
            switch option {
            case "TITLE": item.title = try arguments.text("TITLE")
            case "TAGS":
                item.tags =
                    (item.tags ?? []) + (try arguments.text("TAGS")).split(separator: ",").map(String.init)
            case "TAG": item.tags = (item.tags ?? []) + [try arguments.text("TAG")]
            case "ADDTAG": item.addedTags = (item.addedTags ?? []) + [try arguments.text("ADDTAG")]
            case "AVAILABLE": item.available = try arguments.integer("AVAILABLE", in: 0...1) == 1
            case "TS": time = try arguments.time(environment.settings.events)
            case "ID": id = try arguments.text("ID")
            default: throw arguments.unexpected(option)
            }
        }
        return append(Event(.item(item), time: time, id: id), environment)
    }

    static let setUser = Command(
        "USER.SET", "Says what a user is, by tags: in place of those there are, or added to them.",
        group: .event, flags: [.write],
        arguments: [
            .value("user"), .option("TAGS", "a,b"), .repeated("TAG", "t"), .repeated("ADDTAG", "t"), time,
            eventID,
        ]
    ) { arguments, _, environment throws(CommandError) in
        var user = UserDescription(user: try arguments.id("user"))
        var (time, id): (Int64?, String?) = (nil, nil)
        while let option = try arguments.option() {
            switch option {
            case "TAGS":
                user.tags =
                    (user.tags ?? []) + (try arguments.text("TAGS")).split(separator: ",").map(String.init)
            case "TAG": user.tags = (user.tags ?? []) + [try arguments.text("TAG")]
            case "ADDTAG": user.addedTags = (user.addedTags ?? []) + [try arguments.text("ADDTAG")]
            case "TS": time = try arguments.time(environment.settings.events)
            case "ID": id = try arguments.text("ID")
            default: throw arguments.unexpected(option)
            }
        }
        guard user.tags != nil || user.addedTags != nil else {
            throw arguments.error("TAGS, TAG or ADDTAG is missing")
        }
        return append(Event(.user(user), time: time, id: id), environment)
    }

    static let promote = Command(
        "PROMOTE", "Makes a model the default from this event on.", group: .event, flags: [.write],
        arguments: [.value("model"), time, eventID]
    ) { arguments, _, environment throws(CommandError) in
        try append(.promote(model: try arguments.text("model")), &arguments, environment)
    }

    /// Read and checked where the log is written, not on the event loop.
    static let feed = Command(
        "FEED", "Appends events given as JSON; answers the token of each, or what is wrong with it.",
        group: .event, flags: [.write], arguments: [.values("event")]
    ) { arguments, _, environment throws(CommandError) in
        var texts = EventTexts()
        while !arguments.isAtEnd { texts.append(try arguments.bytes("event")) }
        return .later { [service = environment.service, texts] reply in
            service.append(texts) { reply(.array($0.map(answer))) }
        }
    }

    private static func answer(_ result: Result<Token, LookupError>) -> RESPValue {
        switch result {
        case .success(let token): .text(token.description)
        case .failure(let error): .error(error.description)
        }
    }

    /// Reads `[TS ms] [ID id]`, the last of all, and appends.
    private static func append(
        _ kind: Event.Kind, _ arguments: inout ArgumentReader, _ environment: CommandEnvironment
    ) throws(CommandError) -> Outcome {
        var event = Event(kind)
        while let option = try arguments.option() {
            switch option {
            case "TS": event.time = try arguments.time(environment.settings.events)
            case "ID": event.id = try arguments.text("ID")
            default: throw arguments.unexpected(option)
            }
        }
        return append(event, environment)
    }

    private static func append(_ event: Event, _ environment: CommandEnvironment) -> Outcome {
        .later { [service = environment.service] reply in
            service.append(event) { reply(answer($0)) }
        }
    }
}
