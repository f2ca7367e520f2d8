import Events

extension Event {
    /// The command that appends it. Its time goes as ISO 8601, which a daemon reads the same under every `events.ts-unit`.
    var command: [String] {
        words + (time.map { ["TS", EventTime.text(ofMilliseconds: $0)] } ?? [])
            + (id.map { ["ID", $0] } ?? [])
    }

    private var words: [String] {
        switch kind {
        case .rating(let user, let item, let value): ["RATE", user.string, item.string, value.description]
        case .signal(let user, let item, let name): ["SIGNAL", user.string, item.string, name]
        case .retract(let user, let item): ["RETRACT", user.string, item.string]
        case .hide(let user, let item): ["HIDE", user.string, item.string]
        case .unhide(let user, let item): ["UNHIDE", user.string, item.string]
        case .forget(let user): ["FORGET", user.string]
        case .item(let description): description.words
        }
    }
}

extension ItemDescription {
    fileprivate var words: [String] {
        var words = ["ITEM.SET", item.string]
        if let title { words += ["TITLE", title] }
        if let tags {
            // One by one, for a tag may hold the comma that parts them in TAGS; which of nothing is no tag at all.
            words += tags.isEmpty ? ["TAGS", ""] : tags.flatMap { ["TAG", $0] }
        }
        if let available { words += ["AVAILABLE", available ? "1" : "0"] }
        return words
    }
}
