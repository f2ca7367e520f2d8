internal import Checkpoints
internal import Dispatch
internal import Events
internal import Factors
internal import HeapModule
internal import Identities
internal import State

extension LookupAnswerer {
    /// Exact: looks at every user, one at a time. A user who comes or learns meanwhile is seen as of that moment.
    package func similarUsers(_ query: SimilarUsersQuery) throws(LookupError) -> [ScoredUser] {
        let number = relating(try modelNumber(query.model))
        guard published.models[number].counters == nil else {
            throw LookupError(
                .invalid,
                "model '\(published.models[number].traits.name)' counts, and knows nothing of who is similar; ask another"
            )
        }
        guard let taste = try taste(of: query.user, model: number) else { throw unknown(query.user) }
        guard hasTaste(taste, published.models[number]) else {
            throw withoutTaste(query.user, published.models[number])
        }
        var best = NearestUsers(limit: query.count)
        // Kernels take rows: one that lives as long as the pass.
        let scratch = Scratch(factors: taste.vector.count)
        scratch.first.set(vector: taste.vector, bias: 0)
        let comparison = Comparison(scratch, metric: query.metric)
        do throws(StateError) {
            try view.forEachUser(ofModel: number) { user in
                let closeness = comparison.closeness(of: user.row)
                guard closeness > best.threshold, closeness.isFinite, let id = user.id, id != query.user
                else { return }
                best.offer(
                    NearestUsers.Entry(
                        closeness: closeness, row: user.number, id: id, score: comparison.score(of: closeness)
                    ))
            }
        } catch {
            throw LookupError(cannotRead: error)
        }
        return best.nearestFirst()
    }

    /// How near rows are to one row.
    private struct Comparison {
        /// Owns the row compared with.
        private let scratch: Scratch
        private let metric: SimilarQuery.Metric
        private let norm: Float

        private var wanted: Row { scratch.first }

        init(_ scratch: Scratch, metric: SimilarQuery.Metric) {
            self.scratch = scratch
            self.metric = metric
            let wanted = scratch.first
            norm = wanted.dot(wanted).squareRoot()
        }

        /// Greater is nearer.
        func closeness(of row: Row) -> Float {
            switch metric {
            case .dot: return row.dot(wanted)
            case .cosine:
                let scale = norm * row.dot(row).squareRoot()
                return scale > 0 ? row.dot(wanted) / scale : 0
            case .l2:
                var sum = SIMD8<Float>.zero
                for lane in row.indices {
                    let difference = row[lane] - wanted[lane]
                    sum = sum + difference * difference
                }
                return -sum.sum().squareRoot()
            }
        }

        /// As it is answered: for l2 the distance.
        func score(of closeness: Float) -> Float { metric == .l2 ? -closeness : closeness }
    }
}

/// The nearest users of those offered; of equally near ones, those of lower rows.
private struct NearestUsers {
    struct Entry: Comparable {
        var closeness: Float
        var row: Int32
        var id: EntityID
        var score: Float

        static func < (left: Entry, right: Entry) -> Bool {
            left.closeness != right.closeness ? left.closeness < right.closeness : left.row > right.row
        }
    }

    private let limit: Int
    private var heap = Heap<Entry>()
    /// At or below this nobody enters. Just below the worst one's: of two shards the second may bring one as near and of
    /// a lower row.
    private(set) var threshold = -Float.infinity

    init(limit: Int) { self.limit = limit }

    mutating func offer(_ entry: Entry) {
        if heap.count < limit {
            heap.insert(entry)
        } else if let worst = heap.min, worst < entry {
            heap.replaceMin(with: entry)
        }
        if heap.count == limit, let worst = heap.min { threshold = worst.closeness.nextDown }
    }

    func nearestFirst() -> [ScoredUser] {
        heap.unordered.sorted(by: >).map { ScoredUser(id: $0.id, score: $0.score) }
    }
}
