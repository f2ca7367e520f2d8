import Evaluation
import Events
import Reporting
import Settings
import StreamLearning

/// Each user's last basket held out, where what was taken may be taken again: all else is learned in the order of time by
/// the daemon's own live learners, then every basket is tested, and none of them is learned.
struct LastBasketEvaluation {
    /// Events handed over together; what is learned does not depend on it.
    private static let batchEvents = 256

    private let options: PrequentialEvaluation.Options
    private var replay: Replay
    private var rankings: RankedSections
    private var learned = 0
    private var baskets = 0

    /// - Throws: `CommandError` for an algorithm that does not learn live, or a setting that it does not have.
    init(_ options: PrequentialEvaluation.Options) throws {
        self.options = options
        replay = Replay(options: try LiveModels.replayOptions(options))
        rankings = RankedSections(
            models: options.names, depths: options.depths,
            halfLife: options.popularityHalfLife > 0
                ? ConfigurationText.number(options.popularityHalfLife) : nil,
            hasOracle: false, seen: options.seen, window: options.window)
    }

    /// `onProgress` hears how many events are done with; an error ends it.
    ///
    /// - Throws: `EvaluationError.emptyPart` where no user has more than one basket.
    mutating func run(_ events: [Event], onProgress: (Int) throws -> Void) throws {
        let held = heldOut(events)
        guard !held.isEmpty else {
            throw EvaluationError.emptyPart(
                "the test part is empty: no user likes anything at two different times")
        }
        baskets = Set(held.map { events[$0].key }).count
        let isHeld = Set(held)
        let train = events.indices.filter { !isHeld.contains($0) }
        for part in train.chunks(of: Self.batchEvents) {
            learned += part.count
            _ = try replay.learn(part.map { events[$0] })
            try onProgress(learned)
        }
        for part in held.chunks(of: Self.batchEvents) {
            for event in try replay.test(part.map { events[$0] }) { try rankings.take(event) { nil } }
        }
    }

    /// Places of the liked events of each user's last such time, for users who liked something at another; in order.
    private func heldOut(_ events: [Event]) -> [Int] {
        var liked: [EntityID: [Int]] = [:]
        for (place, event) in events.enumerated() where isLiked(event) {
            liked[event.key, default: []].append(place)
        }
        return liked.values.flatMap { places -> ArraySlice<Int> in
            guard let last = places.last else { return [] }
            // An event without a time is a basket by itself.
            let start = places.firstIndex { events[last].time != nil && events[$0].time == events[last].time }
            let basket = places[(start ?? places.count - 1)...]
            return basket.count < places.count ? basket : []
        }.sorted()
    }

    private func isLiked(_ event: Event) -> Bool {
        switch event.kind {
        case .rating(_, _, let value): options.positive.takes(rating: value)
        case .signal(_, _, let name): (options.signals[name] ?? 0) > 0
        default: false
        }
    }

    func report(_ setup: EvaluationProtocol, bootstrap: Bootstrap) -> EvaluationReport {
        var setup = setup
        setup.add(
            "split",
            "each user's last basket held out: the liked events that share the time of its last one; "
                + "\(NumberText.grouped(baskets)) users have one before it")
        setup.add(
            "learned",
            "\(NumberText.grouped(learned)) events, those of other users after a basket too, in one pass in the order "
                + "of time by the daemon's own learners; no basket is learned")
        setup.add("factors", "K = \(options.factors)")
        rankings.describe(&setup, seen: options.seen, sample: options.sample)
        var report = EvaluationReport(setup: setup, level: bootstrap.level)
        report.sections = rankings.measured(users: rankings.users, bootstrap: bootstrap)
        if report.sections.isEmpty {
            report.setup.warnings.append(
                "nothing was ranked: no liked event on a known item (\(options.positive.text))")
        }
        return report
    }
}

extension Array {
    /// Parts of so many elements, the last one of what is left.
    fileprivate func chunks(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min(count, $0 + size)] }
    }
}
