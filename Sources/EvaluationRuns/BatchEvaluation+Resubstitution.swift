import Evaluation
import Reporting

// Learning and testing on the same events.
extension BatchEvaluation {
    /// AUC over all cells, of what was learned itself.
    func resubstitution(
        _ algorithms: [EvaluatedAlgorithm], _ setup: EvaluationProtocol
    ) throws -> EvaluationReport {
        let liked = dataset.observations.filter(\.isPositive).map { ($0.user, $0.item) }
        let positives = ItemLists(users: dataset.userIDs.count, pairs: liked)
        var setup = describe(describe(setup, algorithms))
        setup.add("split", "none: learned and tested on the same events")
        setup.warnings.append(
            "this says how well a model remembers what it learned, not how well it predicts")
        var sheets: [ScoreSheet] = []
        var report = EvaluationReport(setup: setup, level: bootstrap.level)
        try forEach(algorithms, learning: dataset.observations, watch: nil, &report) { recommender in
            var sheet = ScoreSheet(name: recommender.name, isBaseline: recommender.isBaseline)
            let area = try CellAUC.measure(recommender, dataset: dataset, positives: positives, excluded: nil)
            if let area { sheet.set(.cellAUC, area) }
            sheets.append(sheet)
        }
        let cells = dataset.userIDs.count * dataset.itemIDs.count
        report.sections = [
            EvaluationSection(
                title: "all cells",
                note:
                    "\(NumberText.grouped(liked.count)) liked of \(NumberText.grouped(cells)) cells, in one ranking",
                comparison: Comparison(sheets, bootstrap: bootstrap))
        ]
        return report
    }
}
