internal import Checkpoints
internal import Factors
internal import FeatureMaps
internal import Foundation
internal import Locking

// Scalars of a state file: `features.names`, a JSON array in the order of their numbers; `features.counts`, how often each was
// taken (float32, little-endian); of each model that learns rows `features.map`, base and weights (`ItemPriors.bytes`). Of maps
// that rows do not all stand on yet the same under `features.next.…`, and `features.next`, when and how far
// (`ItemPriors.StoredPending`); all empty where there are none.
extension LearnedState {
    static let featureNames = "features.names"
    static let featureCounts = "features.counts"
    static let featureMap = "features.map"
    static let nextSchedule = "features.next"
    static let nextNames = "features.next.names"
    static let nextCounts = "features.next.counts"
    static let nextMap = "features.next.map"

    /// Takes over what the catalogue says of items, and moves their rows with their priors. On the engine's queue, between
    /// rounds.
    ///
    /// - Parameter rows: items described, none twice.
    /// - Returns: by model the rows that have changed and were not marked for publication.
    package func placeDescribed(_ rows: [Int32]) -> [[Int32]] {
        var changed = [[Int32]](repeating: [], count: models.count)
        guard priors.options.isOn else { return changed }
        for item in rows.map(Int.init) {
            let before = Array(priors.features(ofItem: item))
            let old = models.indices.map { priors.prior(ofItem: item, model: $0) }
            let features = catalogue.read { catalogue in
                item < catalogue.entries.count ? catalogue.entries[item].features : []
            }
            priors.setFeatures(features, of: item)
            guard priors.moves else { continue }
            if Array(priors.features(ofItem: item)) == before, stats[item].users > 0 { continue }
            for (number, model) in models.enumerated() where model.hasPriors {
                let row = model.items.row(item)
                let (vector, bias) = (row.vector, row.bias)
                let isMoved = priors.move(
                    row, from: old[number], to: priors.prior(ofItem: item, model: number),
                    users: stats[item].users, hasBias: model.alternating == nil,
                    isOwnless: before.isEmpty || !model.learnsFromUntaken)
                guard isMoved else { continue }
                tell(movedFrom: vector, bias, item, of: number)
                if model.items.markChanged(item) { changed[number].append(Int32(item)) }
            }
        }
        return changed
    }

    /// What is to be done of priors by the time that the event of ordinal `now` is learned, and was not at `before`: rows
    /// move that are to move, and where a solution is due it is begun, on what rows have moved to. On the engine's queue,
    /// between rounds.
    ///
    /// - Returns: by model the rows that have moved and were not marked to be shown: all the catalogue, by and by and by
    ///   little each, which look-ups may be told of as of rows that were drawn beside events.
    package func advancePriors(from before: Int64, to now: Int64) -> [[Int32]] {
        guard let due = priors.lastDue(after: before, upTo: now), priors.isNeeded,
            priors.saysAnything(after: due)
        else { return movePriors(upTo: now) }
        // As a rule all have moved long before.
        var moved = movePriors(upTo: .max)
        priors.begin(after: due, priorTables, items: stats.count) { self.stats[$0].users }
        // What others have learned may have passed over where the first rows were to move.
        for (number, rows) in movePriors(upTo: now).enumerated() { moved[number] += rows }
        return moved
    }

    /// Solves the maps anew, and moves all rows.
    ///
    /// - Returns: as `advancePriors`.
    package func solvePriors() -> [[Int32]] {
        var moved = movePriors(upTo: .max)
        guard priors.isNeeded else { return moved }
        priors.begin(after: max(1, counters.clock), priorTables, items: stats.count) { self.stats[$0].users }
        for (number, rows) in movePriors(upTo: .max).enumerated() { moved[number] += rows }
        return moved
    }

    private var priorTables: [ItemPriors.Table?] {
        models.map { model in
            model.hasPriors
                ? ItemPriors.Table(
                    model.items, hasBias: model.alternating == nil,
                    learnsFromUntaken: model.learnsFromUntaken) : nil
        }
    }

    private func movePriors(upTo ordinal: Int64) -> [[Int32]] {
        var moved = [[Int32]](repeating: [], count: models.count)
        priors.move(upTo: ordinal, priorTables, items: stats.count, users: { self.stats[$0].users }) {
            number, item, before, bias in
            tell(movedFrom: before, bias, item, of: number)
            if models[number].items.markDrawn(item) { moved[number].append(Int32(item)) }
        }
        return moved
    }

    private func tell(movedFrom before: [Float], _ bias: Float, _ item: Int, of number: Int) {
        priorMoved?(number, item, before, bias)
        models[number].alternating?.itemGramian.update(from: before, to: models[number].items.row(item))
    }

    // MARK: - State file and digest

    /// What has changed of the maps since it was last asked. Waits for a solution that is being made.
    func takePriorScalars() -> (own: [String: Scalar], models: [Int: [String: Scalar]]) {
        let next = priors.isUnsaved ? priors.storedPending : nil
        guard priors.isUnsaved, let names = try? JSONEncoder().encode(priors.names),
            let nextNames = try? next.map({ try JSONEncoder().encode($0.names) }) ?? Data()
        else { return ([:], [:]) }
        priors.isUnsaved = false
        var ofModels: [Int: [String: Scalar]] = [:]
        for number in models.indices where models[number].options.learnsRows {
            let nextMap = next?.maps[number].map(ItemPriors.bytes(of:)) ?? []
            // Empty where there is none: one from when the model's priors were on is of other features by and by.
            let map = priors.bytes(ofModel: number) ?? []
            ofModels[number] = [Self.featureMap: .blob(Data(map)), Self.nextMap: .blob(Data(nextMap))]
        }
        let own: [String: Scalar] = [
            Self.featureNames: .blob(names), Self.featureCounts: .blob(Data(priors.bytesOfCounts)),
            Self.nextSchedule: .blob(Data(next?.schedule ?? [])), Self.nextNames: .blob(nextNames),
            Self.nextCounts: .blob(Data(next.map { ItemPriors.bytes($0.taken) } ?? [])),
        ]
        return (own, ofModels)
    }

    /// What a file has of the maps.
    struct StoredPriors {
        var names: Data?
        /// `nil` in a file of before they were kept: they are counted as items stand now.
        var counts: Data?
        var maps: [Int: Data] = [:]
        /// Of maps that come next, under the same names; none, or empty, where there are none.
        var nextSchedule, nextNames, nextCounts: Data?
        var nextMaps: [Int: Data] = [:]
    }

    /// Puts the maps back, once all items are there.
    ///
    /// - Returns: false where they are malformed.
    func restorePriors(_ stored: StoredPriors) -> Bool {
        guard priors.options.isOn else { return true }
        catalogue.read { catalogue in
            for (row, entry) in catalogue.entries.enumerated() { priors.setFeatures(entry.features, of: row) }
        }
        guard let names = stored.names else { return true }
        guard let words = try? JSONDecoder().decode([String].self, from: names),
            let maps = maps(of: stored.maps.filter { !$0.value.isEmpty })
        else { return false }
        guard let counts = stored.counts else {
            return priors.restore(names: words, maps: maps, users: { stats[$0].users })
        }
        guard let taken = ItemPriors.taken(Array(counts)),
            priors.restore(names: words, maps: maps, taken: taken)
        else { return false }
        guard let schedule = stored.nextSchedule, !schedule.isEmpty else { return true }
        guard let nextWords = try? JSONDecoder().decode([String].self, from: stored.nextNames ?? Data()),
            let nextTaken = ItemPriors.taken(Array(stored.nextCounts ?? Data())),
            let nextMaps = self.maps(of: stored.nextMaps.filter { !$0.value.isEmpty })
        else { return false }
        return priors.restore(
            pending: ItemPriors.StoredPending(
                schedule: Array(schedule), names: nextWords, taken: nextTaken, maps: nextMaps),
            items: stats.count)
    }

    /// By model; `nil` where one is malformed.
    private func maps(of stored: [Int: Data]) -> [FeatureMap?]? {
        var maps: [FeatureMap?] = []
        for (number, model) in models.enumerated() {
            guard model.hasPriors, let bytes = stored[number] else {
                maps.append(nil)
                continue
            }
            guard let map = ItemPriors.map(Array(bytes), width: model.items.factors + 1) else { return nil }
            maps.append(map)
        }
        return maps
    }

    func combinePriors(_ digest: inout StateDigest) {
        if priors.hasMaps {
            for name in priors.names { digest.combine(bytes: name.utf8) }
            digest.combine(bytes: priors.bytesOfCounts)
            for number in models.indices {
                if let bytes = priors.bytes(ofModel: number) { digest.combine(bytes: bytes) }
            }
        }
        // Waits for a solution that is being made.
        guard let next = priors.storedPending else { return }
        digest.combine(bytes: next.schedule)
        for name in next.names { digest.combine(bytes: name.utf8) }
        digest.combine(bytes: ItemPriors.bytes(next.taken))
        for map in next.maps { if let map { digest.combine(bytes: ItemPriors.bytes(of: map)) } }
    }
}

extension ModelState {
    /// Whether its items' rows have priors, once there are any.
    var hasPriors: Bool { options.learnsRows && options.usesPriors }

    /// Whether items that nobody takes are lowered by that: where negatives are drawn.
    var learnsFromUntaken: Bool {
        switch rule {
        case .bpr, .warp: true
        case .sgd, .mlp, .als, .counter, .blend: false
        }
    }
}

extension Catalogue.Entry {
    /// Whether anything was said of it.
    package var isDescribed: Bool { title != nil || !tags.isEmpty }
    /// Tags, and what the title tells.
    package var features: [String] { tags + (title.map(TitleYear.features) ?? []) }
}
