package import Events
internal import Factors
internal import Histories
internal import Identities
internal import Retrieval
internal import State

extension LookupAnswerer {
    package func item(_ id: EntityID) throws(LookupError) -> ItemRecord {
        let row = try rows(of: [id])[0]
        let entry = view.readCatalogue { row < $0.entries.count ? $0.entries[row] : Catalogue.Entry() }
        let (stats, positives) = published.counts(of: row)
        let models = zip(published.models, positives).map { model, positives in
            let unit = published.unit(of: model)
            let clock = published.clock(of: model)
            return model.index.read { index in
                guard row < index.count else {
                    return ItemRecord.Model(
                        name: model.traits.name, positives: positives, bias: nil, norm: nil, popular: nil,
                        trending: nil)
                }
                let taken = index.popularity[row]
                return ItemRecord.Model(
                    name: model.traits.name, positives: positives, bias: unit.part(index.biases[row]),
                    norm: index.norms[row], popular: Float(clock.popular(taken)),
                    trending: taken.trend > -.infinity ? Float(clock.trend(taken)) : nil)
            }
        }
        return ItemRecord(
            id: id, title: entry.title, tags: entry.tags, available: entry.available, users: Int(stats.users),
            ratings: Int(stats.ratings),
            meanRating: stats.ratings > 0 ? Float(stats.ratingSum / Double(stats.ratings)) : nil,
            lastEvent: stats.lastEvent, models: models)
    }

    package func user(_ id: EntityID, listMax: Int) throws(LookupError) -> UserRecord {
        let (names, units) = (
            published.models.map(\.traits.name), published.models.map { published.unit(of: $0) }
        )
        let copy = try readUser(id) { user in
            let models = names.enumerated().map { number, name in
                let row = user.row(ofModel: number)
                return UserRecord.Model(
                    name: name, bias: units[number].part(row.bias), norm: row.dot(row).squareRoot())
            }
            return (tags: user.tags, history: user.history, hidden: user.hidden, models: models)
        }
        guard let (tags, past, hiddenItems, models) = copy else { throw unknown(id) }
        let entries = past.entries
        let newest = entries.sorted { $0.order > $1.order }.prefix(max(0, listMax))
        let (history, hidden) = view.readItemIDs { table in
            (
                newest.compactMap { entry in
                    table.id(of: entry.item).map { UserRecord.Entry(entry, item: $0) }
                },
                hiddenItems.rows.prefix(max(0, listMax)).compactMap { table.id(of: $0) }
            )
        }
        return UserRecord(
            id: id, tags: tags, seen: entries.count, history: history, hidden: hiddenItems.rows.count,
            hiddenItems: hidden, models: models)
    }
}

extension UserRecord.Entry {
    init(_ entry: HistoryEntry, item: EntityID) {
        self.init(
            item: item, value: entry.value, isRating: entry.kind == .rating, time: entry.lastTime)
        guard let tally = entry.signals else { return }
        signals = UserRecord.Signals(
            count: Int(tally.count), weight: tally.weight, fadedWeight: tally.faded,
            // One alone has its time to the millisecond.
            first: entry.tally == nil ? entry.time : tally.firstTime)
    }
}
