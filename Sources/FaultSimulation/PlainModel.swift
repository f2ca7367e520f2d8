internal import Events

/// What the records of a log come to, without learning anything: who said what of which items, what is hidden, described,
/// forgotten, and how often what happened. Written from the guarantees alone, in the plainest way, and shares no code with
/// the engine; the engine's state has to agree with it wherever it stands.
struct PlainModel {
    /// What a user said of an item.
    struct Pair: Equatable {
        var isRating: Bool
        /// The rating, or the strongest signal.
        var value: Float
        var time: Int64
        var isTimed: Bool
        /// Of signals.
        var signals = 0
        var weight: Float = 0
        var lastSignal: Int64 = 0
        /// Rises with each event of the user.
        var order = 0

        /// When the user last came to the item.
        var lastTime: Int64 { isRating && signals > 0 ? max(time, lastSignal) : time }
    }

    struct Tags: Equatable {
        var list: [String] = []
        var time: Int64?

        /// False where what is said is older than the list.
        mutating func take(_ tags: [String]?, added: [String]?, time said: Int64?) -> Bool {
            if let said, let time, said < time { return false }
            if let tags {
                list = tags
                time = said
            }
            for tag in added ?? [] where !list.contains(tag) { list.append(tag) }
            return tags != nil || added != nil
        }
    }

    struct User: Equatable {
        var pairs: [String: Pair] = [:]
        var hidden: Set<String> = []
        /// When opinions of items were taken back, and items hidden or shown again, by the events' own times.
        var opinionsTaken: [String: Int64] = [:]
        var hiddenAt: [String: Int64] = [:]
        var tags = Tags()
        var order = 0
        /// The number of the last event.
        var lastEvent = 0
    }

    struct Item: Equatable {
        var title: String?
        var titleAt: Int64?
        var available = true
        var availableAt: Int64?
        var tags = Tags()
        /// Of ratings and signals.
        var lastEvent: Int64?
    }

    private(set) var users: [String: User] = [:]
    private(set) var items: [String: Item] = [:]
    /// By the names that `STATUS` has.
    private(set) var counts: [String: Int] = [:]
    private(set) var promoted: String?
    private(set) var positions: [Int32: Int64] = [:]
    /// Malformed records.
    private(set) var letters: Set<Token> = []
    private var recent: [Int32: [String]] = [:]
    private let setting: Setting
    private let weights: [String: Float]

    init(_ setting: Setting, signals: [String: Float]) {
        self.setting = setting
        weights = signals
    }

    private mutating func count(_ name: String, _ number: Int = 1) { counts[name, default: 0] += number }

    /// Records `from..<to` were gone.
    mutating func skip(_ skip: SkippedRecords) {
        if skip.isCounted { count("skipped", Int(skip.to - skip.from)) }
        positions[skip.partition] = skip.to
    }

    /// The next record of a partition.
    mutating func take(_ meaning: RecordMeaning, _ token: Token, logTime: Int64) {
        positions[token.partition] = token.offset + 1
        switch meaning {
        case .tombstone: count("tombstones")
        case .malformed:
            count("dead-letters")
            letters.insert(token)
        case .event(let said, let told):
            count("applied")
            guard isNews(said, told, of: token.partition) else {
                count("repeated")
                return count("duplicates")
            }
            guard hasRoom(for: said) else { return count("refused") }
            let origin = told.believed(at: logTime)
            makeRoom(for: said, origin)
            take(said, origin, logTime: logTime)
        }
    }

    private mutating func isNews(
        _ said: RecordMeaning.Said, _ origin: RecordMeaning.Origin, of partition: Int32
    )
        -> Bool
    {
        guard let name = RecordMeaning.name(of: said, origin) else { return true }
        if recent[partition, default: []].contains(name) { return false }
        recent[partition, default: []].append(name)
        let tooMany = (recent[partition]?.count ?? 0) - setting.duplicatesWindow
        if tooMany > 0 { recent[partition]?.removeFirst(tooMany) }
        return true
    }

    private func hasRoom(for said: RecordMeaning.Said) -> Bool {
        guard setting.itemsMax > 0, items.count >= setting.itemsMax else { return true }
        switch said {
        case .rating(_, let item, _), .signal(_, let item, _), .retract(_, let item), .hide(_, let item),
            .unhide(_, let item), .item(let item, _, _, _, _):
            return items[item] != nil
        case .forget, .promote, .user: return true
        }
    }

    /// Who was heard of least recently goes, where a new user comes and there are too many.
    private mutating func makeRoom(for said: RecordMeaning.Said, _ origin: RecordMeaning.Origin) {
        guard setting.usersMax > 0, users.count >= setting.usersMax else { return }
        switch said {
        case .rating(let user, _, _), .signal(let user, _, _), .hide(let user, _), .user(let user, _, _):
            guard users[user] == nil else { return }
        case .retract(let user, _), .unhide(let user, _):
            guard users[user] == nil, origin.time != nil else { return }
        case .forget, .item, .promote: return
        }
        let leaving = users.count - setting.usersMax + max(1, setting.usersMax / 64)
        for user in users.sorted(by: { $0.value.lastEvent < $1.value.lastEvent }).prefix(leaving) {
            users[user.key] = nil
            count("evicted")
        }
    }

    private mutating func take(_ said: RecordMeaning.Said, _ origin: RecordMeaning.Origin, logTime: Int64) {
        switch said {
        case .rating(let user, let item, let value):
            count("ratings")
            judge(user, item, value, isRating: true, origin, logTime)
        case .signal(let user, let item, let name):
            count("signals")
            judge(user, item, weights[name] ?? 0, isRating: false, origin, logTime)
        case .retract(let user, let item):
            count("retractions")
            if origin.time != nil || users[user] != nil && items[item] != nil { retract(user, item, origin) }
        case .hide(let user, let item):
            count("hides")
            hide(user, item, origin, hides: true)
        case .unhide(let user, let item):
            count("unhides")
            if origin.time != nil || users[user] != nil && items[item] != nil {
                hide(user, item, origin, hides: false)
            }
        case .forget(let user):
            count("forgets")
            users[user] = nil
        case .item(let item, let title, let tags, let added, let available):
            count("descriptions")
            describe(item, title, tags, added, available, origin)
        case .user(let user, let tags, let added):
            count("descriptions")
            var one = hear(of: user)
            if !one.tags.take(tags, added: added, time: origin.time) { count("late") }
            users[user] = one
        case .promote(let model):
            count("promotions")
            promoted = model
        }
    }

    private func hear(of user: String) -> User {
        var one = users[user] ?? User()
        one.lastEvent = counts["applied"] ?? 0
        return one
    }

    // MARK: - Opinions

    private mutating func judge(
        _ user: String, _ item: String, _ value: Float, isRating: Bool, _ origin: RecordMeaning.Origin,
        _ logTime: Int64
    ) {
        var one = hear(of: user)
        defer { users[user] = one }
        if items[item] == nil { items[item] = Item() }
        let time = origin.time ?? logTime
        let before = one.pairs[item]
        if let own = origin.time {
            if let taken = one.opinionsTaken[item], own < taken { return late(item, time) }
            if let before, before.isTimed, before.isRating == isRating {
                if isRating, own < before.time { return late(item, time) }
                if own == before.time, value == before.value { return count("duplicates") }
            }
        }
        one.order += 1
        let event = Pair(
            isRating: isRating, value: value, time: time, isTimed: origin.time != nil,
            signals: isRating ? 0 : 1, weight: isRating ? 0 : value, lastSignal: isRating ? 0 : time)
        var pair = before.map { Self.join($0, event) } ?? event
        pair.order = one.order
        one.pairs[item] = pair
        noteTime(item, time)
        while one.pairs.count > setting.historyMax,
            let oldest = one.pairs.min(by: { $0.value.order < $1.value.order })
        {
            one.pairs[oldest.key] = nil
            count("dropped")
        }
    }

    private mutating func late(_ item: String, _ time: Int64) {
        count("late")
        noteTime(item, time)
    }

    private mutating func noteTime(_ item: String, _ time: Int64) {
        let before = items[item]?.lastEvent ?? .min
        items[item]?.lastEvent = max(time, before)
    }

    /// The newest rating stands, and signals add up beside it.
    private static func join(_ before: Pair, _ event: Pair) -> Pair {
        var pair = before
        if event.isRating {
            (pair.isRating, pair.value, pair.time, pair.isTimed) = (
                true, event.value, event.time, event.isTimed
            )
            return pair
        }
        pair.signals += 1
        pair.weight += event.weight
        if before.signals == 0 {
            pair.lastSignal = event.time
        } else if before.isRating {
            pair.lastSignal = max(before.lastSignal, event.time)
        } else {
            pair.value = max(before.value, event.value)
            if event.time >= before.time || !(event.isTimed && before.isTimed) {
                (pair.time, pair.isTimed) = (event.time, event.isTimed)
            }
            pair.lastSignal = pair.time
        }
        return pair
    }

    private mutating func retract(_ user: String, _ item: String, _ origin: RecordMeaning.Origin) {
        var one = hear(of: user)
        defer { users[user] = one }
        if items[item] == nil { items[item] = Item() }
        let pair = one.pairs[item]
        if let time = origin.time, let pair, pair.isTimed, time < pair.lastTime { return count("late") }
        Self.mark(&one.opinionsTaken, item, origin.time)
        one.pairs[item] = nil
    }

    private mutating func hide(
        _ user: String, _ item: String, _ origin: RecordMeaning.Origin, hides: Bool
    ) {
        var one = hear(of: user)
        defer { users[user] = one }
        if items[item] == nil { items[item] = Item() }
        if let time = origin.time, let before = one.hiddenAt[item], time < before { return count("late") }
        Self.mark(&one.hiddenAt, item, origin.time)
        if hides { one.hidden.insert(item) } else { one.hidden.remove(item) }
    }

    /// What has no time of its own means that the time before means nothing any more.
    private static func mark(_ marks: inout [String: Int64], _ item: String, _ time: Int64?) {
        marks[item] = time.map { max($0, marks[item] ?? .min) }
    }

    private mutating func describe(
        _ id: String, _ title: String?, _ tags: [String]?, _ added: [String]?, _ available: Bool?,
        _ origin: RecordMeaning.Origin
    ) {
        var item = items[id] ?? Item()
        func isNewer(_ said: Int64?) -> Bool {
            guard let time = origin.time, let said else { return true }
            return time >= said
        }
        var isNews = title == nil && tags == nil && added == nil && available == nil
        if let title, isNewer(item.titleAt) {
            (item.title, item.titleAt, isNews) = (title, origin.time, true)
        }
        if let available, isNewer(item.availableAt) {
            (item.available, item.availableAt, isNews) = (available, origin.time, true)
        }
        if item.tags.take(tags, added: added, time: origin.time) { isNews = true }
        if !isNews { count("late") }
        items[id] = item
    }
}
