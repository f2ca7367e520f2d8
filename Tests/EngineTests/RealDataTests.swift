import Events
import Factors
import Foundation
import Testing

@testable import Engine

/// MovieLens, where it is: `../shared/data`, or the folder named by `FRESHET_TEST_DATA`.
@Suite("Real ratings")
struct RealDataTests {
    private static var ratings: String {
        let named = ProcessInfo.processInfo.environment["FRESHET_TEST_DATA"].map { URL(filePath: $0) }
        let folder = named ?? URL(filePath: #filePath).appending(path: "../../../../shared/data")
        return folder.appending(path: "ml-latest-small/ratings.csv").standardizedFileURL.path
    }

    private func movieLens() throws -> [Event]? {
        guard FileManager.default.fileExists(atPath: Self.ratings) else {
            print("skipped: no data at \(Self.ratings)")
            return nil
        }
        let file = try EventFile.open(Self.ratings, options: EventOptions())
        var events: [Event] = []
        while let entry = try file.next() {
            if case .event(let event) = entry { events.append(event) }
        }
        let order = events.indices.sorted { (events[$0].time ?? 0, $0) < (events[$1].time ?? 0, $1) }
        return order.map { events[$0] }
    }

    @Test("on ml-latest-small both models beat their baselines over the last fifth, and all is finite")
    func beatsBaselines() throws {
        guard let events = try movieLens() else { return }
        var options = EngineOptions()
        options.factors = 16
        options.shards = 2
        options.scoreWindowEvents = events.count / 5
        let state = learned(batches(events, sizes: [1_000]), options)
        #expect(state.counters.applied == 100_836)
        let (stars, likes) = (state.models[0].score.window, state.models[1].score.window)
        // Over the last fifth, squared errors: the means baseline stands at about 0.75.
        #expect(stars.count > 19_000 && stars.model < 0.96 * stars.baseline)
        #expect(likes.count > 1_500 && likes.model > 1.05 * likes.baseline)
        for model in state.models {
            #expect(model.rejected == 0)
            for item in 0..<model.items.count {
                let row = model.items.row(item)
                #expect(row.dot(row).isFinite && row.bias.isFinite)
            }
        }
        for shard in state.shards {
            for table in shard.tables {
                for user in 0..<table.count { #expect(table.row(user).dot(table.row(user)).isFinite) }
            }
        }
    }
}
