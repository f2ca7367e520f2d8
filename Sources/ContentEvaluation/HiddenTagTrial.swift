internal import ContentVectors
internal import Factors
internal import Foundation

/// One tag of some items is hidden from all that is learned, and then searched for: is its item among the first ten?
///
/// Items that show the tag are right answers as well, and are left out of the ranking; `amongAll` counts them.
package struct HiddenTagTrial: Sendable {
    package struct Result: Sendable {
        package var name: String
        /// Share of the hidden tags whose item is among the first ten, ties worth their expectation.
        package var recall: Double
        package var recallAmongAll: Double
        /// Against the baseline (the first result), on the same tags; half of a 95 % interval.
        package var lead: Double
        package var interval: Double
    }

    private struct Hidden {
        var row: Int
        var tag: String
    }

    private static let cutoff = 10.0

    private let corpus: ContentCorpus
    private var hidden: [Hidden] = []
    private let seed: UInt64

    /// - Parameter count: items of which a tag is hidden, at most; each has three tags or more, and the hidden one is on
    ///   another item too.
    package init(_ corpus: ContentCorpus, count: Int, seed: UInt64) {
        self.seed = seed
        var visible = corpus
        var users: [String: Int] = [:]
        for item in corpus.items { for tag in item.tags { users[tag, default: 0] += 1 } }
        var random = KeyedRandom(seed: seed, stream: 3)
        let order = corpus.items.indices.map { ($0, random.next()) }.sorted { $0.1 < $1.1 }.map(\.0)
        for row in order where hidden.count < count && corpus.items[row].tags.count >= 3 {
            let tags = corpus.items[row].tags.filter { users[$0, default: 0] > 1 }
            guard !tags.isEmpty else { continue }
            let tag = tags[random.next(below: tags.count)]
            visible.items[row].tags.removeAll { $0 == tag }
            hidden.append(Hidden(row: row, tag: tag))
        }
        self.corpus = visible
    }

    package var count: Int { hidden.count }

    /// Of IDF-cosine by words, by whole tags, of the means of embeddings, and of the vectors as the daemon learns them.
    package func results() -> [Result] {
        let words = IDFCosine(corpus.items.map { Self.words(of: $0.tags) })
        let tags = IDFCosine(corpus.items.map(\.tags))
        let book = corpus.book(seed: seed)
        let inputs = corpus.items.indices.map { Self.unit(book.input(of: $0)?.letters ?? []) }
        let embedding = TextEmbedding(seed: seed)
        let learned = corpus.learned(seed: seed)
        let units = corpus.items.indices.map { learned.table.row($0).vector }
        var hits: [(name: String, hits: [(Double, Double)])] = []
        func add(_ name: String, _ scores: (Hidden) -> [Float]) {
            hits.append((name, hidden.map { self.hits(scores($0), $0) }))
        }
        add("IDF-cosine of words") { words.scores(Self.words(of: [$0.tag])) }
        add("IDF-cosine of tags") { tags.scores([$0.tag]) }
        add("means of embeddings") { Self.products(embedding.embed($0.tag).dense, inputs) }
        add("learned vectors") { Self.products(learned.words.vector(of: [$0.tag]) ?? [], units) }
        return hits.map { name, own in
            let leads = zip(own, hits[0].hits).map { $0.0 - $1.0 }
            let mean = leads.reduce(0, +) / Double(leads.count)
            let squares = leads.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
            let error = (squares / Double(max(1, leads.count - 1)) / Double(leads.count)).squareRoot()
            return Result(
                name: name, recall: own.reduce(0) { $0 + $1.0 } / Double(own.count),
                recallAmongAll: own.reduce(0) { $0 + $1.1 } / Double(own.count), lead: mean,
                interval: 1.96 * error)
        }
    }

    /// Whether the item is among the first ten: of those that do not show the tag, and of all.
    private func hits(_ scores: [Float], _ hidden: Hidden) -> (Double, Double) {
        let own = scores[hidden.row]
        var (above, equal, shownAbove, shownEqual) = (0, 0, 0, 0)
        for (row, score) in scores.enumerated() where row != hidden.row && score >= own {
            let shows = corpus.items[row].tags.contains(hidden.tag)
            if score > own {
                if shows { shownAbove += 1 } else { above += 1 }
            } else if shows {
                shownEqual += 1
            } else {
                equal += 1
            }
        }
        func hit(_ above: Int, _ equal: Int) -> Double {
            min(1, max(0, (Self.cutoff - Double(above)) / Double(equal + 1)))
        }
        return (hit(above, equal), hit(above + shownAbove, equal + shownEqual))
    }

    private static func words(of tags: [String]) -> [String] {
        Array(Set(tags.flatMap { $0.split { !$0.isLetter && !$0.isNumber }.map(String.init) })).sorted()
    }

    private static func products(_ query: [Float], _ rows: [[Float]]) -> [Float] {
        rows.map { row in
            row.withUnsafeBufferPointer { row in
                query.withUnsafeBufferPointer { query in
                    var sum: Float = 0
                    for index in 0..<min(row.count, query.count) { sum += row[index] * query[index] }
                    return sum
                }
            }
        }
    }

    private static func unit(_ vector: [Float]) -> [Float] {
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return length > 0 ? vector.map { $0 / length } : vector
    }
}

/// Terms weighted by the logarithm of how rare they are, compared by cosine.
struct IDFCosine {
    private var weights: [String: Float] = [:]
    private var lengths: [Float] = []
    private var rows: [String: [Int]] = [:]

    init(_ documents: [[String]]) {
        for (row, terms) in documents.enumerated() {
            for term in terms { rows[term, default: []].append(row) }
        }
        weights = rows.mapValues { log(Float(documents.count) / Float($0.count)) }
        lengths = documents.map { terms in
            terms.reduce(0) { $0 + (weights[$1] ?? 0) * (weights[$1] ?? 0) }.squareRoot()
        }
    }

    func scores(_ query: [String]) -> [Float] {
        var scores = [Float](repeating: 0, count: lengths.count)
        for term in query {
            let weight = weights[term] ?? 0
            for row in rows[term] ?? [] where lengths[row] > 0 {
                scores[row] += weight * weight / lengths[row]
            }
        }
        return scores
    }
}
