package import Events
internal import Identities
internal import Retrieval
internal import State

/// Items by what they are called.
extension LookupAnswerer {
    /// Entries of the catalogue read at a time: descriptions wait no longer.
    private static let entriesPerRead = 4_096

    /// Items whose title holds all words of `text`, whatever their case, the most taken first; before them the item that
    /// has `text` as its id. Looks at every title.
    package func items(titled text: String, count: Int) throws(LookupError) -> [EntityID] {
        let words = text.lowercased().split(whereSeparator: \.isWhitespace).map { Array($0.utf8) }
        guard !words.isEmpty else { throw LookupError(.invalid, "nothing to search for") }
        var found: [Int32] = []
        var start = 0
        while true {
            let titles = view.readCatalogue { catalogue in
                catalogue.entries[min(start, catalogue.entries.count)...].prefix(Self.entriesPerRead)
                    .map(\.title)
            }
            if titles.isEmpty { break }
            for (place, title) in titles.enumerated() {
                if let title, Self.holds(title, words) { found.append(Int32(start + place)) }
            }
            start += titles.count
        }
        let named = (try? EntityID(text)).flatMap { id in view.readItemIDs { $0.row(of: id) } }
        let ordered = try (named.map { [$0] } ?? []) + byPopularity(found).filter { $0 != named }
        return view.readItemIDs { table in ordered.prefix(count).compactMap { table.id(of: $0) } }
    }

    private static func holds(_ title: String, _ words: [[UInt8]]) -> Bool {
        var lowercased = title.lowercased()
        return lowercased.withUTF8 { text in
            words.allSatisfy { word in
                guard word.count <= text.count else { return false }
                return (0...text.count - word.count).contains { start in
                    text[start..<start + word.count].elementsEqual(word)
                }
            }
        }
    }

    /// The most taken first, by the model that is asked where a query names none.
    private func byPopularity(_ rows: [Int32]) throws(LookupError) -> [Int32] {
        let model = published.models[try modelNumber(nil)]
        let clock = published.clock(of: model)
        let taken = model.index.read { index in
            rows.map { Int($0) < index.count ? clock.popular(index.popularity[Int($0)]) : 0 }
        }
        return zip(rows, taken).sorted { ($1.1, $0.0) < ($0.1, $1.0) }.map(\.0)
    }
}
