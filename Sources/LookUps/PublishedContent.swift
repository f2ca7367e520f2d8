internal import ContentVectors
internal import Factors
internal import Locking
internal import Retrieval
internal import State

/// Vectors by what is said of items, as look-ups see them. Written by the engine's queue, read from any thread.
final class PublishedContent: Sendable {
    struct Latest {
        /// How words become vectors that compare with those of the index.
        var words: WordMap
        /// Items of the index that carry no tags.
        var untagged = ItemBitset()
        /// Rows of which `untagged` knows.
        var known = 0
    }

    let index = PublishedIndex(factors: ContentVectors.width)
    private let shown: Lock<Latest>

    init(_ words: WordMap) { shown = Lock(Latest(words: words)) }

    var latest: Latest { shown.withLock { $0 } }

    /// On the engine's queue.
    var bytes: Int { index.bytes }

    /// Takes over what has changed.
    ///
    /// - Returns: false if rows are still to be published. Until then some of the rows may be of the map before.
    func take(from state: LearnedState) -> Bool {
        guard let content = state.content else { return true }
        let rows = state.content?.workOut() ?? []
        let done = index.publish(rows: rows, from: content.table) { _ in nil }
        let (end, words) = (content.table.count, content.words)
        shown.withLock { latest in
            for row in latest.known..<max(latest.known, end) where content.book.tags(of: row).isEmpty {
                latest.untagged.insert(row)
            }
            latest.known = max(latest.known, end)
            for row in rows {
                if content.book.tags(of: Int(row)).isEmpty {
                    latest.untagged.insert(Int(row))
                } else {
                    latest.untagged.remove(Int(row))
                }
            }
            latest.words = words
        }
        return done
    }
}
