import Engine

/// How the live scores went since the daemon began, in a few hundred points: once there are too many, every other one goes
/// and the next are taken half as often.
struct ScoreCurves: Sendable {
    private static let pointsMax = 600
    private static let marksMax = 100

    struct Model: Sendable {
        var name: String
        var learner: String
        var measure: String
        var lessIsBetter: Bool
        var baselineName: String
        var values: [Double?]
        var baselines: [Double?]
        /// Standard errors of the difference between the two.
        var errors: [Double?]
    }

    struct Mark: Sendable, Equatable {
        var time: Int64
        var applied: Int64
        var model: String
        var text: String
    }

    /// Milliseconds since 1970.
    private(set) var times: [Int64] = []
    private(set) var applied: [Int64] = []
    private(set) var models: [Model] = []
    private(set) var marks: [Mark] = []
    /// A point is taken of so many moments at which something was learned.
    private var stride = 1
    /// Since the last point.
    private var passed = 0
    private var eventsBefore: Int64?
    private var before: [ModelStatus] = []

    /// Measures, each beside that of its baseline.
    private static let measures: [(name: String, baseline: String, lessIsBetter: Bool)] = [
        ("rmse", "means", true), ("recall@10", "popularity", false),
    ]

    /// To be called several times a second.
    mutating func take(_ status: [ModelStatus], applied events: Int64, time: Int64) {
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

    var json: JSON {
        .object([
            ("times", .array(times.map(JSON.integer))), ("applied", .array(applied.map(JSON.integer))),
            (
                "models",
                .array(
                    models.map { model in
                        .object([
                            ("name", .string(model.name)), ("learner", .string(model.learner)),
                            ("measure", .string(model.measure)),
                            ("less-is-better", .bool(model.lessIsBetter)),
                            ("baseline-name", .string(model.baselineName)),
                            ("values", Self.numbers(model.values)),
                            ("baselines", Self.numbers(model.baselines)),
                            ("errors", Self.numbers(model.errors)),
                        ])
                    })
            ),
            (
                "marks",
                .array(
                    marks.map {
                        .object([
                            ("time", .integer($0.time)), ("applied", .integer($0.applied)),
                            ("model", .string($0.model)), ("text", .string($0.text)),
                        ])
                    })
            ),
        ])
    }

    private static func numbers(_ numbers: [Double?]) -> JSON {
        .array(numbers.map { .optional($0, JSON.double) })
    }
}
