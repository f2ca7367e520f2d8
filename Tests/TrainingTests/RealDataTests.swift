import Events
import Factors
import Foundation
import Learners
import Testing

@testable import Training

/// MovieLens, where it is: `../shared/data`, or the folder named by `FRESHET_TEST_DATA`.
@Suite("Training on real ratings")
struct RealDataTests {
    /// The first quarter of ML-1M's users: enough to tell neighbours, few enough for a debug build.
    private struct MovieLens {
        var ratings: Interactions
        var users: [String]
        var items: [String]
        var tags: [String: [String]] = [:]

        var likes: Interactions { ratings.filter { ratings.values[$0] >= 4 }.mapValues { _ in 1 } }

        static let usersMax = 1_500

        static let shared: MovieLens? = {
            let named = ProcessInfo.processInfo.environment["FRESHET_TEST_DATA"].map { URL(filePath: $0) }
            let folder = (named ?? URL(filePath: #filePath).appending(path: "../../../../shared/data"))
                .appending(path: "ml-1m").standardizedFileURL
            let path = folder.appending(path: "ratings.csv.gz").path
            guard FileManager.default.fileExists(atPath: path) else {
                print("skipped: no data at \(path)")
                return nil
            }
            return try? MovieLens(path: path, movies: folder.appending(path: "movies.dat").path)
        }()

        init(path: String, movies: String) throws {
            var builder = InteractionsBuilder<String>()
            let file = try EventFile.open(path, options: EventOptions())
            while builder.users.count <= Self.usersMax, let entry = try file.next() {
                guard case .event(let event) = entry, case .rating(let user, let item, let value) = event.kind
                else { continue }
                builder.add(user: user.string, item: item.string, value: value, time: event.time ?? 0)
            }
            (ratings, users, items) = (builder.build(), builder.users, builder.items)
            let described = try EventFile.open(movies, options: EventOptions())
            while let entry = try described.next() {
                guard case .event(let event) = entry, case .item(let item) = event.kind else { continue }
                tags[item.item.string] = item.tags ?? []
            }
        }
    }

    /// Fewer factors and epochs than one would train with, and the rates that go with them.
    private func trainer(_ name: Algorithm.Name) -> (trainer: Trainer, epochs: Int) {
        let preset = Algorithm.Preset.preset(name)
        var (trainer, epochs) = (preset.trainer(factors: 32, shards: 2), preset.epochs)
        switch trainer.algorithm {
        case .sgd(var options):
            (options.learningRate, options.biasLearningRate) = (0.04, 0.02)
            (trainer.algorithm, epochs) = (.sgd(options), 15)
            trainer.initialScale = 1
        case .bpr: epochs = 30
        case .warp(var options):
            options.learningRate = 0.004
            (trainer.algorithm, epochs) = (.warp(options), 15)
        case .mlp: epochs = 5
        case .als: epochs = 4
        }
        return (trainer, epochs)
    }

    private func nearest(_ item: Int, in table: FactorTable, count: Int) -> [Int] {
        let row = table.row(item)
        func cosine(_ other: Int) -> Float {
            let other = table.row(other)
            return row.dot(other) / max(1e-12, (row.dot(row) * other.dot(other)).squareRoot())
        }
        let cosines = (0..<table.count).map(cosine)
        return Array(
            (0..<table.count).filter { $0 != item }.sorted { cosines[$0] > cosines[$1] }.prefix(count))
    }

    /// Of a network alone not: it looks at a row as it likes, and its angle to others means little.
    @Test(
        "the ten nearest of Toy Story hold Toy Story 2 and A Bug's Life, and user 4 is offered action",
        arguments: Algorithm.Name.allCases.filter { $0 != .mlp })
    func seedsAgree(name: Algorithm.Name) throws {
        guard let data = MovieLens.shared else { return }
        let (trainer, epochs) = trainer(name)
        let model = try trainer.train(
            name.predictsRatings ? data.ratings : data.likes, epochsMax: epochs, seen: data.ratings)
        let toyStory = try #require(data.items.firstIndex(of: "1"))
        let near = nearest(toyStory, in: model.items, count: 10).map { data.items[$0] }
        #expect(near.contains("3114"), "Toy Story 2")
        #expect(near.contains("2355"), "A Bug's Life")

        // A list by predicted rating is one of masterpieces, whoever asks: that is asked of the rankers alone.
        guard !name.predictsRatings else { return }
        let user = try #require(data.users.firstIndex(of: "4"))
        let seen = data.ratings.grouped(by: .user)
        var scores: [Float] = []
        model.scores(user: user, into: &scores)
        let best = (0..<scores.count).filter { !seen.contains(user, Int32($0)) }
            .sorted { scores[$0] > scores[$1] }.prefix(10)
        let wanted = best.count { item in
            let tags = data.tags[data.items[item]] ?? []
            return tags.contains("Action") || tags.contains("Sci-Fi")
        }
        #expect(wanted > 5)
    }
}
