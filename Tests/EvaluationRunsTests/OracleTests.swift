import ArgumentParser
import Evaluation
import Events
import Foundation
import InventedWorlds
import Reporting
import Testing

@testable import EvaluationRuns
@testable import freshet

@Suite("freshet evaluate beside an oracle, and with repeats")
struct OracleTests {
    private static let models = ["popular", "trending", "repeat", "next", "als", "bpr"]

    @Test("no model beats the oracle of an invented world", arguments: InventedWorld.Name.allCases)
    func unbeaten(name: InventedWorld.Name) throws {
        let report = try evaluated(
            name, events: 8_000, ["--factors", "16"] + Self.models.flatMap { ["--algorithm", $0] })
        let ranking = try #require(report.section("full ranking"))
        let oracle = try #require(ranking.finding("oracle", .recall(10)))
        #expect(oracle.isOracle && !oracle.isBaseline && oracle.value > 0.15)
        #expect(oracle.againstBaseline == nil && oracle.share == nil)
        for algorithm in Self.models + ["popularity", "random"] {
            for metric in [Metric.recall(10), .ndcg(10), .mrr(10)] {
                let finding = try #require(ranking.finding(algorithm, metric))
                let share = try #require(finding.share)
                let best = try #require(ranking.finding("oracle", metric))
                #expect(finding.count == oracle.count)
                #expect(abs(share.value - finding.value / best.value) < 1e-9)
                // On the same events; by chance a model may be ahead on a few of them.
                #expect((share.interval?.lowerBound ?? share.value) < 1, "\(algorithm) \(metric.name)")
                #expect(share.value < 1.02, "\(algorithm) \(metric.name)")
            }
        }
        #expect(report.text.contains("of the best possible") && report.text.contains("no model can beat"))
    }

    @Test("the best possible that simulate tells is what evaluate measures")
    func same() throws {
        var summary = TruthSummary()
        var world = try InventedWorld(options(.shop, events: 5_000))
        while let event = try world.next() {
            if case .item = event.kind { continue }
            summary.add(world.truth)
        }
        let report = try evaluated(.shop, events: 5_000, ["--algorithm", "repeat"])
        let all = try #require(report.section("full ranking")?.finding("oracle", .recall(10)))
        #expect(all.count == summary.allowed.events && abs(all.value - summary.allowed.reached) < 1e-9)
        let title = "new to the user, among what is new"
        let new = try #require(report.section(title)?.finding("oracle", .recall(10)))
        #expect(new.count == summary.new.events && abs(new.value - summary.new.reached) < 1e-9)
    }

    @Test("an oracle of other events is refused")
    func other() throws {
        let folder = try EvaluationFolder()
        let (events, _) = try write(.news, events: 300, to: folder, seed: 1)
        let (_, oracle) = try write(.news, events: 300, to: folder, seed: 2)
        let (_, own) = try write(.news, events: 300, to: folder, seed: 1)
        let text = try String(contentsOfFile: own, encoding: .utf8)
        let short = try folder.write(
            "short.csv", text.split(separator: "\n").dropLast(5).joined(separator: "\n"))
        let long = try folder.write("long.csv", text + "u1,i1,,,,,,\n")
        for (path, part) in [
            (oracle, "belongs to other events"), (short, "wanted is a line of"),
            (long, "after the last event"),
            (events, "not what freshet simulate --oracle writes"),
        ] {
            let error = #expect(throws: CommandError.self) { try run(events, ["--oracle", path]) }
            #expect(error?.code == .data && error?.message.contains(part) == true, "\(part)")
        }
    }

    @Test("an event that the oracle does not take as liked is refused where it is ranked")
    func otherRule() throws {
        let error = #expect(throws: CommandError.self) {
            try evaluated(.films, events: 1_000, ["--positive", "any"])
        }
        #expect(error?.message.contains("rating >= 4") == true)
    }

    @Test("repeats and what is new to its user are told apart, and add up to all")
    func parts() throws {
        let report = try evaluated(
            .shop, events: 4_000, ["--algorithm", "repeat", "--algorithm", "bpr", "--factors", "8"])
        let titles = report.sections.map(\.title)
        #expect(
            titles == [
                "full ranking", "repeats", "new to the user", "new to the user, among what is new",
                "new items", "items nobody has taken", "items nobody has taken, among such",
            ])
        func recall(_ title: String, _ algorithm: String = "repeat") throws -> Finding {
            try #require(report.section(title)?.finding(algorithm, .recall(10)))
        }
        let (all, again, new) = (
            try recall("full ranking"), try recall("repeats"), try recall("new to the user")
        )
        #expect(all.count == again.count + new.count && again.count > 0 && new.count > 0)
        let sum = again.value * Double(again.count) + new.value * Double(new.count)
        #expect(abs(all.value - sum / Double(all.count)) < 1e-9)
        #expect(again.interval != nil && new.interval != nil)
        // Without the repeats in the way, what is new can only rise.
        let alone = try recall("new to the user, among what is new")
        #expect(alone.count == new.count && alone.value > new.value)
        // The oracle of all events is no bound for a part of them.
        #expect(report.section("repeats")?.finding("oracle", .recall(10)) == nil)
        let json = try report.jsonLines()
        #expect(json.contains(#""candidates":"repeats""#) && json.contains(#""of-best-possible""#))
        #expect(json.contains(#""against-best-other""#) && json.contains(#""oracle":true"#))
    }

    @Test("a lead is over the best of all others, whoever that is")
    func lead() throws {
        let report = try evaluated(
            .shop, events: 4_000, ["--algorithm", "next", "--algorithm", "repeat", "--algorithm", "popular"])
        let ranking = try #require(report.section("full ranking"))
        let (best, second) = (
            try #require(ranking.finding("repeat", .recall(10))),
            try #require(ranking.finding("next", .recall(10)))
        )
        #expect(second.againstOther?.against == "repeat")
        let lead = try #require(best.againstOther)
        #expect(lead.difference > 0 && lead.isClear && lead.against != "repeat" && lead.against != "oracle")
        let other = try #require(ranking.finding(lead.against, .recall(10)))
        #expect(abs(lead.difference - (best.value - other.value)) < 1e-9)
        for finding in ranking.findings where finding.metric == .recall(10) && !finding.isOracle {
            #expect(finding.algorithm == "repeat" || finding.value <= other.value)
        }
        #expect(ranking.finding("popularity", .recall(10))?.againstOther == nil)
        #expect(report.text.contains("less the best of all others"))
    }

    @Test("a sample of the events is ranked, all are learned, and the report says so")
    func sample() throws {
        let all = try evaluated(.news, events: 4_000, ["--algorithm", "trending"])
        let part = try evaluated(.news, events: 4_000, ["--algorithm", "trending", "--sample", "4"])
        func finding(_ report: EvaluationReport) throws -> Finding {
            try #require(report.section("full ranking")?.finding("trending", .recall(10)))
        }
        let (whole, drawn) = (try finding(all), try finding(part))
        #expect((0.2...0.3).contains(Double(drawn.count) / Double(whole.count)))
        #expect(abs(drawn.value - whole.value) < 0.06)
        #expect(part.fact("ranked")?.contains("one in 4 drawn by the seed") == true)
        #expect(all.fact("ranked")?.contains("drawn") == false)
    }

    @Test("leave-one-out with repeats holds out each user's last basket, for which what was taken competes")
    func baskets() throws {
        // Three users buy 1 and 2 again and again, each time together with something new.
        var lines: [String] = []
        for time in 1...6 {
            for user in 1...3 {
                for item in [1, 2, 10 * time + user] {
                    lines.append(
                        #"{"type":"signal","user":"u\#(user)","item":"i\#(item)","signal":"click","ts":\#(time * 1_000)}"#
                    )
                }
            }
        }
        // One who bought once stays among what is learned.
        lines.append(#"{"type":"signal","user":"u9","item":"i1","signal":"click","ts":9000}"#)
        let report = try EvaluationRunsTests.evaluated(
            lines.joined(separator: "\n"), name: "events.jsonl",
            [
                "--protocol", "leave-one-out", "--seen", "allow", "--algorithm", "popular", "--algorithm",
                "bpr",
                "--factors", "8", "--at", "2",
            ])
        #expect(report.fact("split")?.contains("3 users have one before it") == true)
        #expect(report.fact("learned")?.hasPrefix("46 events") == true)
        let again = try #require(report.section("repeats")?.finding("popular", .recall(2)))
        #expect(again.count == 6 && again.value == 1)
        // The three new items were never heard of: misses for everybody.
        #expect(report.section("full ranking")?.finding("popular", .recall(2))?.value == 6.0 / 9)
        #expect(report.fact("unknown items")?.hasPrefix("3 ") == true)
        #expect(report.section("full ranking")?.algorithms == ["popular", "bpr", "popularity", "random"])
    }

    @Test("baskets that no user has two of are no test")
    func oneBasket() {
        let lines = (1...4).map {
            #"{"type":"signal","user":"u\#($0)","item":"i\#($0)","signal":"click","ts":5}"#
        }
        #expect(throws: EvaluationError.self) {
            try EvaluationRunsTests.evaluated(
                lines.joined(separator: "\n"), name: "events.jsonl",
                ["--protocol", "leave-one-out", "--seen", "allow"])
        }
    }

    // MARK: - Worlds as files

    private func options(_ name: InventedWorld.Name, events: Int, seed: UInt64 = 1) -> InventedWorld.Options {
        InventedWorld.Options(name, users: 60, items: 80, events: events, seed: seed, tellsTruth: true)
    }

    private func write(
        _ name: InventedWorld.Name, events: Int, to folder: EvaluationFolder, seed: UInt64 = 1
    ) throws -> (events: String, oracle: String) {
        var world = try InventedWorld(options(name, events: events, seed: seed))
        var (lines, truths): ([String], [String]) = ([], [TruthLine.header])
        while let event = try world.next() {
            lines.append(String(decoding: EventEncoder.encode(event, options: EventOptions()), as: UTF8.self))
            switch event.kind {
            case .rating(let user, let item, _), .signal(let user, let item, _):
                truths.append(TruthLine(user: user.string, item: item.string, truth: world.truth).text)
            default: break
            }
        }
        let file = "\(name)-\(events)-\(seed)"
        return (
            try folder.write(file + ".jsonl", lines.joined(separator: "\n") + "\n"),
            try folder.write(file + ".csv", truths.joined(separator: "\n") + "\n")
        )
    }

    private func run(_ events: String, _ arguments: [String]) throws -> EvaluationReport {
        let command = try EvaluateCommand.parse(
            ["--input", events, "--bootstrap", "100", "--protocol", "prequential"] + arguments)
        var request = command.request
        request.events.signals = ["click": 1, "purchase": 1]
        return try EvaluationRun(request: request, progress: EvaluationProgress()).report()
    }

    private func evaluated(
        _ name: InventedWorld.Name, events: Int, _ arguments: [String]
    ) throws -> EvaluationReport {
        let folder = try EvaluationFolder()
        let files = try write(name, events: events, to: folder)
        return try run(
            files.events,
            ["--oracle", files.oracle, "--seen", name.repeats ? "allow" : "exclude"] + arguments)
    }
}
