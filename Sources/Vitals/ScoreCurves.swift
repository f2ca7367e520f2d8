package import Engine

/// How the live scores went, in a few hundred points: once there are too many, every other one goes
/// and the next are taken half as often.
package struct ScoreCurves: Sendable, Equatable, Codable {
    private static let pointsMax = 600
    private static let marksMax = 100

    package struct Model: Sendable, Equatable, Codable {
        package var name: String
        package var learner: String
        package var measure: String
        package var lessIsBetter: Bool
        package var baselineName: String
        /// As many as there are times.
        package var values: [Double?]
        package var baselines: [Double?]
        /// Standard errors of the difference between the two.
        package var errors: [Double?]
    }

    package struct Mark: Sendable, Equatable, Codable {
        package var time: Int64
        package var applied: Int64
        package var model: String
        package var text: String
    }

    /// Milliseconds since 1970.
    package private(set) var times: [Int64] = []
    package private(set) var applied: [Int64] = []
    package private(set) var models: [Model] = []
    package private(set) var marks: [Mark] = []
    /// A point is taken of so many moments at which something was learned.
    private var stride = 1
    /// Since the last point.
    private var passed = 0
    private var eventsBefore: Int64?
    private var before: [ModelStatus] = []

    /// What is kept in a file; the models as they were just now are none of it.
    private enum CodingKeys: String, CodingKey { case times, applied, models, marks, stride }

    package init() {}

    /// Measures, each beside that of its baseline.
    private static let measures: [(name: String, baseline: String, lessIsBetter: Bool)] = [
        ("rmse", "means", true), ("recall@10", "popularity", false),
    ]

    /// To be called several times a second.
    package mutating func take(_ status: [ModelStatus], applied events: Int64, time: Int64) {
        mark(status, events, time)
        // Nothing was learned: the curves stand where they stood.
        guard events != eventsBefore else { return }
        eventsBefore = events
        passed += 1
        guard passed >= stride else { return }
        passed = 0
        times.append(time)
        applied.append(events)
        for model in status { add(model) }
        pad()
        guard times.count > Self.pointsMax else { return }
        stride *= 2
        times = Self.thinned(times)
        applied = Self.thinned(applied)
        for place in models.indices {
            models[place].values = Self.thinned(models[place].values)
            models[place].baselines = Self.thinned(models[place].baselines)
            models[place].errors = Self.thinned(models[place].errors)
        }
    }

    private mutating func add(_ status: ModelStatus) {
        let fields = status.fields
        guard
            let measure = Self.measures.first(where: { measure in
                fields.contains { $0.name == measure.name }
                    || fields.number("loses-to-\(measure.baseline)") != nil
            })
        else { return }
        if !models.contains(where: { $0.name == status.name }) {
            let past = [Double?](repeating: nil, count: times.count - 1)
            models.append(
                Model(
                    name: status.name, learner: status.learner, measure: measure.name,
                    lessIsBetter: measure.lessIsBetter, baselineName: measure.baseline, values: past,
                    baselines: past, errors: past))
        }
        guard let place = models.firstIndex(where: { $0.name == status.name }) else { return }
        models[place].values.append(fields.number(measure.name))
        models[place].baselines.append(fields.number("\(measure.name)-\(measure.baseline)"))
        models[place].errors.append(fields.number("\(measure.name)-error"))
    }

    /// A model that is not there any more, as in a configuration of before, says nothing from here on.
    private mutating func pad() {
        for place in models.indices where models[place].values.count < times.count {
            models[place].values.append(nil)
            models[place].baselines.append(nil)
            models[place].errors.append(nil)
        }
    }

    private mutating func mark(_ status: [ModelStatus], _ events: Int64, _ time: Int64) {
        for model in status {
            guard let old = before.first(where: { $0.name == model.name }) else { continue }
            if Health.loses(model) != Health.loses(old) {
                let words = Health.loses(model) ? "falls behind" : "is level with"
                marks.append(
                    Mark(
                        time: time, applied: events, model: model.name,
                        text: "\(words) \(Health.baseline(model))"))
            }
            if model.isDefault, !old.isDefault {
                marks.append(
                    Mark(time: time, applied: events, model: model.name, text: "becomes the default"))
            }
        }
        marks = marks.suffix(Self.marksMax)
        before = status
    }

    /// Every other one, the newest among them.
    private static func thinned<Value>(_ values: [Value]) -> [Value] {
        values.indices.filter { ($0 - values.count + 1) % 2 == 0 }.map { values[$0] }
    }

    // MARK: - Over restarts

    /// What the curves say of events up to the `applied`th: a state that was restored may stand before what they saw.
    package func until(_ applied: Int64) -> ScoreCurves {
        let count = self.applied.prefix { $0 <= applied }.count
        var cut = ScoreCurves()
        cut.stride = stride
        cut.times = Array(times.prefix(count))
        cut.applied = Array(self.applied.prefix(count))
        cut.models = models.map { model in
            var model = model
            model.values = Array(model.values.prefix(count))
            model.baselines = Array(model.baselines.prefix(count))
            model.errors = Array(model.errors.prefix(count))
            return model
        }
        cut.models.removeAll { model in model.values.allSatisfy { $0 == nil } }
        cut.marks = marks.filter { $0.applied <= applied }
        cut.eventsBefore = cut.applied.last
        return cut
    }

    /// False of what no such value can be, as a file that somebody changed.
    var isWhole: Bool {
        let count = times.count
        return applied.count == count && count <= Self.pointsMax && marks.count <= Self.marksMax
            && stride >= 1
            && zip(applied, applied.dropFirst()).allSatisfy { $0 <= $1 }
            && models.allSatisfy {
                $0.values.count == count && $0.baselines.count == count && $0.errors.count == count
            }
    }
}
