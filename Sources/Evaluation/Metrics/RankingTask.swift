internal import Dispatch
internal import Factors
internal import Foundation
internal import Locking

/// Which items compete with the held-out ones.
public enum CandidateRule: Sendable, Equatable {
    /// All items that the user has not seen in training.
    case full
    /// The user's held-out items, and as many others drawn evenly from those seen in neither part.
    case drawn(count: Int, seed: UInt64)
    /// The held-out items, and the negatives that a file gives for the user.
    case given(ItemLists)

    /// In words, for the header and beside each number.
    public var label: String {
        switch self {
        case .full: "full ranking"
        case .drawn(let count, _): "sampled: \(count) drawn negatives"
        case .given: "sampled: given negatives"
        }
    }

    /// Against a sample every model looks better than against the catalogue, and models may even change places
    /// (Krichene and Rendle, "On Sampled Metrics for Item Recommendation", 2020).
    public var isSampled: Bool { self != .full }
}

/// Ranks the held-out items that users liked among candidates.
public struct RankingTask: Sendable {
    public let userIDs: [String]
    public let items: Int
    public let candidates: CandidateRule
    /// N of the metrics.
    public let depths: [Int]
    let seen: ItemLists
    let relevant: ItemLists
    /// What users said of in the test part, liked or not: no negatives are drawn from it.
    private let tested: ItemLists
    /// Users with something relevant; the rows of the score sheets.
    public let users: [Int]
    /// −log₂ of the part of the training users who have seen the item.
    private let selfInformation: [Double]

    public init(dataset: Dataset, split: Split, candidates: CandidateRule, depths: [Int]) {
        userIDs = dataset.userIDs
        items = dataset.itemIDs.count
        self.candidates = candidates
        self.depths = depths
        let users = userIDs.count
        seen = ItemLists(users: users, pairs: split.train.map { ($0.user, $0.item) })
        tested = ItemLists(users: users, pairs: split.test.map { ($0.user, $0.item) })
        let relevant = ItemLists(
            users: users, pairs: split.test.filter(\.isPositive).map { ($0.user, $0.item) })
        self.relevant = relevant
        self.users = (0..<users).filter { !relevant[$0].isEmpty }
        selfInformation = Self.selfInformation(split.train, items: items)
    }

    /// An item that nobody has seen counts as seen by one user, so that novelty stays finite.
    private static func selfInformation(_ train: [Observation], items: Int) -> [Double] {
        var counts = [Int](repeating: 0, count: items)
        for observation in train { counts[Int(observation.item)] += 1 }
        let users = Set(train.map(\.user)).count
        return counts.map { -log2(Double(max($0, 1)) / Double(max(users, 1))) }
    }

    /// Scores `recommender` on all users, on `workers` threads; the result does not depend on their number.
    ///
    /// - Throws: `EvaluationError.nonFinite` for the first user whose scores are not all numbers.
    public func measure(_ recommender: any Recommender, workers: Int = 1) throws(EvaluationError)
        -> ScoreSheet
    {
        let chunkSize = max(1, (users.count + max(1, workers) * 8 - 1) / (max(1, workers) * 8))
        let starts = Array(stride(from: 0, to: users.count, by: chunkSize))
        let chunks = Lock<[Int: Chunk]>([:])
        let work: @Sendable (Int) -> Void = { index in
            let end = min(users.count, starts[index] + chunkSize)
            let chunk = measure(recommender, users[starts[index]..<end])
            chunks.withLock { $0[index] = chunk }
        }
        if workers > 1 {
            DispatchQueue.concurrentPerform(iterations: starts.count, execute: work)
        } else {
            starts.indices.forEach(work)
        }
        let all = chunks.withLock { done in starts.indices.compactMap { done[$0] } }
        if let user = all.compactMap(\.nonFinite).first {
            throw .nonFinite(model: recommender.name, user: userIDs[user])
        }
        return sheet(recommender, all)
    }

    // MARK: - One user

    /// What a thread has found for its users, in their order.
    private struct Chunk {
        /// Per user, one value per metric; NaN where it is not defined.
        var values: [[Double]] = []
        /// Per depth, the items recommended to anybody.
        var recommended: [Set<Int32>]
        var nonFinite: Int?
    }

    private var metrics: [Metric] { Metric.ranking(depths: depths) + depths.map { .novelty($0) } }

    private func measure(_ recommender: any Recommender, _ users: ArraySlice<Int>) -> Chunk {
        let scores = UnsafeMutableBufferPointer<Float>.allocate(capacity: items)
        defer { scores.deallocate() }
        scores.initialize(repeating: 0)
        var chunk = Chunk(recommended: Array(repeating: [], count: depths.count))
        for user in users {
            recommender.score(user: user, into: scores)
            guard scores.allSatisfy(\.isFinite) else {
                chunk.nonFinite = user
                return chunk
            }
            let ranking = ranking(of: user, scores)
            var values = Metric.ranking(depths: depths).map { ranking.value($0) ?? .nan }
            let best = recommendations(for: user, scores)
            for (index, depth) in depths.enumerated() {
                let list = best.prefix(depth)
                chunk.recommended[index].formUnion(list)
                let information = list.reduce(0) { $0 + selfInformation[Int($1)] }
                values.append(list.isEmpty ? .nan : information / Double(list.count))
            }
            chunk.values.append(values)
        }
        return chunk
    }

    private func ranking(of user: Int, _ scores: UnsafeMutableBufferPointer<Float>) -> RankedRelevance {
        let wanted = relevant[user].map { scores[Int($0)] }
        switch candidates {
        case .full:
            var mask = [Bool](repeating: true, count: items)
            for item in seen[user] { mask[Int(item)] = false }
            for item in relevant[user] { mask[Int(item)] = false }
            return RankedRelevance(
                relevantScores: wanted, others: mask.indices.lazy.filter { mask[$0] }.map { scores[$0] })
        case .drawn(let count, let seed):
            let others = drawn(count, user: user, seed: seed)
            return RankedRelevance(relevantScores: wanted, others: others.lazy.map { scores[Int($0)] })
        case .given(let lists):
            // A negative that is held out as liked is no negative.
            let others = lists[user].filter { !relevant.contains(user: user, item: $0) }
            return RankedRelevance(relevantScores: wanted, others: others.lazy.map { scores[Int($0)] })
        }
    }

    /// `count` items that the user has seen in neither part, evenly and each at most once; all there are, if fewer.
    func drawn(_ count: Int, user: Int, seed: UInt64) -> [Int32] {
        let free = (0..<Int32(items)).filter {
            !seen.contains(user: user, item: $0) && !tested.contains(user: user, item: $0)
        }
        var pool = free
        var random = KeyedRandom(seed: seed, stream: 0xD4A3, index: UInt64(user))
        let wanted = min(count, pool.count)
        for place in 0..<wanted {
            pool.swapAt(place, place + random.next(below: pool.count - place))
        }
        return Array(pool.prefix(wanted))
    }

    /// The best unseen items of the whole catalogue, as a user would see them. Equal scores stand in the order of rows
    /// here, which covers the least: ties must not pass for variety.
    private func recommendations(for user: Int, _ scores: UnsafeMutableBufferPointer<Float>) -> [Int32] {
        let depth = depths.max() ?? 0
        var best: [(score: Float, item: Int32)] = []
        var seenItems = seen[user].makeIterator()
        var nextSeen = seenItems.next()
        for item in 0..<items {
            if let next = nextSeen, Int(next) == item {
                nextSeen = seenItems.next()
                continue
            }
            let score = scores[item]
            if best.count == depth, let worst = best.last, score <= worst.score { continue }
            let place = best.firstIndex { $0.score < score } ?? best.count
            best.insert((score, Int32(item)), at: place)
            if best.count > depth { best.removeLast() }
        }
        return best.map(\.item)
    }

    private func sheet(_ recommender: any Recommender, _ chunks: [Chunk]) -> ScoreSheet {
        var sheet = ScoreSheet(name: recommender.name, isBaseline: recommender.isBaseline)
        for (index, metric) in metrics.enumerated() {
            var sums = UserSums(users: users.count)
            for (row, values) in chunks.lazy.flatMap(\.values).enumerated() where !values[index].isNaN {
                sums.add(values[index], user: row)
            }
            sheet.set(metric, sums)
        }
        for (index, depth) in depths.enumerated() {
            let items = chunks.reduce(into: Set<Int32>()) { $0.formUnion($1.recommended[index]) }
            sheet.set(.coverage(depth), Double(items.count) / Double(max(1, self.items)))
        }
        return sheet
    }
}
