// ContentEvaluation: whether vectors of content are any good.
//
// Here live the protocols by which they are judged, and what they are judged beside: shared tags, means of embeddings, IDF-
// cosine (Spärck Jones 1972; Salton, Buckley 1988). Items with their tags come in, figures go out. What never comes in:
// the daemon, ids of users, ratings.

package import ContentVectors
package import Events
internal import Factors

/// Items and what is said of them, in an order in which they might have been described.
package struct ContentCorpus: Sendable {
    package struct Item: Sendable {
        package var id: String
        package var title: String
        /// Normalised, each once.
        package var tags: [String]

        package init(id: String, title: String, tags: [String]) {
            self.id = id
            self.title = title
            var known = Set<String>()
            self.tags = tags.compactMap(TextEmbedding.normalised).filter { known.insert($0).inserted }
        }
    }

    package var items: [Item]

    /// Leaves out items without tags.
    package init(_ items: [Item]) { self.items = items.filter { !$0.tags.isEmpty } }

    /// Films with genres and key words, of columns `movieId`, `title`, `genres` and `tmdb_keywords`, both parted by `|`.
    ///
    /// - Parameter ids: those to be taken; all where `nil`.
    package init(keywordFile path: String, ids: Set<String>? = nil) throws(EventFileError) {
        let records = try TextLines.read(path).map(Self.fields)
        let names = records.first ?? []
        func column(_ name: String, of record: [String]) -> String {
            names.firstIndex(of: name).flatMap { $0 < record.count ? record[$0] : nil } ?? ""
        }
        self.init(
            records.dropFirst().compactMap { record in
                let id = column("movieId", of: record)
                guard ids?.contains(id) ?? true else { return nil }
                let genres = column("genres", of: record)
                let tags =
                    (genres == "(no genres listed)" ? "" : genres) + "|" + column("tmdb_keywords", of: record)
                return Item(
                    id: id, title: column("title", of: record),
                    tags: tags.split(separator: "|").map(String.init))
            })
    }

    /// The ids of a file whose first column they are, under a header.
    package static func ids(in path: String) throws(EventFileError) -> Set<String> {
        Set(try TextLines.read(path).dropFirst().compactMap { fields(of: $0).first })
    }

    /// Of one line of values parted by commas, some of them quoted.
    private static func fields(of line: String) -> [String] {
        var (fields, quoted) = ([""], false)
        for character in line {
            switch character {
            case "\"": quoted.toggle()
            case "," where !quoted: fields.append("")
            default: fields[fields.count - 1].append(character)
            }
        }
        return fields
    }

    /// Who carries what.
    package func book(seed: UInt64) -> TagBook {
        var book = TagBook(embedding: TextEmbedding(seed: seed))
        let map = TripletModel(seed: seed).map
        for (row, item) in items.enumerated() { _ = book.set(item.tags, of: row, map: map) }
        return book
    }

    /// As the daemon learns it: each item described once, in order, then other events until nothing is owed.
    package func learned(seed: UInt64, options: ContentOptions = ContentOptions()) -> ContentVectors {
        var vectors = ContentVectors(options: options, seed: seed)
        var ordinal: Int64 = 0
        for (row, item) in items.enumerated() {
            ordinal += 1
            vectors.describe(row, tags: item.tags, random: .init(seed: seed, index: UInt64(row)))
            vectors.advance(to: ordinal)
        }
        while vectors.counts.owed > 0 {
            ordinal += 1
            vectors.advance(to: ordinal)
        }
        _ = vectors.workOut()
        return vectors
    }
}
