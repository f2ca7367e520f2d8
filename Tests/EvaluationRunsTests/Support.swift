import ArgumentParser
import Evaluation
import Foundation

@testable import EvaluationRuns
@testable import freshet

/// Files of its own, gone with it.
final class EvaluationFolder {
    let path = NSTemporaryDirectory() + "freshet-evaluate-\(UUID().uuidString)"

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws -> String {
        let file = path + "/" + name
        try Data(text.utf8).write(to: URL(filePath: file))
        return file
    }
}

/// What `freshet evaluate --input FILE arguments` reports on a file with this text.
func evaluated(_ text: String, name: String = "ratings.csv", _ arguments: [String]) throws -> EvaluationReport
{
    let folder = try EvaluationFolder()
    let file = try folder.write(name, text)
    let command = try EvaluateCommand.parse(["--input", file, "--bootstrap", "50"] + arguments)
    return try EvaluationRun(request: command.request, progress: EvaluationProgress()).report()
}

/// MovieLens ratings; user, movie, rating, seconds.
func movieLens(_ rows: [(Int, Int, Double, Int)]) -> String {
    "userId,movieId,rating,timestamp\n" + rows.map { "\($0.0),\($0.1),\($0.2),\($0.3)\n" }.joined()
}

/// Users of two tastes in turn: those with even numbers like even movies, the others odd ones.
func twoTastes(users: Int = 30, movies: Int = 40, each: Int = 12) -> String {
    var rows: [(Int, Int, Double, Int)] = []
    for step in 0..<each {
        for user in 0..<users {
            let movie = (user * 7 + step * 3) % movies
            rows.append((user, movie, movie % 2 == user % 2 ? 5 : 2, step * users + user))
        }
    }
    return movieLens(rows)
}

extension EvaluationReport {
    func fact(_ name: String) -> String? { setup.facts.first { $0.name == name }?.value }
    func section(_ title: String) -> Comparison? { sections.first { $0.title == title }?.comparison }
    func value(_ title: String, _ algorithm: String, _ metric: Metric) -> Double? {
        section(title)?.finding(algorithm, metric)?.value
    }
}
