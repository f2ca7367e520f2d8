import Engine
import EngineSupport
import Events
import Factors
import Foundation
import Learners
import LiveScores
import State
import Testing

@testable import StreamLearning

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

    /// Two shards take batches out of order and draw from half of the items: they may be worse, and not below the baseline.
    @Test(
        "on ml-latest-small all learners beat their baselines over the last fifth, and all is finite",
        arguments: [(shards: 1, lead: 1.1), (shards: 2, lead: 1.02)])
    func beatsBaselines(shards: Int, lead: Double) throws {
        guard let events = try movieLens() else { return }
        var options = EngineOptions()
        options.state.shards = shards
        options.state.scoreWindowEvents = events.count / 5
        let positive = PositiveRule(ratingMin: 4)
        options.state.models =
            Array(ModelOptions.defaults.prefix(2)) + [
                ModelOptions(name: "warped", learner: .warp(.live, positive: positive)),
                ModelOptions(name: "solved", learner: .als(.live, positive: positive)),
            ]
        let state = learned(batches(events, sizes: [1_000]), options)
        #expect(state.counters.applied == 100_836)
        let stars = state.models[0].score.window
        // Over the last fifth, squared errors: the means baseline stands at about 0.75.
        #expect(stars.count > 19_000 && stars.model < 0.96 * stars.baseline)
        for model in state.models.dropFirst() {
            let window = model.score.window
            #expect(
                window.count > 500 && window.model > lead * window.baseline,
                "\(model.options.name) \(window.model / window.baseline)")
            #expect(!model.losesToBaseline)
        }
        for model in state.models {
            #expect(model.rejected == 0)
            for item in 0..<model.items.count {
                let row = model.items.row(item)
                #expect(row.dot(row).isFinite && row.bias.isFinite)
            }
        }
        for shard in state.shards {
            for table in shard.tables + shard.longTerm.compactMap(\.self) {
                for user in 0..<table.count { #expect(table.row(user).dot(table.row(user)).isFinite) }
            }
        }
    }
}
