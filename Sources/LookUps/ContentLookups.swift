internal import ContentVectors
internal import Events
internal import Factors
internal import Histories
internal import Identities
internal import Retrieval
internal import State

/// Look-ups that ask what is said of items, and no model.
extension LookupAnswerer {
    /// What `WITHMETA` names where no model was asked.
    private static let contentName = "content"

    /// Items that are about the words, best first; the score is a cosine. Words need be on no item.
    package func answer(_ query: SearchQuery) throws(LookupError) -> ItemAnswer {
        let content = try content()
        guard (1...SearchQuery.wordsMax).contains(query.words.count) else {
            throw LookupError(
                .invalid, "\(query.words.count) words; 1 to \(SearchQuery.wordsMax) are allowed")
        }
        let freshness = query.wantsMeta ? freshness() : nil
        let latest = content.latest
        guard let vector = latest.words.vector(of: query.words) else {
            throw LookupError(.invalid, "the words are blank; at least one letter is needed")
        }
        let selection = selection(
            tags: query.tags, exclude: [], keepsReasons: query.wantsMeta, untagged: latest.untagged)
        let found = alike(
            query.count, vector, metric: .dot, selection: selection, in: content, counts: query.wantsMeta)
        var answer = answer(found, by: Self.contentName, count: query.count, freshness: freshness)
        if query.wantsMeta { answer.meta?.words = searched(query.words) }
        return answer
    }

    private func searched(_ words: [String]) -> SearchedWords {
        let isKnown = view.readCatalogue { catalogue in words.map { !catalogue.items(tagged: $0).isEmpty } }
        let parts = zip(words, isKnown)
        return SearchedWords(
            known: parts.filter { $0.1 }.map(\.0), guessed: parts.filter { !$0.1 }.map(\.0))
    }

    func answerByContent(_ query: SimilarQuery) throws(LookupError) -> ItemAnswer {
        let content = try content(model: query.model)
        let row = try rows(of: [query.item])[0]
        let freshness = query.wantsMeta ? freshness() : nil
        let latest = content.latest
        let vector = content.index.read { row < $0.count ? $0.vector(row) : nil }
        guard let vector, !latest.untagged.contains(row) else {
            throw LookupError(.noItem, "item '\(query.item)' carries no tags that are known yet")
        }
        var selection = selection(
            tags: query.tags, exclude: [], keepsReasons: query.wantsMeta, untagged: latest.untagged)
        selection.leaveOut([Int32(row)], because: .excluded)
        // All are of length 1: the product is the cosine, and costs less.
        let metric: SimilarityMetric = query.metric == .l2 ? .euclidean : .dot
        let found = alike(
            query.count, vector, metric: metric, selection: selection, in: content, counts: query.wantsMeta)
        return answer(found, by: Self.contentName, count: query.count, freshness: freshness)
    }

    func answersByContent(
        for users: [EntityID], like query: RecommendQuery
    ) throws(LookupError) -> [Result<ItemAnswer, LookupError>] {
        let content = try content(model: query.model)
        let freshness = query.wantsMeta ? freshness() : nil
        let latest = content.latest
        let selection = selection(
            tags: query.tags, exclude: query.exclude, keepsReasons: query.wantsMeta, untagged: latest.untagged
        )
        return users.map { user in
            let copy: (history: History, hidden: HiddenItems)?
            do throws(LookupError) {
                copy = try readUser(user) { (history: $0.history, hidden: $0.hidden) }
            } catch {
                return .failure(error)
            }
            var own = selection
            if let copy {
                own.leaveOut(copy.hidden.rows, because: .hidden)
                own.leaveOut(keptOut(copy.history, query.seenRule(options)), because: .seen)
            }
            if let copy, let profile = profile(of: copy.history, in: content) {
                let found = alike(
                    query.count, profile, metric: .dot, selection: own, in: content, counts: query.wantsMeta)
                return .success(
                    answer(found, by: Self.contentName, count: query.count, freshness: freshness))
            }
            guard query.fallback == .popular else {
                return .failure(
                    copy == nil
                        ? unknown(user)
                        : LookupError(.noUser, "user '\(user)' took nothing that carries tags"))
            }
            let popular = list(
                query.count, by: .popular, selection: own, in: published.models[published.defaultModel],
                counts: query.wantsMeta)
            return .success(
                answer(
                    popular, by: Self.contentName, count: query.count, freshness: freshness,
                    fallback: .popular))
        }
    }

    /// Σ r x / Σ r over what the user took and did not dislike, as a vector of the index; `nil` where none of it carries
    /// tags. Of a row W x + b is its vector times its bias, so that the mean is the image of the mean.
    private func profile(of history: History, in content: PublishedContent) -> [Float]? {
        let sum = content.index.read { index in
            var sum = [Float](repeating: 0, count: index.factors)
            for entry in history.entries where Int(entry.item) < index.count {
                let weight = entry.kind == .rating ? entry.value : entry.signalWeight
                let scale = max(0, weight) * index.biases[Int(entry.item)]
                guard scale > 0 else { continue }
                index.withVector(Int(entry.item)) { vector in
                    for factor in sum.indices { sum[factor] += scale * vector[factor] }
                }
            }
            return sum
        }
        let length = sum.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard length > 0, length.isFinite else { return nil }
        return sum.map { $0 / length }
    }

    /// The tags most often on what a user took, on what would be recommended, or on items; of equally frequent ones in the order of the alphabet.
    package func tags(_ query: TagsQuery) throws(LookupError) -> [CountedTag] {
        let rows: [Int32]
        switch query.subject {
        case .user(let user):
            guard let items = try readUser(user, { $0.history.items }) else { throw unknown(user) }
            rows = items
        case .items(let items):
            rows = try self.rows(of: items).map { Int32($0) }
        case .recommended(let user, let among):
            let best = try answer(RecommendQuery(user: user, count: among, fallback: .none))
            rows = try self.rows(of: best.items.map(\.id)).map { Int32($0) }
        }
        var counts: [String: TagSpellings] = [:]
        for start in stride(from: 0, to: rows.count, by: Self.entriesPerTagsRead) {
            let tags = view.readCatalogue { catalogue in
                rows[start..<min(rows.count, start + Self.entriesPerTagsRead)].map {
                    Int($0) < catalogue.entries.count ? catalogue.entries[Int($0)].tags : []
                }
            }
            for tags in tags {
                var counted: Set<String> = []
                for written in tags {
                    guard let tag = TextEmbedding.normalised(written) else { continue }
                    counts[tag, default: TagSpellings()].add(
                        written, isNew: counted.insert(tag).inserted)
                }
            }
        }
        return counts.values.map { CountedTag(tag: $0.commonest, items: $0.items) }
            .sorted { ($1.items, $0.tag) < ($0.items, $1.tag) }.prefix(query.count).map { $0 }
    }

    /// Entries of the catalogue read at a time: descriptions wait no longer.
    private static let entriesPerTagsRead = 1_024

    // MARK: - What these have in common

    /// - Parameter model: named beside `BY content`, which would be passed over.
    private func content(model: String? = nil) throws(LookupError) -> PublishedContent {
        guard model == nil else {
            throw LookupError(.invalid, "by content no model is asked; leave MODEL out")
        }
        guard let content = published.content else {
            throw LookupError(.invalid, "nothing is learned of tags: content.vectors is off")
        }
        return content
    }

    private func selection(
        tags: [String], exclude: [EntityID], keepsReasons: Bool, untagged: ItemBitset
    ) -> Selection {
        var selection = selection(tags: tags, exclude: exclude, keepsReasons: keepsReasons)
        selection.leaveOut(untagged, because: .tag)
        return selection
    }

    private func alike(
        _ limit: Int, _ vector: [Float], metric: SimilarityMetric, selection: Selection,
        in content: PublishedContent, counts: Bool
    ) -> Found {
        let (answer, catalogue) = content.index.read {
            ($0.nearestAnswer(limit, to: vector, metric: metric, filter: selection.filter), $0.count)
        }
        return found(answer, selection: selection, catalogue: catalogue, counts: counts)
    }
}
