internal import Evaluation
internal import Events
package import Foundation

/// Which model is asked where a look-up names none: the one that the configuration names until an event of the log, or
/// with `best` a lead, promotes another.
package struct DefaultModel: Equatable {
    /// In the configuration: whichever leads for sure.
    package static let best = "best"

    let names: [String]
    /// As the configuration has it.
    package let configured: String
    package let isAutomatic: Bool
    let rule: PromotionRule
    package private(set) var number: Int
    /// The last promotion, where one stands.
    package private(set) var promoted: Promotion?
    /// Over the whole life of the state, asked for or not.
    package private(set) var promotions: Int64 = 0
    /// What was promoted when the configuration, changed since, took its place at the start of this process.
    package private(set) var overruled: String?
    /// Of each model against the default, since that became it; of the default itself, and where nothing is promoted by
    /// itself, empty.
    private(set) var tests: [LeadTest]
    private(set) var eventsSinceLook = 0

    /// - Parameters:
    ///   - configured: a model's name, or `best`.
    ///   - start: where it is `best`, or names none of the models.
    init(names: [String], configured: String, start: Int, rule: PromotionRule) {
        self.names = names
        self.configured = configured
        self.rule = rule
        let named = names.firstIndex(of: configured)
        isAutomatic = named == nil && configured == Self.best && names.count > 1
        number = named ?? start
        tests = Array(repeating: LeadTest(), count: isAutomatic ? names.count : 0)
    }

    package var name: String { names.indices.contains(number) ? names[number] : "" }

    // MARK: - Events

    /// - Parameter worth: of a model; NaN where it has not been put to this event.
    mutating func add(_ worth: (Int) -> Float) {
        guard isAutomatic else { return }
        let defaults = worth(number)
        guard !defaults.isNaN else { return }
        for model in tests.indices where model != number {
            let difference = Double(worth(model) - defaults)
            if !difference.isNaN { tests[model].add(difference) }
        }
    }

    /// Counts an event; true once in so many, when it is time to look for a leader.
    mutating func endEvent() -> Bool {
        guard isAutomatic else { return false }
        eventsSinceLook += 1
        guard eventsSinceLook >= PromotionRule.eventsPerLook else { return false }
        eventsSinceLook = 0
        for model in tests.indices where model != number { tests[model].endBlock() }
        return true
    }

    /// The model that leads enough, and by what; of several the one with the most evidence.
    ///
    /// - Parameter mayLead: asked of a model with enough evidence.
    func leader(
        by measure: CommonMeasure, mayLead: (Int) -> Bool
    ) -> (model: Int, lead: Promotion.Lead)? {
        // All others are tested side by side: each has its share of the probability of error.
        let needed = Double(names.count - 1) / rule.error
        let margin = rule.margin / measure.unit
        var best: (model: Int, evidence: Double)?
        for model in tests.indices where model != number {
            let evidence = tests[model].logEvidence(above: margin)
            guard evidence >= log(needed), evidence > best?.evidence ?? -.infinity, mayLead(model) else {
                continue
            }
            best = (model, evidence)
        }
        guard let best, let sums = tests[best.model].strongest(above: margin) else { return nil }
        return (
            best.model,
            Promotion.Lead(
                measure: measure.rawValue, lead: sums.mean * measure.unit, margin: rule.margin,
                events: sums.count, evidence: exp(min(best.evidence, 700)), evidenceNeeded: needed)
        )
    }

    mutating func promote(_ model: Int, at token: Token, ordinal: Int64, lead: Promotion.Lead?) -> Promotion {
        let promotion = Promotion(
            model: names[model], over: name, partition: token.partition, offset: token.offset,
            ordinal: ordinal, lead: lead)
        if model != number {
            // What was found of the others was found against the one that no longer is.
            tests = Array(repeating: LeadTest(), count: tests.count)
            eventsSinceLook = 0
        }
        number = model
        promoted = promotion
        promotions += 1
        return promotion
    }
}

// MARK: - In the state's file

extension DefaultModel {
    private struct Saved: Codable {
        var configured: String
        var model: String
        var promotions: Int64
        var promoted: Promotion?
    }

    /// A JSON object: what the configuration said, which model it is, and the last promotion.
    package var json: Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let saved = Saved(
            configured: configured, model: name, promotions: promotions, promoted: promoted)
        // Of finite numbers and texts alone, which can always be written.
        return (try? encoder.encode(saved)) ?? Data()
    }

    /// A promotion stands over what the configuration names, until the configuration names another than it did then.
    mutating func restore(json: Data) {
        guard let saved = try? JSONDecoder().decode(Saved.self, from: json) else { return }
        promotions = saved.promotions
        guard saved.configured == configured, let model = names.firstIndex(of: saved.model) else {
            if saved.model != name { overruled = saved.model }
            return
        }
        number = model
        promoted = saved.promoted
    }

    func writeTests(to words: inout WordWriter) {
        words.write(name)
        words.write(tests.count)
        words.write(eventsSinceLook)
        for test in tests {
            words.write(test.blocks)
            words.write(test.latest)
            words.write(test.stretches.count)
            for stretch in test.stretches {
                words.write(stretch.firstBlock)
                words.write(stretch.sums)
            }
        }
    }

    /// Goes on with the tests that were saved, where they were against this default; false where they are malformed.
    mutating func restoreTests(_ words: inout WordReader, places: [Int]) -> Bool {
        guard let against = words.readText(), let count = words.readInt(), let events = words.readInt(),
            count == 0 || count == names.count
        else { return false }
        var saved: [LeadTest] = []
        for _ in 0..<count {
            guard let test = Self.readTest(&words) else { return false }
            saved.append(test)
        }
        guard against == name, count == tests.count, (0..<PromotionRule.eventsPerLook).contains(events) else {
            return true
        }
        tests = tests.indices.map { saved[places[$0]] }
        eventsSinceLook = events
        return true
    }

    private static func readTest(_ words: inout WordReader) -> LeadTest? {
        guard let blocks = words.readInt(), (0...WordReader.countMax).contains(blocks),
            let latest = words.readDifferences(), let count = words.readInt(),
            (0...1_024).contains(count)
        else { return nil }
        var stretches: [LeadTest.Stretch] = []
        for _ in 0..<count {
            guard let first = words.readInt(), (0..<max(1, blocks)).contains(first),
                let sums = words.readDifferences()
            else { return nil }
            stretches.append(LeadTest.Stretch(firstBlock: first, sums: sums))
        }
        return LeadTest(blocks: blocks, latest: latest, stretches: stretches)
    }
}
