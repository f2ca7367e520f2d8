package import ContentVectors
internal import Factors

/// What a search by words finds, and at which place given items stand in it.
package struct WordSearchTrial: Sendable {
    private let corpus: ContentCorpus
    private let vectors: [[Float]]
    private let words: WordMap

    package init(_ corpus: ContentCorpus, _ learned: ContentVectors) {
        self.corpus = corpus
        vectors = corpus.items.indices.map { learned.table.row($0).vector }
        words = learned.words
    }

    /// Rows, best first.
    package func ranking(of query: [String]) -> [Int] {
        guard let wanted = words.vector(of: query) else { return [] }
        let scores = vectors.map { zip($0, wanted).reduce(0) { $0 + $1.0 * $1.1 } }
        return corpus.items.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }
    }

    /// The place of each, from 1; `nil` for one that is not there.
    package func places(of ids: [String], in ranking: [Int]) -> [Int?] {
        ids.map { id in ranking.firstIndex { corpus.items[$0].id == id }.map { $0 + 1 } }
    }
}
