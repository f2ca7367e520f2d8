import ArgumentParser
import Evaluation
import Events
import Foundation
import Reporting
import Settings
import Testing

@testable import EvaluationRuns
@testable import freshet

@Suite("freshet evaluate --hold-out")
struct ColdStartTests {
    /// Two tastes, and key words that tell which.
    private func report(_ arguments: [String]) throws -> EvaluationReport {
        let folder = try EvaluationFolder()
        let ratings = try folder.write("ratings.csv", twoTastes(users: 60, movies: 40, each: 30))
        let rows = (0..<40).map {
            "\($0),Film \($0) (199\($0 % 10)),(no genres listed),\($0 % 2 == 0 ? "even" : "odd")\n"
        }
        let movies = try folder.write("movies.csv", "movieId,title,genres,tmdb_keywords\n" + rows.joined())
        let command = try EvaluateCommand.parse(
            ["--input", movies, "--input", ratings, "--bootstrap", "50"] + arguments)
        return try EvaluationRun(request: command.request, progress: EvaluationProgress()).report()
    }

    @Test("what key words say is worth more than every mean, on items nobody has rated")
    func items() throws {
        let report = try report([
            "--hold-out", "items", "--splits", "2", "--algorithm", "features:feature-regularization=1",
            "--algorithm", "svd-ridge:factors=4,feature-regularization=1", "--algorithm", "sgd:epochs=5",
            "--algorithm", "simec:factors=4,learning-rate=0.05,regularization=0.01,feature-regularization=1",
        ])
        #expect(report.sections.count == 1)
        let section = "ratings of new items by known users"
        let own = try #require(report.value(section, "features:feature-regularization=1", .rmse))
        for baseline in [
            "plain-means:s=0.1", "plain-means:s=0.9", "plain-means:s=1.0", "means", "sgd:epochs=5",
        ] {
            #expect(own < (try #require(report.value(section, baseline, .rmse))), "\(baseline)")
        }
        let encoded = try #require(
            report.value(
                section, "simec:factors=4,learning-rate=0.05,regularization=0.01,feature-regularization=1",
                .rmse))
        #expect(encoded < (try #require(report.value(section, "plain-means:s=0.9", .rmse))))
        for metric in [Metric.mae, .rawRMSE, .rawMAE] {
            #expect(report.value(section, "features:feature-regularization=1", metric) != nil)
        }
        #expect(report.fact("described") == "40 of 40 items and 0 of 60 users")
        #expect(report.fact("split")?.contains("30 % of the items") == true)
        #expect(report.fact("RMSE of means")?.split(separator: " ").count == 2)
        #expect(report.text.contains("raw-RMSE"))
    }

    @Test("users are held out whole, and with items there are three kinds of cells")
    func usersAndBoth() throws {
        let users = try report(["--hold-out", "users", "--splits", "1", "--algorithm", "features:sweeps=2"])
        #expect(users.sections.map(\.title) == ["ratings of known items by new users"])
        let both = try report(["--hold-out", "both", "--splits", "3", "--algorithm", "features:sweeps=2"])
        #expect(
            both.sections.map(\.title) == [
                "all ratings held out", "ratings of new items by known users",
                "ratings of known items by new users", "ratings of new items by new users",
            ])
        let counts = both.sections.map { $0.comparison.findings[0].count }
        #expect(counts[0] == counts[1] + counts[2] + counts[3])
    }

    @Test("beside events held out, features stands among the algorithms that rank and rate")
    func plainHoldout() throws {
        let report = try report(["--test-fraction", "0.2", "--algorithm", "features:sweeps=2,factors=4"])
        #expect(report.value("ratings", "features:sweeps=2,factors=4", .rmse) != nil)
        #expect(report.value("full ranking", "features:sweeps=2,factors=4", .recall(10)) != nil)
    }

    @Test(
        "what cannot be asked is refused in words",
        arguments: [
            (["--hold-out", "items", "--by-time"], "--hold-out draws whole items or users"),
            (["--hold-out", "items", "--protocol", "prequential"], "--hold-out is for --protocol holdout"),
            (["--splits", "3"], "--splits is for --hold-out"),
            (["--hold-out", "items", "--splits", "0"], "--splits is 0, allowed is 1 to 100"),
        ])
    func refusals(arguments: [String], words: String) throws {
        let error = #expect(throws: (any Error).self) {
            try EvaluateCommand.parse(["--input", "x.csv"] + arguments)
        }
        #expect(EvaluateCommand.message(for: try #require(error)).contains(words))
    }

    @Test("an algorithm that predicts no ratings, and a setting that there is not, are refused")
    func otherAlgorithms() throws {
        for (argument, words) in [
            ("bpr:epochs=1", "it predicts no ratings"), ("simec:input=words", "features or identity"),
            ("features:epochs=3", "unknown setting 'epochs'"),
        ] {
            let error = #expect(throws: CommandError.self) {
                try report(["--hold-out", "items", "--algorithm", argument])
            }
            #expect(error?.message.contains(words) == true, "\(argument)")
        }
    }
}

@Suite("Descriptions on an evaluated stream")
struct DescribedStreamTests {
    @Test("what tables say comes right before the first event of its item or user, or all of it first")
    func placing() throws {
        let folder = try EvaluationFolder()
        let ratings = try folder.write(
            "ratings.csv", movieLens([(1, 10, 5, 1), (2, 20, 4, 2), (1, 20, 3, 3), (3, 10, 2, 4)]))
        let movies = try folder.write(
            "movies.csv", "movieId,title,genres\n20,B,Drama\n10,A,Drama\n99,Nobody's,Drama\n")
        let users = try folder.write("users.csv", "user,tags\n2,old\n9,nobody\n")
        let input = try EvaluationInput(
            paths: [movies, users, ratings], format: nil, filter: .any, options: EventOptions(),
            onBadLine: { _ in })
        let placed = input.describedStream(first: false).map(\.key.string)
        #expect(placed == ["10", "1", "2", "20", "2", "1", "3"])
        #expect(
            input.describedStream(first: true).map(\.key.string) == ["10", "2", "20", "1", "2", "1", "3"])
        #expect(input.stream.count == 4)
        let described = input.gathering.descriptions(of: input.dataset(positive: .any))
        #expect(
            described.items == [["Drama", "title:A"], ["Drama", "title:B"]]
                && described.users == [[], ["old"], []])
    }

    @Test("items of no event before are told apart, and every model ranks them among the same items")
    func untouched() throws {
        let folder = try EvaluationFolder()
        let ratings = try folder.write("ratings.csv", twoTastes(users: 40, movies: 200, each: 40))
        let rows = (0..<200).map { "\($0),Film,(no genres listed),\($0 % 2 == 0 ? "even" : "odd")\n" }
        let movies = try folder.write("movies.csv", "movieId,title,genres,tmdb_keywords\n" + rows.joined())
        func report(_ arguments: [String]) throws -> EvaluationReport {
            let command = try EvaluateCommand.parse(
                ["--input", movies, "--input", ratings, "--bootstrap", "50", "--protocol", "prequential"]
                    + arguments)
            return try EvaluationRun(request: command.request, progress: EvaluationProgress()).report()
        }
        let both = try report(["--algorithm", "sgd", "--algorithm", "sgd:priors=off", "--factors", "8"])
        #expect(both.fact("described")?.hasPrefix("200 descriptions") == true)
        for title in [
            "items nobody has taken", "ratings of items of no event before",
            "ratings of items of 1 to 5 events before",
        ] {
            #expect(both.section(title) != nil, "\(title)")
        }
        #expect(both.value("ratings", "sgd", .rmse) != both.value("ratings", "sgd:priors=off", .rmse))
    }
}
