import Reporting
import Testing

@testable import HistoryTraining
@testable import Settings

@Suite("--algorithm")
struct AlgorithmShortcutTests {
    private func models(_ texts: String...) throws -> Configuration {
        try Configuration.load(file: nil, environment: [:], settings: AlgorithmShortcut.settings(texts))
    }

    @Test("a learner's name makes a model of that name, which is asked by default")
    func plain() throws {
        let configuration = try models("bpr")
        #expect(configuration.models == [ModelSettings(name: "bpr", learner: .bpr)])
        #expect(configuration.defaultModel == "bpr")
    }

    @Test("names and settings are those of the configuration")
    func settings() throws {
        let configuration = try models(
            "likes=bpr:samples=3,positive=rating > 3.5", "stars=sgd:learning-rate=0.02")
        #expect(
            configuration.models == [
                ModelSettings(name: "likes", learner: .bpr, samples: 3, positive: .ratingAbove(3.5)),
                ModelSettings(name: "stars", learner: .sgd, learningRate: 0.02),
            ])
        #expect(configuration.defaultModel == "likes")
    }

    @Test("no shortcut leaves the configuration's models")
    func none() throws {
        #expect(try AlgorithmShortcut.settings([]).isEmpty)
    }

    @Test(
        "what is no model is refused before anything is read",
        arguments: ["Big=sgd", "sgd:learning-rate", "=sgd", ""])
    func refused(_ text: String) {
        #expect(throws: CommandError.self) { try AlgorithmShortcut.settings([text]) }
    }

    @Test("two models of one name are refused with the way out")
    func twice() {
        let error = #expect(throws: CommandError.self) {
            try AlgorithmShortcut.settings(["sgd", "sgd:samples=2"])
        }
        #expect(error?.message.contains("other=sgd") == true)
    }

    @Test(
        "what the configuration does not take is refused by it",
        arguments: ["svd", "sgd:samples=2", "bpr:factors=8"])
    func refusedByConfiguration(_ text: String) {
        #expect(throws: ConfigurationError.self) { try models(text) }
    }

    @Test("text that would end the YAML is kept inside")
    func quoted() throws {
        #expect(throws: ConfigurationError.self) { try models(#"bpr:positive=any"} x: {learner: sgd"#) }
    }
}
