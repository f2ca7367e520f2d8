import ArgumentParser
import Evaluation
import Events
import Learners
import Reporting
import Settings
import State
import StreamLearning
import Testing
import Training

@testable import EvaluationRuns
@testable import HistoryTraining
@testable import freshet

@Suite("Settings of freshet evaluate's algorithms")
struct AlgorithmSettingsTests {
    private func settings(_ text: String, factors: Int = 64) throws -> AlgorithmSettings {
        try AlgorithmSettings(#require(AlgorithmArgument(argument: text)), factors: factors)
    }

    @Test("without settings an algorithm is its preset, and those of freshet train are the same")
    func presets() throws {
        for name in Algorithm.Name.allCases {
            let preset = try settings(name.rawValue).preset
            #expect(preset == .preset(name))
            // The stream goes on with what is trained of als, by options of its own.
            guard name != .als else { continue }
            let trained = try #require(BatchSettings(ModelSettings(name: "it", learner: name.learner)))
            #expect(trained.algorithm == preset.algorithm && trained.epochs == preset.epochs)
            #expect(trained.initialScale == preset.initialScale)
        }
        #expect(try settings("als-classical").preset == .alsClassical)
    }

    @Test("what is set holds, and leaves the rest of the preset")
    func overridden() throws {
        var wanted = Algorithm.Preset.preset(.warp)
        guard case .warp(var options) = wanted.algorithm else { return }
        (options.userLearningRate, options.samples, options.samplesMax) = (0.25, 2, 7)
        options.negatives.popularityPower = 0.5
        options.schedule = .inverseTime(halfAfter: 9)
        (wanted.algorithm, wanted.epochs) = (.warp(options), 3)
        let settings = try settings(
            "warp:epochs=3,factors=16,user-learning-rate=0.25,samples=2,max-sampled=7,negatives=popularity^0.5,"
                + "rate-schedule=inverse-time 9")
        #expect(settings.preset == wanted && settings.factors == 16)
    }

    @Test(
        "every setting of the configuration's models is taken, in epochs and live",
        arguments: ModelSettings.Learner.allCases)
    func sameNames(learner: ModelSettings.Learner) throws {
        // The parts of a blend are algorithms beside it.
        for field in ModelField.all where !["positive", "parts"].contains(field.name) {
            let value =
                switch field.name {
                case "rate-schedule": "adagrad"
                case "negatives": "uniform"
                case "priors": "on"
                case "dropout": "0.5"
                default: "1"
                }
            let text = "\(learner.rawValue):\(field.name)=\(value)"
            let argument = try #require(AlgorithmArgument(argument: text))
            let live = PrequentialEvaluation.Options(
                algorithms: [argument], positive: .any, depths: [10], factors: 8, seed: 1, window: 1,
                popularityHalfLife: 0)
            if field.learners.contains(learner) {
                // What counts has nothing to train.
                if !learner.counts { #expect(throws: Never.self) { try settings(text) } }
                #expect(throws: Never.self) { try LiveModels.replayOptions(live) }
            } else {
                #expect(throws: CommandError.self) { try settings(text) }
                #expect(throws: CommandError.self) { try LiveModels.replayOptions(live) }
            }
        }
    }

    @Test("what counts a stream is refused where there is none, and says where it is not")
    func countersAreLive() throws {
        let error = #expect(throws: CommandError.self) { try settings("next") }
        #expect(error?.message.contains("--protocol prequential") == true)
        // By the name that it has in the other protocols.
        let argument = try #require(AlgorithmArgument(argument: "popularity:half-life=500"))
        let live = try LiveModels.replayOptions(
            PrequentialEvaluation.Options(
                algorithms: [argument], positive: .any, depths: [10], factors: 8, seed: 1, window: 1,
                popularityHalfLife: 0))
        guard case .counter(let options, _) = live.state.models[0].learner else {
            Issue.record("popularity is no model that counts")
            return
        }
        #expect(options.kind == .popular && options.halfLife == .events(500))
    }

    @Test("it trains as the preset's trainer does, first rows included")
    func trainer() throws {
        let folder = try EvaluationFolder()
        let file = try folder.write("ratings.csv", twoTastes())
        let data = try EvaluationInput(
            paths: [file], format: nil, filter: .any, options: EventOptions(), onBadLine: { _ in }
        ).dataset(positive: .any)
        let (users, items, rows) = (data.userIDs.count, data.itemIDs.count, data.observations)
        let argument = try #require(AlgorithmArgument(argument: "sgd:epochs=2"))
        let trained = try EvaluatedAlgorithm(argument, factors: 8).train(
            rows, users: users, items: items, seed: 5, shards: 1,
            descriptions: DatasetDescriptions(users: [], items: []), watch: nil, onEpoch: { _, _ in })
        let model = try Algorithm.Preset.preset(.sgd).trainer(factors: 8, seed: 5).train(
            Interactions(
                userCount: users, itemCount: items, users: rows.map(\.user), items: rows.map(\.item),
                values: rows.map(\.value), times: rows.map(\.time)),
            epochsMax: 2)
        #expect(trained.recommender.rating(user: 3, item: 4) == model.predict(user: 3, item: 4))
    }
}

@Suite("freshet evaluate, interrupted")
struct InterruptedEvaluationTests {
    @Test(
        "it ends without a report, whatever it is at",
        arguments: [
            ["--protocol", "holdout", "--algorithm", "bpr:epochs=1000"],
            ["--protocol", "resubstitution", "--algorithm", "als"],
            ["--protocol", "prequential", "--algorithm", "sgd"],
        ], [0, 361])
    func interrupted(arguments: [String], after calls: Int) throws {
        let folder = try EvaluationFolder()
        // 360 lines are read; what comes then is learned or measured.
        let file = try folder.write("ratings.csv", twoTastes())
        let command = try EvaluateCommand.parse(["--input", file, "--bootstrap", "5"] + arguments)
        var run = EvaluationRun(request: command.request, progress: EvaluationProgress())
        var asked = 0
        run.isInterrupted = {
            asked += 1
            return asked > calls
        }
        let error = #expect(throws: CommandError.self) { try run.report() }
        #expect(error?.message == "interrupted; nothing is reported" && asked == calls + 1)
    }
}
