package import Evaluation
package import Events
package import Foundation

/// The models of a state on the same events, and which one is asked where a look-up names none. A function of the events
/// in their order alone: neither how batches are cut nor a restart changes it.
package struct ModelComparison: Equatable {
    /// A model's lead over the default.
    package struct Lead: Sendable, Equatable {
        package var over: String
        package var measure: CommonMeasure
        package var window: PairedDifferences
        package var total: PairedDifferences

        /// Of the intervals that are shown.
        package static let error = 0.05
    }

    package let models: [String]
    package let measure: CommonMeasure
    package private(set) var pairs: PairedScores
    package private(set) var defaultModel: DefaultModel

    /// - Parameters:
    ///   - models: name, and whether the model predicts ratings.
    ///   - configured: a model's name, or `best`.
    ///   - first: the model that `best` begins with; else it is the first that ranks.
    package init(
        models: [(name: String, predictsRatings: Bool)], configured: String, first: String? = nil,
        rule: PromotionRule, windowEvents: Int
    ) {
        let names = models.map(\.name)
        self.models = names
        measure = CommonMeasure(allPredictRatings: models.allSatisfy(\.predictsRatings))
        pairs = PairedScores(models: models.count, windowEvents: windowEvents)
        defaultModel = DefaultModel(
            names: self.models, configured: configured,
            start: first.flatMap { names.firstIndex(of: $0) } ?? models.firstIndex {
                !$0.predictsRatings
            } ?? 0,
            rule: rule)
    }

    /// Takes what the models made of an event.
    ///
    /// - Parameter worth: of a model, from 0 to 1; NaN where it has not been put to this event.
    package mutating func add(_ worth: (Int) -> Float) {
        pairs.add(worth)
        defaultModel.add(worth)
    }

    /// Counts a rating or signal, whether or not any model was put to it; what was promoted by it.
    package mutating func endEvent(_ token: Token, ordinal: Int64) -> Promotion? {
        pairs.endEvent()
        guard defaultModel.endEvent() else { return nil }
        let margin = defaultModel.rule.margin / measure.unit
        let leader = defaultModel.leader(by: measure) { model in
            // A lead of long ago is none.
            pairs.window(model, over: defaultModel.number).mean > margin
        }
        guard let leader else { return nil }
        return defaultModel.promote(leader.model, at: token, ordinal: ordinal, lead: leader.lead)
    }

    /// `PROMOTE`; `nil` where there is no such model.
    package mutating func promote(_ name: String, at token: Token, ordinal: Int64) -> Promotion? {
        guard let model = models.firstIndex(of: name) else { return nil }
        return defaultModel.promote(model, at: token, ordinal: ordinal, lead: nil)
    }

    /// `nil` of the default itself.
    package func lead(of model: Int) -> Lead? {
        guard model != defaultModel.number else { return nil }
        return Lead(
            over: defaultModel.name, measure: measure,
            window: pairs.window(model, over: defaultModel.number),
            total: pairs.total(model, over: defaultModel.number))
    }

    package mutating func resize(windowEvents: Int) { pairs.resize(windowEvents: windowEvents) }
}

// Little-endian words of 8 bytes: layout, models with their names, sums of pairs over all and over the window's blocks,
// and what is known of each model against the default.
extension ModelComparison {
    private static let layout: UInt64 = 1

    package var blob: Data {
        var words = WordWriter()
        words.write(Self.layout)
        words.write(measure.rawValue)
        words.write(models.count)
        for model in models { words.write(model) }
        pairs.write(to: &words)
        defaultModel.writeTests(to: &words)
        return words.data
    }

    /// Takes over what was saved; what compares other models, or by another measure, starts anew. False where it is
    /// malformed.
    ///
    /// - Parameters:
    ///   - blob: as `blob` gave it; `nil` where none was saved.
    ///   - json: as `DefaultModel.json` gave it.
    package mutating func restore(_ blob: Data?, json: Data?) -> Bool {
        if let json { defaultModel.restore(json: json) }
        guard let blob else { return true }
        var words = WordReader(blob)
        guard words.readWord() == Self.layout, let measure = words.readText(), let count = words.readInt(),
            (0...1_024).contains(count)
        else { return false }
        var saved: [String] = []
        for _ in 0..<count {
            guard let name = words.readText() else { return false }
            saved.append(name)
        }
        let places = models.compactMap { saved.firstIndex(of: $0) }
        guard places.count == models.count, count == models.count, measure == self.measure.rawValue else {
            return true
        }
        return pairs.restore(&words, places: places) && defaultModel.restoreTests(&words, places: places)
            && words.isAtEnd
    }
}
