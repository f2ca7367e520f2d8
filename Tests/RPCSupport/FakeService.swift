package import Engine
package import Events
package import Locking
package import LookUps
package import Quarantine

/// An engine that knows five items and two users, and finishes asynchronous work when the test says so.
package final class FakeService: LookupService {
    package typealias Append = @Sendable (Result<Token, LookupError>) -> Void
    package typealias Wait = @Sendable (Result<Void, LookupError>) -> Void

    package struct State {
        package var appended: [Event] = []
        package var heldAppends: [(Token, Append)] = []
        package var heldBatches: [@Sendable () -> Void] = []
        package var heldWaits: [(Token, Wait)] = []
        package var waits: [Duration] = []
        package var recommended: [RecommendQuery] = []
        package var similar: [SimilarQuery] = []
        package var tops: [TopQuery] = []
        package var searches: [SearchQuery] = []
        package var tags: [TagsQuery] = []
        package var sessions: [SessionQuery] = []
        package var similarUsers: [SimilarUsersQuery] = []
        package var explained: [ExplainQuery] = []
        package var learned: Int64 = 0
        package var holdsAppends = false
        package var refusal: LookupError?
        package var scoreFactor: Float = 1
        /// Called before a recommendation is answered, on the thread that works it out.
        package var beforeRecommending: (@Sendable (RecommendQuery) -> Void)?
        /// Look-ups answer `largeAnswer`.
        package var answersLarge = false
        package var statusText = "embedded"
        /// Beside what `status` always has.
        package var moreStatus: [StatusField] = []
    }

    package let state = Lock(State())

    package init() {}

    package func change(_ body: (inout sending State) -> Void) { state.withLock { body(&$0) } }

    package static let items = ["i1", "i2", "i3", "i4", "i5"]

    /// 32 items of long names, made once: large for the socket, cheap for a sanitizer on a busy machine.
    package static let largeAnswer: [ScoredItem] = (0..<32).compactMap { index in
        (try? EntityID(String(repeating: "i", count: 248) + String(10 + index))).map {
            ScoredItem(id: $0, score: Float(-index))
        }
    }
    /// `*32`, and 32 times `$250` and the name, each with its line ends.
    package static let largeAnswerBytes = 5 + 32 * (6 + 250 + 2)

    private func list(_ count: Int) throws(LookupError) -> [ScoredItem] {
        let (refusal, factor, large) = state.withLock { ($0.refusal, $0.scoreFactor, $0.answersLarge) }
        if let refusal { throw refusal }
        if large { return Self.largeAnswer }
        var answer: [ScoredItem] = []
        for (item, score) in zip(Self.items, [0.9, 0.8, 0.7, 0.6, 0.5] as [Float]) {
            guard let id = try? EntityID(item) else { continue }
            answer.append(ScoredItem(id: id, score: score * factor))
        }
        return Array(answer.prefix(count))
    }

    /// Fewer than the catalogue are answered: the list is cut, and says so.
    private func answer(
        _ items: [ScoredItem], of count: Int, _ wantsMeta: Bool, fallback: AnswerMeta.Fallback = .none,
        ignored: [EntityID] = []
    ) -> ItemAnswer {
        guard wantsMeta else { return ItemAnswer(items: items) }
        let shortfall = Shortfall(catalogue: 9, counts: [.seen: 3, .tag: 1])
        return ItemAnswer(
            items: items,
            meta: AnswerMeta(
                model: "likes", positions: [1: 9, 0: 7], age: .microseconds(1500), unlearned: 2, path: "scan",
                fallback: fallback, candidates: 5, shortfall: items.count < count ? shortfall : nil,
                ignored: ignored))
    }

    package func answer(_ query: RecommendQuery) throws(LookupError) -> ItemAnswer {
        change { $0.recommended.append(query) }
        state.withLock { $0.beforeRecommending }?(query)
        if query.fallback == .none, query.user.string == "stranger" {
            throw LookupError(.noUser, "user 'stranger' is not known")
        }
        if let model = query.model, model != "stars" {
            throw LookupError(.noModel, "model '\(model)' is not known")
        }
        return answer(
            try list(query.count).filter { !query.exclude.contains($0.id) }, of: query.count, query.wantsMeta,
            fallback: query.user.string == "stranger" ? .popular : .none)
    }

    package func answers(
        for users: [EntityID], like query: RecommendQuery
    ) throws(LookupError) -> [Result<ItemAnswer, LookupError>] {
        users.map { user in
            var query = query
            query.user = user
            return Result { [query] () throws(LookupError) in try answer(query) }
        }
    }

    package func answer(_ query: SessionQuery) throws(LookupError) -> ItemAnswer {
        change { $0.sessions.append(query) }
        let unknown = query.items.filter { !Self.items.contains($0.string) }
        guard unknown.count < query.items.count else {
            throw LookupError(.noItem, "item '\(unknown[0])' is not known")
        }
        return answer(try list(query.count), of: query.count, query.wantsMeta, ignored: unknown)
    }

    package func similarUsers(_ query: SimilarUsersQuery) throws(LookupError) -> [ScoredUser] {
        change { $0.similarUsers.append(query) }
        return try list(query.count).map { ScoredUser(id: $0.id, score: $0.score) }
    }

    package func predict(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [Float] {
        items.indices.map { 4.5 - Float($0) }
    }

    package func rank(user: EntityID, items: [EntityID], model: String?) throws(LookupError) -> [ScoredItem] {
        try zip(items, predict(user: user, items: items, model: model))
            .map { ScoredItem(id: $0, score: -$1) }.reversed()
    }

    /// `u1` has seen `i1`; the model is explicit when it is called `stars`.
    package func explain(_ query: ExplainQuery) throws(LookupError) -> Explanation {
        change { $0.explained.append(query) }
        let (user, item, model) = (query.user, query.item, query.model)
        guard user.string == "u1" else { throw LookupError(.noUser, "user '\(user)' is not known") }
        let shares = model == "solved"
        let seen = try self.user(user, listMax: 1).history[0]
        let hasSeen = item == seen.item
        let ratings = model == "stars"
        return Explanation(
            model: model ?? "likes", score: state.withLock { $0.scoreFactor } * (ratings ? 4.25 : 0.5),
            mean: ratings ? 3.5 : nil, userBias: ratings ? 0.25 : nil, itemBias: 0.1, match: 0.4,
            rank: hasSeen ? nil : 2, topTenScore: hasSeen ? 0.3 : nil,
            obstacles: hasSeen ? [.seen, .rank] : [],
            seen: hasSeen ? seen : nil,
            carriers: [
                Explanation.Carrier(
                    item: seen.item, title: "One", similarity: 0.7, value: 4.5,
                    share: shares ? 0.5 : nil),
                Explanation.Carrier(item: item, title: nil, similarity: 0.6, value: 1),
            ], rest: shares ? Explanation.Rest(others: 0.25, drift: -0.125) : nil)
    }

    package func answer(_ query: TopQuery) throws(LookupError) -> ItemAnswer {
        change { $0.tops.append(query) }
        return answer(try list(query.count), of: query.count, query.wantsMeta)
    }

    package func answer(_ query: SimilarQuery) throws(LookupError) -> ItemAnswer {
        change { $0.similar.append(query) }
        return answer(
            try list(query.count).filter { $0.id != query.item }, of: query.count, query.wantsMeta)
    }

    package func answer(_ query: SearchQuery) throws(LookupError) -> ItemAnswer {
        change { $0.searches.append(query) }
        var answer = answer(try list(query.count), of: query.count, query.wantsMeta)
        answer.meta?.words = SearchedWords(
            known: query.words.filter { $0 != "zzz" }, guessed: query.words.filter { $0 == "zzz" })
        return answer
    }

    package func tags(_ query: TagsQuery) throws(LookupError) -> [CountedTag] {
        change { $0.tags.append(query) }
        if case .user(let user) = query.subject, user.string != "u1" {
            throw LookupError(.noUser, "user '\(user)' is not known")
        }
        let tags = [CountedTag(tag: "comedy", items: 3), CountedTag(tag: "time travel", items: 1)]
        return Array(tags.prefix(query.count))
    }

    package func item(_ id: EntityID) throws(LookupError) -> ItemRecord {
        guard Self.items.contains(id.string) else { throw LookupError(.noItem, "item '\(id)' is not known") }
        return ItemRecord(
            id: id, title: "Title of \(id)", tags: ["a", "b"], available: true, users: 3, ratings: 2,
            meanRating: 3.5, lastEvent: 1000,
            models: [
                ItemRecord.Model(
                    name: "stars", positives: 2, bias: 0.5, norm: 1.5, popular: 1.75, trending: -0.5),
                ItemRecord.Model(
                    name: "likes", positives: 1, bias: nil, norm: nil, popular: nil, trending: nil),
            ])
    }

    package func user(_ id: EntityID, listMax: Int) throws(LookupError) -> UserRecord {
        guard id.string == "u1", let item = try? EntityID("i1") else {
            throw LookupError(.noUser, "user '\(id)' is not known")
        }
        let entries = [
            UserRecord.Entry(item: item, value: 4.5, isRating: true, time: 1000),
            UserRecord.Entry(
                item: item, value: 0.1, isRating: false, time: 900,
                signals: UserRecord.Signals(count: 3, weight: 0.3, fadedWeight: 0.25, first: 800)),
        ]
        return UserRecord(
            id: id, seen: 2, history: Array(entries.prefix(listMax)), hidden: 3, hiddenItems: [item],
            models: [UserRecord.Model(name: "stars", bias: 0.25, norm: 2)])
    }

    package func quarantine(_ count: Int, model: String?) throws(LookupError) -> [QuarantinedUpdate] {
        let all = ["stars", "likes"].enumerated().map { place, name in
            QuarantinedUpdate(
                model: name, token: Token(partition: 0, offset: Int64(9 - place)),
                user: place == 0 ? try? EntityID("u1") : nil, item: try? EntityID("i1"), time: 5,
                reason: "past-norm", steps: 2)
        }
        return Array(all.filter { model == nil || $0.model == model }.prefix(count))
    }

    package func models() -> [ModelStatus] {
        [
            ModelStatus(
                name: "stars", learner: "sgd", isDefault: true,
                fields: [StatusField("rmse", .double(0.9)), StatusField("events", .integer(7))])
        ]
    }

    package func status() -> [StatusField] {
        [
            StatusField("events.applied", .integer(7)), StatusField("events.rate", .double(.nan)),
            StatusField("log.name", .text(state.withLock { $0.statusText })),
            StatusField("log.reachable", .bool(true)),
        ] + state.withLock { $0.moreStatus }
    }

    package func items(titled text: String, count: Int) throws(LookupError) -> [EntityID] {
        Array(
            Self.items.compactMap { try? EntityID($0) }.filter { "Title of \($0)".contains(text) }.prefix(
                count))
    }

    package func map(_ query: MapQuery) throws(LookupError) -> ItemMap {
        if let model = query.model, model != "stars" { throw LookupError(.noModel, "no model '\(model)'") }
        var map = ItemMap(model: "stars", itemsTaken: 2)
        (map.explained, map.ids) = (
            [0.5, 0.25, 0.125], Self.items.prefix(2).compactMap { try? EntityID($0) }
        )
        (map.titles, map.tags, map.popularity) = (["One", nil], [["a"], ["b", "a"]], [2, 1])
        map.places = [[1, -1], [0.5, -0.5], [0, 0]]
        map.singularValues = [1.5, 0.75, 0]
        return map
    }

    package func digest() throws(LookupError) -> (digest: String, positions: [Int32: Int64]) {
        ("00112233aabbccdd", [0: 7])
    }

    package func append(
        _ events: EventTexts, completion: @escaping @Sendable ([Result<Token, LookupError>]) -> Void
    ) {
        let decoder = EventDecoder(options: EventOptions())
        var results: [Result<Token, LookupError>] = []
        events.forEach { text in
            do throws(EventError) {
                let event = try decoder.decode(text)
                results.append(
                    .success(
                        state.withLock { state in
                            state.appended.append(event)
                            return Token(partition: 0, offset: Int64(state.appended.count - 1))
                        }))
            } catch {
                results.append(.failure(LookupError(.invalid, error.description)))
            }
        }
        let isHeld = state.withLock { [results] state in
            if state.holdsAppends { state.heldBatches.append { completion(results) } }
            return state.holdsAppends
        }
        if !isHeld { completion(results) }
    }

    package func append(_ event: Event, completion: @escaping Append) {
        let token = state.withLock { state -> Token? in
            state.appended.append(event)
            let token = Token(partition: 0, offset: Int64(state.appended.count - 1))
            if state.holdsAppends {
                state.heldAppends.append((token, completion))
                return nil
            }
            return token
        }
        if let token { completion(.success(token)) }
    }

    package func waitUntilLearned(_ token: Token, timeout: Duration, completion: @escaping Wait) {
        let isLearned = state.withLock { state in
            state.waits.append(timeout)
            if token.offset < state.learned { return true }
            if timeout > .milliseconds(10) { state.heldWaits.append((token, completion)) }
            return false
        }
        if isLearned {
            completion(.success(()))
        } else if timeout <= .milliseconds(10) {
            completion(.failure(LookupError(.stale, "event \(token) is not learned yet")))
        }
    }

    package func checkpoint(completion: @escaping @Sendable (Result<[Int32: Int64], LookupError>) -> Void) {
        completion(.success([0: 7, 1: 9]))
    }

    // MARK: What the test does

    /// Answers the held appends, the last one first.
    package func releaseAppendsBackwards() {
        let held = state.withLock { state in
            defer { state.heldAppends = [] }
            return state.heldAppends
        }
        for (token, completion) in held.reversed() { completion(.success(token)) }
    }

    package func learn(upTo learned: Int64) {
        let ready = state.withLock { state in
            state.learned = learned
            defer { state.heldWaits.removeAll { $0.0.offset < learned } }
            return state.heldWaits.filter { $0.0.offset < learned }
        }
        for (_, completion) in ready { completion(.success(())) }
    }
}
