import ArgumentParser
import Testing

@testable import freshet

@Suite("what freshet evaluate is asked")
struct EvaluateCommandTests {
    @Test(
        "what does not go together is refused",
        arguments: [
            ["--test-fraction", "1"], ["--at", "0"], ["--positive", "stars > 3"], ["--factors", "7"],
            ["--by-time", "--by-user"], ["--by-time", "--protocol", "leave-one-out"],
            ["--negatives", "a.txt"], ["--negatives", "0", "--protocol", "leave-one-out"],
            ["--negatives-users", "+1"], ["--window", "10"], ["--validation", "--protocol", "prequential"],
            ["--algorithm", "bpr:"], ["--algorithm", "bpr:factors"],
            ["--algorithm", "sgd", "--algorithm", "sgd"], ["--popularity-half-life", "1e30"],
            ["--popularity-half-life", "0.0001"],
        ])
    func usage(arguments: [String]) {
        #expect(throws: (any Error).self) { try EvaluateCommand.parse(["--input", "x.csv"] + arguments) }
    }

    @Test("a file is needed")
    func noInput() {
        #expect(throws: (any Error).self) { try EvaluateCommand.parse([]) }
    }
}
