import ArgumentParser
import Evaluation
import Events
import Foundation
import Settings
import Testing

@testable import EvaluationRuns
@testable import freshet

/// MovieLens, where it is: `../shared/data`, or the folder named by `FRESHET_TEST_DATA`.
@Suite("freshet evaluate on real ratings")
struct MovieLensTests {
    private func folder(_ name: String) -> URL? {
        let named = ProcessInfo.processInfo.environment["FRESHET_TEST_DATA"].map { URL(filePath: $0) }
        let data = named ?? URL(filePath: #filePath).appending(path: "../../../../shared/data")
        let folder = data.appending(path: name).standardizedFileURL
        guard FileManager.default.fileExists(atPath: folder.path) else {
            print("skipped: no data at \(folder.path)")
            return nil
        }
        return folder
    }

    private func report(_ arguments: [String]) throws -> EvaluationReport {
        let command = try EvaluateCommand.parse(["--bootstrap", "20"] + arguments)
        return try EvaluationRun(request: command.request, progress: EvaluationProgress()).report()
    }

    @Test("popularity has its published figures on the split of He et al. with the given negatives")
    func published() throws {
        guard let folder = folder("ml-1m") else { return }
        let input = try EvaluationInput(
            paths: [folder.appending(path: "ratings.csv.gz").path], format: nil, filter: .any,
            options: EventOptions(), onBadLine: { _ in })
        let dataset = input.dataset(positive: .any)
        let given = try NegativesFile(
            path: folder.appending(path: "ncf.test.negative.gz").path, users: "+1",
            items: folder.appending(path: "ncf_item_to_movieId.csv").path
        ).read(dataset)
        let split = try Split(dataset.observations, rule: .given(given.pairs), seed: 1)
        #expect(split.test.count == 6_040)
        let pairs = given.entries.flatMap { entry in entry.negatives.map { (entry.user, $0) } }
        let task = RankingTask(
            dataset: dataset, split: split,
            candidates: .given(ItemLists(users: dataset.userIDs.count, pairs: pairs)), depths: [10])
        let popularity = PopularityRecommender(train: split.train, items: dataset.itemIDs.count)
        let sheet = try task.measure(popularity, workers: 2)
        let (hits, gain) = (try #require(sheet.value(.hitRate(10))), try #require(sheet.value(.ndcg(10))))
        #expect(abs(hits - 0.454) < 0.002 && abs(gain - 0.255) < 0.002)
    }

    @Test("on ml-latest-small, five stars in time order, popularity is far above chance and far below one")
    func prequential() throws {
        guard let folder = folder("ml-latest-small") else { return }
        let report = try report([
            "--input", folder.appending(path: "ratings.csv").path, "--protocol", "prequential", "--factors",
            "16",
            "--filter", "rating >= 5", "--algorithm", "bpr",
        ])
        #expect(report.fact("events") == "13,211")
        let popularity = try #require(report.value("full ranking", "popularity", .recall(10)))
        let random = try #require(report.value("full ranking", "random", .recall(10)))
        #expect(popularity > 5 * random && popularity < 0.2)
        #expect(report.value("full ranking", "bpr", .auc).map { $0 > 0.6 } == true)
    }
}
