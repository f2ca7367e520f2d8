internal import ArgumentParser
internal import BenchmarkSupport
internal import Events
internal import ForgettingRuns
internal import Foundation

/// What a retraction leaves in rows, with and without `engine.retract: correct`.
struct RetractBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retract",
        abstract: "How far rows are from those of a run that never saw what was taken back.",
        discussion: """
            A file of ratings is learned in the order of time by sgd (stars) and bpr (likes) up to an event, four times: with it; \
            with it taken back, without a step and with one; and without it. Distances are those of the event's user and \
            item to the last of these runs, as shares of the length of the row there, means over events drawn at random.

            EXAMPLES
              freshet-bench retract ml-latest-small/ratings.csv
            """)

    @Argument(help: "A file of ratings.") var file: String
    @Option(help: "Events that are taken back, each by itself.") var count = 40
    @Option(help: "Of the choice of events.") var seed: UInt64 = 1

    func validate() throws {
        guard count > 0 else { throw ValidationError("count must be above 0") }
    }

    func run() throws {
        let trial = RetractTrial(try RatingStream.events(file), count: count, seed: seed) {
            FileHandle.standardError.write(Data("event \($0 + 1)\r".utf8))
        }
        Report.say("model  taken back          rows      kept  forget  correct")
        for line in trial.lines {
            for (name, found) in [("users", line.users), ("items", line.items)] {
                Report.say(
                    Report.columns(
                        [(line.model, 7), (line.when.rawValue, 20), (name, 6)],
                        [found.kept, found.forgotten, found.corrected]))
            }
        }
    }
}

/// What items' rows tell of who was forgotten.
struct MembershipBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "membership",
        abstract: "How well items' rows tell whether somebody who is forgotten was in the stream.",
        discussion: """
            Each run learns a file of ratings from a half of the users who stay and a quarter who are then forgotten; a quarter \
            never comes. An attacker who knows what somebody rated looks how much these items' rows lie together, less what \
            they do in runs without that user, and says who was in the stream. The figure is the area under the curve, the \
            probability that it puts one who was before one who was not; .5 is guessing.

            EXAMPLES
              freshet-bench membership ml-latest-small/ratings.csv
            """)

    @Argument(help: "A file of ratings.") var file: String
    @Option(help: "Runs, each with other parts of the users.") var runs = 16
    @Option(help: "Of the parts.") var seed: UInt64 = 1

    func validate() throws {
        guard runs >= 4 else { throw ValidationError("runs must be 4 or more") }
    }

    func run() throws {
        let trial = MembershipTrial(try RatingStream.events(file), runs: runs, seed: seed) {
            FileHandle.standardError.write(Data("run \($0 + 1)\r".utf8))
        }
        Report.say("\(trial.users) users, \(runs) runs: area under the curve, ± 95 %")
        Report.say("model    before FORGET     after it          after the rest of the stream")
        for line in trial.lines {
            let areas = line.areas.map { String(format: "%.3f ± %.3f   ", $0.mean, $0.error) }
            Report.say(
                line.model.padding(toLength: 9, withPad: " ", startingAt: 0) + areas.joined(separator: "  "))
        }
    }
}

private enum RatingStream {
    /// In the order of time.
    static func events(_ path: String) throws -> [Event] {
        let file = try EventFile.open(path, options: EventOptions())
        var events: [Event] = []
        while let entry = try file.next() {
            guard case .event(let event) = entry, case .rating = event.kind else { continue }
            events.append(event)
        }
        return events.enumerated().sorted {
            ($0.element.time ?? 0, $0.offset) < ($1.element.time ?? 0, $1.offset)
        }.map(\.element)
    }
}

extension Report {
    fileprivate static func columns(_ texts: [(String, Int)], _ numbers: [Double]) -> String {
        texts.map { $0.padding(toLength: $1, withPad: " ", startingAt: 0) }.joined()
            + numbers.map { String(format: "%8.3f", $0) }.joined()
    }
}
