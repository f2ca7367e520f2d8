import Engine
import Events
internal import LookUps
import RESP

/// `SEARCH`, `TAGS`: by what is said of items.
enum ContentCommands {
    static let all = [search, tags]

    /// `[BY model|content]`.
    static let basis = ArgumentSpec.choice("BY", "basis", of: Basis.allCases.map(\.rawValue))

    static let search = Command(
        "SEARCH", "Items that are about words, best first; the words need be on no item.", group: .lookup,
        flags: [.readonly],
        arguments: [
            .values("word"), .option("COUNT", "n", .integer), .repeated("TAG", "t"), .flag("WITHSCORES"),
            .flag("WITHMETA"), AnswerOptions.after,
        ]
    ) { arguments, _, environment throws(CommandError) in
        // The first is a word whatever it is; after it, the option words end the list.
        var query = SearchQuery(words: [try arguments.text("word")])
        while !arguments.isAtEnd, !arguments.isNextOption { query.words.append(try arguments.text("word")) }
        var options = AnswerOptions()
        while let option = try arguments.option() {
            if try options.take(option, &arguments) { continue }
            switch option {
            case "COUNT": query.count = try arguments.count()
            case "TAG": query.tags.append(try arguments.text("TAG"))
            default: throw arguments.unexpected(option)
            }
        }
        guard query.words.count <= SearchQuery.wordsMax else {
            throw arguments.error(
                "\(query.words.count) words; at most \(SearchQuery.wordsMax) are allowed")
        }
        query.wantsMeta = options.withMeta
        return .lookup(
            Lookup(after: options.after) { [query, options] () throws(LookupError) in
                try AnswerFormat.value(environment.service.answer(query), withScores: options.withScores)
            })
    }

    static let tags = Command(
        "TAGS",
        "The tags most often on what a user took, on what is recommended, or on items; each with the number of items.",
        group: .lookup, flags: [.readonly],
        arguments: [
            ArgumentSpec(
                name: "of", kind: .oneOf,
                parts: [
                    .value("user", after: "USER"), .value("user", after: "RECOMMENDED"),
                    ArgumentSpec(name: "item", token: "ITEMS", isMultiple: true),
                ]),
            .option("COUNT", "n", .integer), .option("AMONG", "m", .integer), AnswerOptions.after,
        ], user: .second
    ) { arguments, _, environment throws(CommandError) in
        var query: TagsQuery
        switch try arguments.keyword() {
        case "USER": query = TagsQuery(.user(try arguments.id("user")))
        case "RECOMMENDED": query = TagsQuery(.recommended(try arguments.id("user"), 100))
        case "ITEMS":
            var items = [try arguments.id("item")]
            while !arguments.isAtEnd, !arguments.isNextOption { items.append(try arguments.id("item")) }
            guard items.count <= ArgumentReader.countRange.upperBound else {
                throw arguments.error(
                    "\(items.count) items; at most \(ArgumentReader.countRange.upperBound) are allowed")
            }
            query = TagsQuery(.items(items))
        case let word?:
            throw arguments.error("unexpected '\(word.prefix(64))'; USER, RECOMMENDED or ITEMS is allowed")
        case nil: throw arguments.error("USER, RECOMMENDED or ITEMS is missing")
        }
        var after: Lookup.After?
        while let option = try arguments.option() {
            switch option {
            case "COUNT": query.count = try arguments.count()
            case "AMONG":
                let among = try arguments.integer("AMONG", in: ArgumentReader.countRange)
                guard case .recommended(let user, _) = query.subject else {
                    throw arguments.error("AMONG goes with RECOMMENDED")
                }
                query.subject = .recommended(user, among)
            case "AFTER": after = try arguments.after()
            default: throw arguments.unexpected(option)
            }
        }
        return .lookup(
            Lookup(after: after) { [query] () throws(LookupError) in
                .array(
                    try environment.service.tags(query).flatMap { counted -> [RESPValue] in
                        [.text(counted.tag), .integer(Int64(counted.items))]
                    })
            })
    }
}
