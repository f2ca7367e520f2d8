import ArgumentParser
import Evaluation
import Foundation
import Reporting
import Testing

@testable import EvaluationRuns
@testable import freshet

@Suite("freshet evaluate --protocol similarity")
struct SimilarityTests {
    private func report(_ arguments: [String]) throws -> EvaluationReport {
        let folder = try EvaluationFolder()
        let ratings = try folder.write("ratings.csv", twoTastes(users: 60, movies: 40, each: 30))
        let rows = (0..<40).map {
            "\($0),Film \($0) (199\($0 % 10)),(no genres listed),"
                + "\($0 % 2 == 0 ? "even" : "odd")|of \($0 % 7)|of \($0 % 5)|of \($0 % 11)\n"
        }
        let movies = try folder.write("movies.csv", "movieId,title,genres,tmdb_keywords\n" + rows.joined())
        let command = try EvaluateCommand.parse(
            ["--input", movies, "--input", ratings, "--bootstrap", "50", "--protocol", "similarity"]
                + arguments)
        return try EvaluationRun(request: command.request, progress: EvaluationProgress()).report()
    }

    @Test(
        "what is learned of tags tells which films are rated alike, held-out ones too, better than the tags' cosine"
    )
    func heldOut() throws {
        let algorithm = "content-similarity:hidden=20,factors=8,epochs=150,learning-rate=0.01,dropout=0.2"
        let report = try report(["--ratings-min", "5", "--algorithm", algorithm])
        #expect(report.sections.count == 2)
        for section in ["pairs that were learned", "pairs with an item that was held out"] {
            let own = try #require(report.section(section)?.finding(algorithm, .pearson))
            let raw = try #require(report.value(section, "tag-cosine", .pearson))
            #expect(own.value > raw && own.interval != nil)
            #expect(own.againstBaseline?.isClear == true && own.verdict == 1)
        }
        #expect(report.fact("items") == "40 of 5 ratings or more, 8 of them held out")
        #expect(report.text.contains("Pearson"))
        #expect(try report.jsonLines().contains("\"metric\":\"Pearson\""))
    }

    @Test(
        "what cannot be asked is refused in words",
        arguments: [
            (["--protocol", "holdout", "--ratings-min", "5"], "--ratings-min is for --protocol similarity"),
            (["--protocol", "similarity", "--ratings-min", "1"], "--ratings-min is 1"),
            (["--protocol", "similarity", "--output", "x.csv"], "similarity has none"),
        ])
    func refusals(arguments: [String], words: String) throws {
        let error = #expect(throws: (any Error).self) {
            try EvaluateCommand.parse(["--input", "x.csv"] + arguments)
        }
        #expect(EvaluateCommand.message(for: try #require(error)).contains(words))
    }

    @Test("another algorithm, and items of so many ratings that there are not, are refused")
    func otherAlgorithms() throws {
        for (arguments, words) in [
            (["--algorithm", "sgd"], "judges content-similarity"),
            (["--algorithm", "content-similarity:depth=3"], "unknown setting 'depth'"),
        ] {
            let error = #expect(throws: CommandError.self) { try report(arguments) }
            #expect(error?.message.contains(words) == true)
        }
        #expect(throws: EvaluationError.self) { try report([]) }
    }
}
