import Evaluation
import Reporting
import Settings

// The header: what was learned, what is tested, and what a reader has to know.
extension BatchEvaluation {
    func describe(
        _ setup: EvaluationProtocol, _ rule: SplitRule, _ split: Split, _ tasks: [RankingTask]
    ) -> EvaluationProtocol {
        var setup = describe(setup)
        setup.add(
            "split",
            rule.description
                + (options.isValidation
                    ? " and left unread; out of the rest, \(Self.validationRule(rule).description)" : ""))
        let test = options.isValidation ? "validation" : "test"
        setup.add(
            "parts",
            "\(NumberText.grouped(split.train.count)) events to learn, \(NumberText.grouped(split.test.count)) for \(test)"
        )
        let users = Set(split.train.map(\.user)), items = Set(split.train.map(\.item))
        let newUsers = Set(split.test.map(\.user)).subtracting(users).count
        let newItems = Set(split.test.map(\.item)).subtracting(items).count
        setup.add(
            "unknown",
            "\(NumberText.grouped(newUsers)) users and \(NumberText.grouped(newItems)) items of the \(test) part are not in "
                + "training; they count like all others")
        if let given = options.given, given.unknownPairs + given.unknownNegatives > 0 {
            setup.warnings.append(
                "the file of negatives names \(NumberText.grouped(given.unknownPairs)) pairs and "
                    + "\(NumberText.grouped(given.unknownNegatives)) negatives that the events do not know")
        }
        if tasks.allSatisfy(\.users.isEmpty) {
            setup.warnings.append("nothing to rank: no held-out event is liked (\(options.positive.text))")
        }
        if tasks.contains(where: \.candidates.isSampled) {
            setup.warnings.append(
                "numbers against sampled negatives flatter every model and may change their order "
                    + "(Krichene and Rendle 2020)")
        }
        return setup
    }

    func describe(_ setup: EvaluationProtocol, _ algorithms: [EvaluatedAlgorithm]) -> EvaluationProtocol {
        let trained = algorithms.compactMap(\.training)
        guard !trained.isEmpty else { return setup }
        var setup = setup
        setup.add("trained", trained.joined(separator: "; ") + "; what is not said is the preset's")
        return setup
    }

    func describe(_ setup: EvaluationProtocol) -> EvaluationProtocol {
        var setup = setup
        let found = dataset.findings
        setup.add(
            "data",
            "\(NumberText.grouped(dataset.observations.count)) pairs of \(NumberText.grouped(dataset.userIDs.count)) users and "
                + "\(NumberText.grouped(dataset.itemIDs.count)) items, \(NumberText.grouped(dataset.positives)) liked"
        )
        let counts = [
            ("duplicates", found.duplicates), ("superseded by a later one", found.superseded),
            ("clicks on rated items", found.outranked), ("taken back", found.retracted),
            ("with a time before the row above", found.backwards), ("without a time", found.timeless),
        ]
        let said = counts.filter { $0.1 > 0 }.map { "\(NumberText.grouped($0.1)) \($0.0)" }
        let all = ["\(NumberText.grouped(found.events)) events"] + (said.isEmpty ? ["no duplicates"] : said)
        setup.add("events", all.joined(separator: ", "))
        return setup
    }
}
