import ArgumentParser
import Evaluation
import Events
import Foundation
import Reporting
import State
import Testing

@testable import EvaluationRuns
@testable import freshet

@Suite("freshet evaluate")
struct EvaluateTests {
    @Test("every protocol stands beside the baselines, and is printed with the numbers")
    func baselines() throws {
        for arguments in [[], ["--by-time"], ["--by-user"], ["--protocol", "leave-one-out"]] {
            let report = try evaluated(twoTastes(), ["--test-fraction", "0.2"] + arguments)
            let ranking = try #require(report.section("full ranking"))
            #expect(ranking.algorithms == ["popularity", "random", "means"])
            #expect(report.value("ratings", "means", .rmse) != nil)
            let text = report.text
            #expect(text.contains("held out") && text.contains("rating >= 4") && text.contains("recall@10"))
        }
    }

    @Test("each JSON record carries its protocol, its interval and whether it is sampled")
    func json() throws {
        let report = try evaluated(
            twoTastes(), ["--protocol", "leave-one-out", "--negatives", "5", "--at", "3"])
        let lines = try report.jsonLines().split(separator: "\n")
        #expect(lines.count > 20)
        var sampled = 0
        for line in lines {
            let record = try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect(record["protocol"] as? String == "leave-one-out")
            let setup = try #require(record["setup"] as? [String: String])
            #expect(setup["split"]?.contains("last positive") == true && setup["positive"] == "rating >= 4")
            let candidates = try #require(record["candidates"] as? String)
            let isSampled = try #require(record["sampled"] as? Bool)
            #expect(candidates.hasPrefix("sampled") == isSampled)
            if isSampled { sampled += 1 }
            guard record["metric"] as? String == "HR@3" else { continue }
            #expect((record["interval"] as? [Double])?.count == 2)
        }
        #expect(sampled > 0 && sampled < lines.count)
        #expect(report.text.contains("SAMPLED"))
    }

    @Test("several depths, each once")
    func depths() throws {
        let report = try evaluated(twoTastes(), ["--at", "5", "--at", "2", "--at", "5"])
        let metrics = try #require(report.section("full ranking")).findings.map(\.metric).uniqued
        #expect(metrics.filter { if case .recall = $0 { true } else { false } } == [.recall(2), .recall(5)])
    }

    @Test("a seed gives the same report again")
    func seeded() throws {
        func text(_ seed: String) throws -> [Double] {
            try #require(try evaluated(twoTastes(), ["--seed", seed]).section("full ranking")).findings.map(
                \.value)
        }
        #expect(try text("3") == text("3"))
        #expect(try text("3") != text("4"))
    }

    @Test("validation leaves the test part unread")
    func validation() throws {
        let whole = try evaluated(twoTastes(), ["--test-fraction", "0.2", "--by-time"])
        let part = try evaluated(twoTastes(), ["--test-fraction", "0.2", "--by-time", "--validation"])
        #expect(whole.fact("parts") == "288 events to learn, 72 for test")
        #expect(part.fact("parts") == "230 events to learn, 58 for validation")
    }

    @Test("given negatives name the pairs to leave out, by the ids of their maps")
    func given() throws {
        let folder = try EvaluationFolder()
        let negatives = try folder.write("test.negative", "(0,0)\t1\t2\n(1,1)\t0\t9\n")
        let map = try folder.write("map.csv", "number,movieId\n0,100\n1,200\n2,300\n")
        let ratings = movieLens([
            (1, 100, 5, 1), (1, 400, 5, 2), (2, 200, 4, 3), (2, 300, 4, 4), (3, 100, 5, 5),
        ])
        let report = try evaluated(
            ratings,
            [
                "--protocol", "leave-one-out", "--negatives", negatives, "--negatives-users", "+1",
                "--negatives-items", map, "--at", "1",
            ])
        #expect(report.fact("parts") == "3 events to learn, 2 for test")
        // User 1: 100 (one like) against 200 (none) and 300 (one): half a hit. User 2: 200 against 100: a miss.
        #expect(report.value("sampled: given negatives", "popularity", .hitRate(1)) == 0.25)
        #expect(report.setup.warnings.contains { $0.contains("1 negatives that the events do not know") })
    }

    @Test("resubstitution says that it flatters")
    func resubstitution() throws {
        let report = try evaluated(twoTastes(), ["--protocol", "resubstitution"])
        #expect(report.value("all cells", "random", .cellAUC).map { abs($0 - 0.5) < 0.1 } == true)
        #expect(report.setup.warnings.contains { $0.contains("remembers") })
    }

    // MARK: - Trained algorithms

    @Test(
        "each algorithm is trained, and beats popularity on two tastes",
        arguments: ["sgd", "bpr", "warp", "als"])
    func trained(name: String) throws {
        // So little data takes other settings than the presets.
        let more = ["als": ",alpha=5,regularization=1", "warp": ",learning-rate=0.02,regularization=0.02"]
        let argument = "\(name):factors=8\(more[name] ?? "")"
        let report = try evaluated(
            twoTastes(users: 60, each: 20), ["--by-user", "--test-fraction", "0.2", "--algorithm", argument])
        let ranking = try #require(report.section("full ranking"))
        #expect(ranking.algorithms.first == argument)
        let auc = try #require(ranking.finding(argument, .auc))
        #expect(auc.verdict == 1 && auc.value > 0.75)
        #expect(report.curves.contains { $0.algorithm == argument && $0.unit == "epoch" && $0.at == 1 })
        // Ratings are predicted by the one that learns them, and by the means.
        #expect(report.section("ratings")?.algorithms == (name == "sgd" ? [argument, "means"] : ["means"]))
    }

    @Test("what diverges says so, and WARP's preset is not taken for it")
    func guarded() throws {
        let report = try evaluated(
            twoTastes(), ["--algorithm", "warp:learning-rate=10,regularization=0", "--algorithm", "warp"])
        #expect(report.failures.count == 1 && report.failures[0].contains("warp:learning-rate=10"))
        #expect(report.section("full ranking")?.algorithms.first == "warp")
    }

    @Test("curves of held-out figures are there for a validation part alone")
    func validationCurves() throws {
        let folder = try EvaluationFolder()
        let arguments = ["--algorithm", "bpr:factors=8,epochs=3", "--output", folder.path + "/curves.csv"]
        let test = try evaluated(twoTastes(), arguments)
        #expect(Set(test.curves.map(\.candidates)) == ["training"])
        let validation = try evaluated(twoTastes(), arguments + ["--validation"])
        let points = validation.curves.filter { $0.candidates == "validation" && $0.metric == "NDCG@10" }
        #expect(points.map(\.at) == [1, 2, 3])
    }

    @Test("one that diverges is left out and named, and the others stand")
    func diverging() throws {
        let report = try evaluated(
            twoTastes(),
            ["--algorithm", "sgd:learning-rate=1,regularization=0,epochs=50", "--algorithm", "als"])
        #expect(report.failures.count == 1 && report.failures[0].contains("sgd:learning-rate=1"))
        #expect(report.failures[0].contains("lower the learning rate"))
        #expect(report.section("full ranking")?.algorithms.first == "als")
        #expect(report.setup.warnings.contains { $0.contains("left out") })
    }

    @Test("an unknown algorithm and an unknown setting name what is allowed")
    func refusals() {
        func message(_ argument: String) -> String? {
            let error = #expect(throws: CommandError.self) {
                try evaluated(twoTastes(), ["--algorithm", argument])
            }
            #expect(error?.code == .usage)
            return error?.message
        }
        #expect(
            message("svd")?.contains("allowed is sgd, bpr, warp, als, mlp, als-classical, popularity") == true
        )
        #expect(message("als:rate=constant")?.contains("unknown setting 'rate' of als") == true)
        #expect(message("als:rate=constant")?.contains("alpha") == true)
        let inapplicable = "'margin' is 3, but bpr has no 'margin'; it has factors, epochs, learning-rate"
        #expect(message("bpr:margin=3")?.contains(inapplicable) == true)
        let value = "'rate-schedule' is fast, allowed is 'constant', 'adagrad' or 'inverse-time N'"
        #expect(message("warp:rate-schedule=fast")?.contains(value) == true)
        #expect(message("bpr:positive=any")?.contains("--positive") == true)
        #expect(message("bpr:epochs=0")?.contains("1 to 10000") == true)
        #expect(message("sgd:factors=12")?.contains("multiple of 8") == true)
        #expect(message("sgd:epochs=1,epochs=2")?.contains("given twice") == true)
    }

    @Test("nothing liked to learn from, and K larger than the data, are no crash")
    func littleToLearn() throws {
        let rows = (0..<40).map { ($0 % 5, $0 / 5, 3.0, $0) }
        let report = try evaluated(
            movieLens(rows), ["--algorithm", "bpr", "--algorithm", "sgd:factors=128,epochs=2"])
        #expect(report.failures.count == 1 && report.failures[0].contains("no liked item"))
        #expect(report.value("ratings", "sgd:factors=128,epochs=2", .rmse) != nil)
    }

    @Test("popularity asked for by name stands once")
    func namedPopularity() throws {
        let report = try evaluated(
            twoTastes(), ["--algorithm", "popularity", "--algorithm", "popularity:half-life=50"])
        #expect(
            report.section("full ranking")?.algorithms
                == ["popularity", "popularity:half-life=50", "random", "means"])
    }

    // MARK: - Bad input

    @Test("no events, and none that the filter takes, are said in words")
    func empty() {
        let none = #expect(throws: CommandError.self) { try evaluated(movieLens([]), []) }
        #expect(none?.code == .data && none?.message.contains("nothing to evaluate on") == true)
        let filtered = #expect(throws: CommandError.self) {
            try evaluated(movieLens([(1, 1, 3, 1)]), ["--filter", "rating > 3"])
        }
        #expect(filtered?.message.contains("--filter") == true)
    }

    @Test("one event, one user or one item: an answer or a reason")
    func tiny() throws {
        #expect(throws: EvaluationError.self) { try evaluated(movieLens([(1, 1, 5, 1)]), []) }
        #expect(throws: EvaluationError.self) {
            try evaluated(movieLens([(1, 1, 5, 1), (2, 1, 5, 2)]), ["--protocol", "leave-one-out"])
        }
        let rows = (0..<10).map { (1, $0, 5.0, $0) }
        let oneUser = try evaluated(movieLens(rows), ["--test-fraction", "0.3"])
        let finding = try #require(oneUser.section("full ranking")?.finding("popularity", .hitRate(10)))
        #expect(finding.interval == nil && finding.value == 1)
        let oneItem = try evaluated(movieLens((0..<10).map { ($0, 1, 5.0, $0) }), ["--test-fraction", "0.3"])
        // The only candidate is first for everybody, chance included.
        #expect(oneItem.value("full ranking", "random", .hitRate(10)) == 1)
        #expect(oneItem.text.contains("popularity"))
    }

    @Test("all ratings equal: no error for the means, and nothing to rank where none is liked")
    func equalRatings() throws {
        let rows = (0..<40).map { ($0 % 5, $0 / 5, 3.0, $0) }
        let report = try evaluated(movieLens(rows), [])
        #expect(report.value("ratings", "means", .rmse) == 0)
        #expect(report.section("full ranking") == nil)
        #expect(report.setup.warnings.contains { $0.contains("nothing to rank") })
    }

    @Test("duplicates, contradictions and times that go backwards are counted in the header")
    func contradictions() throws {
        var rows = (0..<40).map { ($0 % 5, $0 / 5, 5.0, 100 + $0) }
        rows += [rows[3], (1, 1, 1, 500), (2, 2, 1, 1)]
        let events = try #require(try evaluated(movieLens(rows), []).fact("events"))
        #expect(events.contains("43 events") && events.contains("1 duplicates"))
        #expect(events.contains("2 superseded by a later one"))
        #expect(events.contains("2 with a time before the row above"))
    }

    @Test("a file that ends in mid-line is evaluated without the line, and says so")
    func cutOff() throws {
        let whole = twoTastes()
        let report = try evaluated(whole + "7,3,4", [])
        #expect(report.fact("bad lines") == "1 passed over")
        // Without its line break alone, the last line counts.
        #expect(try EvaluateTests.events(String(whole.dropLast())) == EvaluateTests.events(whole))
    }

    private static func events(_ text: String) throws -> String? { try evaluated(text, []).fact("data") }

    @Test("a user who has seen everything is not ranked among nothing")
    func sawEverything() throws {
        let rows = (0..<20).map { (0, $0, 5.0, $0) } + [(1, 3, 5.0, 30), (1, 4, 5.0, 31), (1, 5, 5.0, 32)]
        let report = try evaluated(movieLens(rows), ["--protocol", "leave-one-out"])
        let auc = try #require(report.section("full ranking")?.finding("popularity", .auc))
        // User 0 has one candidate alone, which is no pair for AUC.
        #expect(auc.users == 1)
    }

    @Test("signals are liked by their weight, and are no ratings")
    func signals() throws {
        let lines = (0..<60).map {
            #"{"type":"signal","user":"u\#($0 % 6)","item":"i\#($0 / 6)","signal":"click","ts":\#($0)}"#
        }
        let report = try evaluated(
            lines.joined(separator: "\n"), name: "events.jsonl", ["--protocol", "leave-one-out"])
        #expect(report.section("ratings") == nil)
        #expect(report.section("full ranking")?.algorithms == ["popularity", "random"])
    }
}

@Suite("freshet evaluate --protocol prequential")
struct PrequentialTests {
    private let arguments = ["--protocol", "prequential", "--factors", "8"]

    @Test("it is what the daemon's learners would have shown, beside popularity, chance and means")
    func report() throws {
        let report = try replayed(["--algorithm", "bpr", "--algorithm", "sgd"])
        let ranking = try #require(report.section("full ranking"))
        #expect(ranking.algorithms == ["bpr", "sgd", "popularity", "random"])
        #expect(report.section("ratings")?.algorithms == ["sgd", "means"])
        #expect(report.value("full ranking", "random", .auc) == 0.5)
        #expect(
            report.curves.contains { $0.unit == "event" && $0.metric == "recall@10" && $0.algorithm == "bpr" }
        )
    }

    private func replayed(_ more: [String]) throws -> EvaluationReport {
        try evaluated(twoTastes(), arguments + more)
    }

    // A model was not asked for events that it does not learn from, popularity was, and both were called paired.
    @Test("all are measured on the same events, whatever each of them learns from")
    func sameEvents() throws {
        let signals = (0..<200).map {
            #"{"type":"signal","user":"u\#($0 % 9)","item":"i\#($0 * 7 % 20)","signal":"click","ts":\#($0)}"#
        }
        let ratings = (0..<200).map {
            #"{"user":"u\#($0 % 8)","item":"i\#($0 * 3 % 20)","rating":\#(4 + $0 % 2),"ts":\#($0)}"#
        }
        let report = try evaluated(
            (signals + ratings).joined(separator: "\n"), name: "events.jsonl",
            arguments + ["--algorithm", "sgd", "--algorithm", "bpr:positive=rating >= 5"])
        let ranking = try #require(report.section("full ranking"))
        let counts = ranking.findings.filter { $0.metric == .recall(10) }.map(\.count)
        #expect(counts.count == 4 && counts[0] > 0)
        #expect(Set(counts).count == 1, "\(counts)")
    }

    // Signals that the configuration names were read, and then weighed nothing to the models: none of them was liked.
    @Test("events.signals of the configuration are heeded, weights and half-life with them")
    func configuredSignals() throws {
        let folder = try EvaluationFolder()
        let lines = (0..<400).map {
            #"{"type":"signal","user":"u\#($0 % 9)","item":"i\#($0 * 7 % 20)","signal":"\#($0 % 3 == 0 ? "buy" : "skip")","ts":\#($0 + 1)}"#
        }
        let file = try folder.write("events.jsonl", lines.joined(separator: "\n"))
        let command = try EvaluateCommand.parse(
            ["--input", file, "--bootstrap", "50", "--algorithm", "bpr", "--seen", "allow"] + arguments)
        func ranked(_ signals: [String: Float]) throws -> Int {
            var request = command.request
            request.events.signals = signals
            request.seen = .allow
            let report = try EvaluationRun(request: request, progress: EvaluationProgress()).report()
            return report.section("full ranking")?.finding("bpr", .recall(10))?.count ?? 0
        }
        let bought = try ranked(["buy": 2, "skip": -1])
        #expect(bought > 50 && bought < 140, "what is skipped is never liked")
        #expect(try ranked(["buy": 2, "skip": 1]) > 2 * bought)
        #expect(try ranked(["buy": -2, "skip": -1]) == 0)
    }

    @Test("the decayed popularity stands beside the plain one")
    func decayed() throws {
        let report = try replayed(["--popularity-half-life", "50"])
        #expect(
            report.section("full ranking")?.algorithms.suffix(3)
                == ["popularity", "popularity:half-life=50", "random"])
    }

    @Test("an unknown algorithm and an unknown setting name what is allowed")
    func refusals() {
        let name = #expect(throws: CommandError.self) { try replayed(["--algorithm", "svd"]) }
        #expect(name?.code == .usage && name?.message.contains("allowed is sgd, bpr") == true)
        let key = #expect(throws: CommandError.self) { try replayed(["--algorithm", "bpr:epochs=3"]) }
        #expect(key?.code == .usage && key?.message.contains("learning-rate") == true)
        let value = #expect(throws: CommandError.self) {
            try replayed(["--algorithm", "sgd:learning-rate=70"])
        }
        #expect(value?.message.contains("above 0, to 10") == true)
    }

    @Test("one user and one item are no trouble, and nothing ranked is said")
    func tiny() throws {
        let report = try evaluated(
            movieLens([(1, 1, 5, 1), (1, 1, 4, 2)]), arguments + ["--algorithm", "bpr"])
        #expect(report.setup.warnings.contains { $0.contains("nothing was ranked") })
    }

    @Test("the curves are a CSV file that quotes settings")
    func curves() throws {
        let report = try replayed(["--algorithm", "bpr:learning-rate=0.05,samples=2"])
        let lines = report.curvesCSV.split(separator: "\n")
        #expect(lines.first == "protocol,candidates,algorithm,unit,at,metric,value")
        #expect(
            lines.contains {
                $0.hasPrefix(#"prequential,full ranking,"bpr:learning-rate=0.05,samples=2",event,"#)
            })
    }
}
