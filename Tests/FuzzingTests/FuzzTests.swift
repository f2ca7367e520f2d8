import Fuzzing
import Testing

@Suite("Parsers among inputs that nobody meant")
struct FuzzTests {
    @Test(
        "whatever comes is taken or refused, and what has to hold holds", arguments: FuzzRun.Parser.allCases,
        [1, 2] as [UInt64])
    func runs(parser: FuzzRun.Parser, seed: UInt64) throws {
        let inputs =
            switch parser {
            case .configuration: 500
            case .state: 150
            default: 3_000
            }
        let result = try FuzzRun(parser, seed: seed).run(inputs: inputs)
        #expect(result.tried >= inputs)
        // Generators whose inputs are all refused, or all taken, try nothing.
        #expect(result.taken > result.tried / 50)
        #expect(result.taken < result.tried)
    }

    @Test("an input is made again from its seed and number alone")
    func reproduced() {
        var (first, second) = (FuzzNumbers(seed: 3, input: 9), FuzzNumbers(seed: 3, input: 9))
        var others = FuzzNumbers(seed: 3, input: 10)
        let numbers = (0..<10).map { _ in first.next() }
        #expect(numbers == (0..<10).map { _ in second.next() })
        #expect(numbers != (0..<10).map { _ in others.next() })
    }
}
