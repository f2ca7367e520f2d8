internal import Foundation

/// What a record says, read without any of the engine's own readers: a plain reading of the README's section on feeding.
enum RecordMeaning {
    /// Of the event's own time and id, where it has them.
    struct Origin: Equatable {
        var time: Int64?
        var id: String?

        /// What is more than a day ahead of a log with a clock is taken as of when it came.
        func believed(at logTime: Int64) -> Origin {
            let (day, year2000) = (Int64(86_400_000), Int64(946_684_800_000))
            guard let time, logTime >= year2000, time > logTime + day else { return self }
            return Origin(time: nil, id: id)
        }
    }

    enum Said: Equatable {
        case rating(user: String, item: String, value: Float)
        case signal(user: String, item: String, name: String)
        case retract(user: String, item: String)
        case hide(user: String, item: String)
        case unhide(user: String, item: String)
        case forget(user: String)
        case item(String, title: String?, tags: [String]?, added: [String]?, available: Bool?)
        case user(String, tags: [String]?, added: [String]?)
        case promote(String)
    }

    case event(Said, Origin)
    case malformed
    case tombstone

    init(_ record: SimulatedBroker.Record, signals: Set<String>, models: Set<String>) {
        guard !record.isTombstone else {
            self = .tombstone
            return
        }
        let json = try? JSONSerialization.jsonObject(with: Data(record.payload))
        guard let fields = json as? [String: Any],
            let said = Self.said(fields, signals: signals, models: models)
        else {
            self = .malformed
            return
        }
        if let time = fields["ts"], !(time is NSNumber) {
            self = .malformed
            return
        }
        self = .event(
            said, Origin(time: (fields["ts"] as? NSNumber)?.int64Value, id: fields["id"] as? String))
    }

    private static func said(
        _ fields: [String: Any], signals: Set<String>, models: Set<String>
    ) -> Said? {
        func text(_ name: String) -> String? { (fields[name] as? String).flatMap { $0.isEmpty ? nil : $0 } }
        func pair() -> (user: String, item: String)? {
            text("user").flatMap { user in text("item").map { (user, $0) } }
        }
        let tags = fields["tags"] as? [String]
        let added = fields["add-tags"] as? [String]
        switch fields["type"] as? String ?? "rating" {
        case "rating":
            guard let pair = pair(), let value = (fields["rating"] as? NSNumber)?.doubleValue,
                (0...100).contains(value)
            else { return nil }
            return .rating(user: pair.user, item: pair.item, value: Float(value))
        case "signal":
            guard let pair = pair(), let name = text("signal"), signals.contains(name) else { return nil }
            return .signal(user: pair.user, item: pair.item, name: name)
        case "retract": return pair().map { .retract(user: $0.user, item: $0.item) }
        case "hide": return pair().map { .hide(user: $0.user, item: $0.item) }
        case "unhide": return pair().map { .unhide(user: $0.user, item: $0.item) }
        case "forget": return text("user").map { .forget(user: $0) }
        case "item":
            return text("item").map {
                .item(
                    $0, title: fields["title"] as? String, tags: tags, added: added,
                    available: (fields["available"] as? NSNumber)?.boolValue)
            }
        case "user": return text("user").map { .user($0, tags: tags, added: added) }
        case "promote": return text("model").flatMap { models.contains($0) ? .promote($0) : nil }
        default: return nil
        }
    }
}

extension RecordMeaning {
    /// By what a second delivery is known: `nil` where nothing tells.
    static func name(of said: Said, _ origin: Origin) -> String? {
        if let id = origin.id { return "\(subject(of: said))|id \(id)" }
        return origin.time.map { "\(subject(of: said))|\(said)|at \($0)" }
    }

    /// Kind, user and item, which belong to an id.
    private static func subject(of said: Said) -> String {
        switch said {
        case .rating(let user, let item, _): "rating|\(user)|\(item)"
        case .signal(let user, let item, _): "signal|\(user)|\(item)"
        case .retract(let user, let item): "retract|\(user)|\(item)"
        case .hide(let user, let item): "hide|\(user)|\(item)"
        case .unhide(let user, let item): "unhide|\(user)|\(item)"
        case .forget(let user): "forget|\(user)"
        case .item(let item, _, _, _, _): "item|\(item)"
        case .user(let user, _, _): "user|\(user)"
        case .promote(let model): "promote|\(model)"
        }
    }
}
