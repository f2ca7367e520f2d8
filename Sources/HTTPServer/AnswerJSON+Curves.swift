import Vitals

extension AnswerJSON {
    static func curves(_ curves: ScoreCurves) -> JSON {
        .object([
            ("times", .array(curves.times.map(JSON.integer))),
            ("applied", .array(curves.applied.map(JSON.integer))),
            (
                "models",
                .array(
                    curves.models.map { model in
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
                    curves.marks.map {
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
