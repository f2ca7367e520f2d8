public import Events
internal import Factors
internal import Locking
internal import Retrieval

extension Engine {
    public func item(_ id: EntityID) throws(LookupError) -> ItemRecord {
        let row = try rows(of: [id])[0]
        let entry = state.catalogue.read { row < $0.entries.count ? $0.entries[row] : Catalogue.Entry() }
        let (stats, positives) = published.withLock { published in
            row < published.stats.count
                ? (published.stats[row], published.positives.map { Int($0[row]) })
                : (ItemStats(), Array(repeating: 0, count: state.models.count))
        }
        let models = zip(state.models, positives).map { model, positives in
            let clock = clock(of: model)
            return model.index.read { index in
                guard row < index.count else {
                    return ItemRecord.Model(
                        name: model.options.name, positives: positives, bias: nil, norm: nil, popular: nil,
                        trending: nil)
                }
                let taken = index.popularity[row]
                return ItemRecord.Model(
                    name: model.options.name, positives: positives, bias: index.biases[row],
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

    public func user(_ id: EntityID, listMax: Int) throws(LookupError) -> UserRecord {
        let names = state.models.map(\.options.name)
        let copy = onShard(of: id) { shard, local, user in
            let models = zip(names, shard.tables).map { name, table in
                let row = table.row(local)
                return UserRecord.Model(name: name, bias: row.bias, norm: row.dot(row).squareRoot())
            }
            return (user: user, models: models)
        }
        guard let (user, models) = copy else { throw unknown(id) }
        let entries = user.history.entries
        let newest = entries.sorted { $0.order > $1.order }.prefix(max(0, listMax))
        let (history, hidden) = state.items.read { table in
            (
                newest.compactMap { entry in
                    table.id(of: entry.item).map { UserRecord.Entry(entry, item: $0) }
                },
                user.hidden.rows.prefix(max(0, listMax)).compactMap { table.id(of: $0) }
            )
        }
        return UserRecord(
            id: id, seen: entries.count, history: history, hidden: user.hidden.rows.count,
            hiddenItems: hidden, models: models)
    }
}

extension UserRecord.Entry {
    init(_ entry: HistoryEntry, item: EntityID) {
        self.init(item: item, value: entry.value, isRating: entry.kind == .rating, time: entry.time)
    }
}
