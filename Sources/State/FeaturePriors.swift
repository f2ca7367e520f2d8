internal import Checkpoints
internal import Factors
internal import FeatureMaps
internal import Foundation
internal import Locking

// Scalars of a state file: `features.names`, a JSON array in the order of their numbers; `features.counts`, how often each was
// taken (float32, little-endian); of each model that learns rows `features.map`, base and weights (`ItemPriors.bytes`).
extension LearnedState {
    static let featureNames = "features.names"
    static let featureCounts = "features.counts"
    static let featureMap = "features.map"

    /// Takes over what the catalogue says of items, and moves their rows with their priors. On the engine's queue, between
    /// rounds.
    ///
    /// - Parameter rows: items described, none twice.
    /// - Returns: by model the rows that have changed and were not marked for publication.
    package func placeDescribed(_ rows: [Int32]) -> [[Int32]] {
        var changed = [[Int32]](repeating: [], count: models.count)
        guard priors.options.isOn else { return changed }
        for item in rows.map(Int.init) {
            let before = Array(priors.features[row: item])
            let features = catalogue.read { catalogue in
                item < catalogue.entries.count ? catalogue.entries[item].features : []
            }
            priors.setFeatures(features, of: item)
            guard priors.hasMaps else { continue }
            let now = Array(priors.features[row: item])
            if before == now, stats[item].users > 0 { continue }
            for (number, model) in models.enumerated() where model.hasPriors {
                let row = model.items.row(item)
                let (vector, bias) = (row.vector, row.bias)
                let isMoved = priors.move(
                    row, from: priors.prior(of: before, model: number),
                    to: priors.prior(of: now, model: number), users: stats[item].users,
                    hasBias: model.alternating == nil, isOwnless: before.isEmpty || !model.learnsFromUntaken)
                guard isMoved else { continue }
                tell(movedFrom: vector, bias, item, of: number)
                if model.items.markChanged(item) { changed[number].append(Int32(item)) }
            }
        }
        return changed
    }

    /// Solves the maps anew, and moves all rows. On the engine's queue, between rounds.
    ///
    /// - Returns: by model the rows that have moved and were not marked to be shown: all the catalogue, as a rule, by little
    ///   each, which look-ups may be told of as of rows that were drawn beside events.
    package func solvePriors() -> [[Int32]] {
        var moved = [[Int32]](repeating: [], count: models.count)
        guard priors.isNeeded else { return moved }
        let tables = models.map { model in
            model.hasPriors
                ? ItemPriors.Table(
                    model.items, hasBias: model.alternating == nil,
                    learnsFromUntaken: model.learnsFromUntaken) : nil
        }
        priors.solve(tables, users: { self.stats[$0].users }) { number, item, before, bias in
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

    /// What has changed of the maps since it was last asked.
    func takePriorScalars() -> (own: [String: Scalar], models: [Int: [String: Scalar]]) {
        guard priors.isUnsaved, let names = try? JSONEncoder().encode(priors.names) else { return ([:], [:]) }
        priors.isUnsaved = false
        var ofModels: [Int: [String: Scalar]] = [:]
        for number in models.indices {
            guard let bytes = priors.bytes(ofModel: number) else { continue }
            ofModels[number] = [Self.featureMap: .blob(Data(bytes))]
        }
        return (
            [Self.featureNames: .blob(names), Self.featureCounts: .blob(Data(priors.bytesOfCounts))], ofModels
        )
    }

    /// Puts the maps back, once all items are there.
    ///
    /// - Parameter counts: `nil` in a file of before they were kept: they are counted as items stand now.
    /// - Returns: false where they are malformed.
    func restorePriors(names: Data?, counts: Data?, maps: [Int: Data]) -> Bool {
        guard priors.options.isOn else { return true }
        catalogue.read { catalogue in
            for (row, entry) in catalogue.entries.enumerated() { priors.setFeatures(entry.features, of: row) }
        }
        guard let names else { return true }
        guard let words = try? JSONDecoder().decode([String].self, from: names) else { return false }
        var restored: [FeatureMap?] = []
        for (number, model) in models.enumerated() {
            guard model.hasPriors, let bytes = maps[number] else {
                restored.append(nil)
                continue
            }
            guard let map = ItemPriors.map(Array(bytes), width: model.items.factors + 1) else { return false }
            restored.append(map)
        }
        guard let counts else {
            return priors.restore(names: words, maps: restored, users: { stats[$0].users })
        }
        guard let taken = ItemPriors.taken(Array(counts)) else { return false }
        return priors.restore(names: words, maps: restored, taken: taken)
    }

    func combinePriors(_ digest: inout StateDigest) {
        guard priors.hasMaps else { return }
        for name in priors.names { digest.combine(bytes: name.utf8) }
        digest.combine(bytes: priors.bytesOfCounts)
        for number in models.indices {
            if let bytes = priors.bytes(ofModel: number) { digest.combine(bytes: bytes) }
        }
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
