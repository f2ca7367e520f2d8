import Evaluation
import InventedWorlds
import Reporting
import Settings
import State
import StreamLearning

/// Events of a replay that are measured together, and how each algorithm ranked them.
struct RankedSection {
    /// Which of the ranked events are measured.
    enum Part {
        case all
        /// What the user had taken before, or had not; among the same candidates as all.
        case repeats, new
        /// What the user had not taken before, among nothing but such items.
        case amongNew
        /// Items of few events.
        case young
        /// Items of none, which are known by their description alone.
        case untouched
        /// The same, among nothing but such items.
        case amongUntouched
        /// Ratings that say that the item is not liked.
        case disliked

        /// An item of fewer events is young.
        static let youngBelow = 10

        func holds(_ event: ReplayedEvent) -> Bool {
            guard event.isPositive else { return self == .disliked }
            return switch self {
            case .disliked: false
            case .all: true
            case .repeats: event.isRepeat
            case .new, .amongNew: !event.isRepeat
            case .young: event.itemEvents < Self.youngBelow
            case .untouched, .amongUntouched: event.itemEvents == 0 && event.itemIsKnown
            }
        }

        var title: String {
            switch self {
            case .all: "full ranking"
            case .repeats: "repeats"
            case .new: "new to the user"
            case .amongNew: "new to the user, among what is new"
            case .young: "new items"
            case .untouched: "items nobody has taken"
            case .amongUntouched: "items nobody has taken, among such"
            case .disliked: "disliked"
            }
        }

        var note: String {
            switch self {
            case .all: ""
            case .repeats: "events on what the user had taken, in the full ranking; "
            case .new: "events on what the user had not taken, in the full ranking; "
            case .amongNew: "the same, ranked without what the user had taken; "
            case .young: "events on items of fewer than \(Self.youngBelow) events, in the full ranking; "
            case .disliked: "ratings that are not liked, in the full ranking; less is better; "
            case .untouched: "first events of items that were described before, in the full ranking; "
            case .amongUntouched: "the same, ranked among nothing but items that nobody has taken; "
            }
        }
    }

    let part: Part
    private(set) var tallies: [RankingTally]
    private(set) var ranked = 0
    private(set) var missed = 0

    init(_ part: Part, _ tallies: [RankingTally]) { (self.part, self.tallies) = (part, tallies) }

    /// An event that may be measured; on an item never heard of before it is a miss for everybody.
    mutating func add(_ event: ReplayedEvent, truth: ChoiceTruth?) {
        guard part.holds(event) else { return }
        let user = Int(event.user)
        let isRanked =
            switch part {
            case .amongNew: event.rankingAmongNew
            case .amongUntouched: event.rankingAmongUntaken
            default: event.ranking
            }
        guard let ranking = isRanked else {
            missed += 1
            for index in tallies.indices { tallies[index].addMiss(user: user) }
            return
        }
        ranked += 1
        // The oracle of what is new to a user stands for itself where nothing else competes.
        let isAmongNew = part == .amongNew || event.rankingAmongNew == nil && !event.isRepeat
        let standing = isAmongNew ? truth?.amongNew ?? truth?.among : truth?.among
        for index in tallies.indices { tallies[index].add(ranking, oracle: standing, user: user) }
    }

    var users: Int { tallies.map(\.users).max() ?? 0 }

    func section(users: Int, bootstrap: Bootstrap) -> EvaluationSection {
        let misses = missed > 0 ? ", \(NumberText.grouped(missed)) of them misses for everybody" : ""
        return EvaluationSection(
            title: part.title,
            note: "\(part.note)means over \(NumberText.grouped(ranked + missed)) events\(misses), "
                + "intervals over users",
            comparison: Comparison(tallies.map { $0.sheet(users: users) }, bootstrap: bootstrap))
    }
}

/// How a replay's rankings are measured: all together, and by what was taken.
struct RankedSections {
    /// What became of the events; it stands in the header.
    private(set) var unknownItems = 0
    private(set) var unknownUsers = 0
    private(set) var repeats = 0
    private(set) var keptOut = 0
    private(set) var ranked = 0
    private(set) var sections: [RankedSection] = []

    /// - Parameters:
    ///   - models: names of the algorithms, in the order of the replay's.
    ///   - halfLife: of the popularity that fades, as text; `nil` for none.
    ///   - window: of the curves.
    init(
        models: [String], depths: [Int], halfLife: String?, hasOracle: Bool, seen: SeenRule, window: Int,
        ranksDisliked: Bool = false
    ) {
        var parts: [RankedSection.Part] = [.all]
        if seen != .exclude { parts += [.repeats, .new, .amongNew] }
        parts += [.young, .untouched, .amongUntouched]
        if ranksDisliked { parts.append(.disliked) }
        sections = parts.map { part in
            let metrics =
                part == .all
                ? depths.flatMap { [Metric.recall($0), .ndcg($0), .mrr($0)] } + [.auc]
                : depths.map { part == .disliked ? Metric.disliked($0) : Metric.recall($0) }
            func tally(_ name: String, _ source: RankingTally.Source) -> RankingTally {
                RankingTally(name: name, source: source, metrics: metrics, window: window)
            }
            var tallies = models.enumerated().map { tally($1, .model($0)) }
            tallies.append(tally("popularity", .popularity))
            if let halfLife { tallies.append(tally("popularity:half-life=\(halfLife)", .decayedPopularity)) }
            tallies.append(tally("random", .random))
            // Of a part of the events others may rank better than who is best over all.
            if hasOracle, part == .all || part == .amongNew { tallies.append(tally("oracle", .oracle)) }
            return RankedSection(part, tallies)
        }
    }

    /// - Parameter truth: what the oracle thought of it, where there is one.
    mutating func take(_ event: ReplayedEvent, truth: () throws -> ChoiceTruth?) throws {
        guard event.isPositive else { return takeDisliked(event) }
        // Whoever has no history gets what is popular, whatever the model: that says nothing about the model.
        guard event.userIsKnown else {
            unknownUsers += 1
            return
        }
        if event.isRepeat { repeats += 1 }
        if event.isKeptOut {
            keptOut += 1
            return
        }
        guard event.isDrawn else { return }
        if event.ranking == nil { unknownItems += 1 } else { ranked += 1 }
        let truth = try truth()
        for index in sections.indices { sections[index].add(event, truth: truth) }
    }

    /// Where the item stood of a rating that is not liked; nothing where that was not asked for.
    private mutating func takeDisliked(_ event: ReplayedEvent) {
        guard event.userIsKnown, event.ranking != nil else { return }
        for index in sections.indices { sections[index].add(event, truth: nil) }
    }

    var users: Int { sections.map(\.users).max() ?? 0 }

    func points(at event: Int) -> [CurvePoint] { sections[0].tallies.flatMap { $0.points(at: event) } }

    /// Those that hold anything; none where nothing was ranked.
    func measured(users: Int, bootstrap: Bootstrap) -> [EvaluationSection] {
        guard ranked > 0 else { return [] }
        return sections.filter { $0.ranked > 0 }.map { $0.section(users: users, bootstrap: bootstrap) }
    }

    /// - Parameter sample: one liked event in so many was ranked.
    func describe(_ setup: inout EvaluationProtocol, seen: SeenRule, sample: Int) {
        let candidates =
            switch seen {
            case .exclude: " that the user has not seen"
            case .allow: ", those that the user has taken too"
            case .after: " that the user has not taken of late"
            }
        let drawn = sample > 1 ? ", one in \(sample) drawn by the seed" : ""
        setup.add("seen", seen.text)
        setup.add("candidates", "all items heard of before\(candidates)")
        setup.add("ranked", "\(NumberText.grouped(ranked)) liked events of users with a history\(drawn)")
        setup.add(
            "unknown items",
            "\(NumberText.grouped(unknownItems)) more such events, a miss for everybody: no model could rank the item"
        )
        setup.add(
            "repeats",
            "\(NumberText.grouped(repeats)) liked events on what the user had seen; "
                + "\(NumberText.grouped(keptOut)) of them left out")
    }
}
