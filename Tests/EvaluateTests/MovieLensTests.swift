import ArgumentParser
import Evaluation
import Foundation
import Testing

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
        return try EvaluationRun(command: command, progress: EvaluationProgress()).report()
    }

    @Test("popularity has its published figures on the split of He et al. with the given negatives")
    func published() throws {
        guard let folder = folder("ml-1m") else { return }
        let report = try report([
            "--input", folder.appending(path: "ratings.csv.gz").path, "--protocol", "leave-one-out",
            "--positive", "any", "--negatives", folder.appending(path: "ncf.test.negative.gz").path,
            "--negatives-users", "+1", "--negatives-items",
            folder.appending(path: "ncf_item_to_movieId.csv").path,
        ])
        let hits = try #require(report.value("sampled: given negatives", "popularity", .hitRate(10)))
        let gain = try #require(report.value("sampled: given negatives", "popularity", .ndcg(10)))
        #expect(abs(hits - 0.454) < 0.002 && abs(gain - 0.255) < 0.002)
        // The same models against all items: a tenth of it.
        let full = try #require(report.value("full ranking", "popularity", .hitRate(10)))
        #expect(full < hits / 10)
    }

    @Test("on ml-latest-small in time order the live models stand as they do beside their baselines")
    func prequential() throws {
        guard let folder = folder("ml-latest-small") else { return }
        let report = try report([
            "--input", folder.appending(path: "ratings.csv").path, "--protocol", "prequential", "--factors",
            "16",
            "--algorithm", "sgd",
        ])
        let error = try #require(report.section("ratings")?.finding("sgd", .rmse))
        #expect(error.verdict == 1 && error.value < 0.93)
        let popularity = try #require(report.value("full ranking", "popularity", .recall(10)))
        let random = try #require(report.value("full ranking", "random", .recall(10)))
        #expect(popularity > 5 * random && popularity < 0.2)
    }
}
