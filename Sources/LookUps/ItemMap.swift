public import Events
internal import Factors
internal import Identities
internal import Retrieval
internal import State

/// A map of the items of a model that has rows.
public struct MapQuery: Sendable {
    /// `nil` asks the default model, or the first that has rows where that one counts.
    public var model: String?
    /// The most taken items alone where there are more.
    public var itemsMax: Int

    public init(model: String? = nil, itemsMax: Int = 100_000) {
        self.model = model
        self.itemsMax = itemsMax
    }
}

/// Where items lie to each other: their rows along the three directions in which these differ most (principal components;
/// Pearson 1901, Hotelling 1933). Columns, an entry an item.
public struct ItemMap: Sendable, Equatable {
    public static let axisCount = 3

    public var model: String
    /// Items that somebody took, of which the map may hold but the most taken.
    public var itemsTaken: Int
    /// Of all that the rows differ, the part along each axis.
    public var explained = [Float](repeating: 0, count: axisCount)
    /// Of the centred rows, along each axis.
    public var singularValues = [Float](repeating: 0, count: axisCount)
    public var ids: [EntityID] = []
    public var titles: [String?] = []
    public var tags: [[String]] = []
    /// The score that `TOP BY popular` ranks by.
    public var popularity: [Float] = []
    /// Three columns, (q_i − mean)·axis, the most telling axis first.
    public var places = [[Float]](repeating: [], count: axisCount)

    public init(model: String, itemsTaken: Int) {
        self.model = model
        self.itemsTaken = itemsTaken
    }

    /// The items furthest out along an axis, in either direction, the furthest first; the score is the place.
    public func ends(ofAxis axis: Int, _ count: Int) -> (low: [ScoredItem], high: [ScoredItem]) {
        let places = places[axis]
        let order = places.indices.sorted { (places[$0], $0) < (places[$1], $1) }
        func items(_ rows: some Sequence<Int>) -> [ScoredItem] {
            rows.prefix(count).map { ScoredItem(id: ids[$0], score: places[$0]) }
        }
        return (items(order), items(order.reversed()))
    }
}

extension LookupAnswerer {
    /// Rows copied while one side of an index is held; publication goes on with the other, and tries again meanwhile.
    private static let rowsPerRead = 2_048

    /// Empty where nothing is learned yet.
    package func map(_ query: MapQuery) throws(LookupError) -> ItemMap {
        let number = try modelNumber(query.model)
        // For a blend, which has none, stands the part that it asks what is similar.
        let model = published.models[query.model == nil ? relating(number) : number]
        if model.traits.options.learnsRows { return map(of: model, itemsMax: query.itemsMax) }
        guard query.model == nil, let other = published.models.first(where: { $0.traits.options.learnsRows })
        else {
            throw LookupError(
                .invalid, "model '\(model.traits.name)' has no rows to make a map of; ask another")
        }
        return map(of: other, itemsMax: query.itemsMax)
    }

    private func map(of model: PublishedModel, itemsMax: Int) -> ItemMap {
        let (taken, items) = mostTaken(itemsMax, of: model)
        var map = ItemMap(model: model.traits.name, itemsTaken: taken)
        let rows = rows(items.map(\.row), of: model)
        guard let components = PrincipalComponents(of: rows, factors: model.index.factors, ItemMap.axisCount)
        else { return map }
        map.explained = components.explained
        map.singularValues = components.singularValues
        map.places = components.places
        map.popularity = items.map(\.popularity)
        // An item's row stays its own, and so does its id.
        view.readItemIDs { table in map.ids = items.compactMap { table.id(of: $0.row) } }
        view.readCatalogue { catalogue in
            for item in items {
                let entry = Int(item.row) < catalogue.entries.count ? catalogue.entries[Int(item.row)] : nil
                map.titles.append(entry?.title)
                map.tags.append(entry?.tags ?? [])
            }
        }
        return map
    }

    /// Items that somebody took: how many there are, and the most taken of them by row.
    private func mostTaken(_ itemsMax: Int, of model: PublishedModel) -> (
        Int, [(row: Int32, popularity: Float)]
    ) {
        let clock = published.clock(of: model)
        var items: [(row: Int32, popularity: Float)] = []
        var start = 0
        while true {
            let end = model.index.read { index in
                let end = min(index.count, start + 16 * Self.rowsPerRead)
                for row in start..<max(start, end) where index.popularity[row].popular > -.infinity {
                    items.append((Int32(row), Float(clock.popular(index.popularity[row]))))
                }
                return end
            }
            if end <= start { break }
            start = end
        }
        let taken = items.count
        guard taken > itemsMax else { return (taken, items) }
        items.sort { ($1.popularity, $0.row) < ($0.popularity, $1.row) }
        return (taken, items.prefix(itemsMax).sorted { $0.row < $1.row })
    }

    private func rows(_ rows: [Int32], of model: PublishedModel) -> [Float] {
        var copy: [Float] = []
        copy.reserveCapacity(rows.count * model.index.factors)
        for start in stride(from: 0, to: rows.count, by: Self.rowsPerRead) {
            model.index.read { index in
                for row in rows[start..<min(rows.count, start + Self.rowsPerRead)] {
                    copy += index.vector(Int(row))
                }
            }
        }
        return copy
    }
}
