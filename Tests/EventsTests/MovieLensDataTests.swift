import Events
import Foundation
import Testing

/// Reads the real data sets where they are (`../shared/data`, or the folder named by `FRESHET_TEST_DATA`).
@Suite("Reading the real MovieLens files")
struct MovieLensDataTests {
    private static let folder: URL = {
        if let path = ProcessInfo.processInfo.environment["FRESHET_TEST_DATA"] { return URL(filePath: path) }
        return URL(filePath: #filePath).appending(path: "../../../../shared/data").standardizedFileURL
    }()

    @Test(
        "every line is an event",
        arguments: [
            ("ml-latest-small/ratings.csv", 100_836), ("ml-latest-small/movies.csv", 9_742),
            ("ml-1m/ratings.csv.gz", 1_000_209), ("ml-1m/movies.dat", 3_883),
            ("ml-1m/users.dat", 6_040), ("movieId_genres_keywords.csv.gz", 86825),
            ("nchah-100k/ml-ratings-100k-sample.csv", 100_000),
        ])
    func counts(name: String, count: Int) throws {
        let path = Self.folder.appending(path: name).path
        guard FileManager.default.fileExists(atPath: path) else {
            print("skipped: no data at \(path)")
            return
        }
        let file = try EventFile.open(path, options: EventOptions())
        var events = 0
        while let entry = try file.next() {
            guard case .event = entry else {
                Issue.record("\(entry)")
                return
            }
            events += 1
        }
        #expect(events == count)
    }
}
