internal import ArgumentParser
internal import Foundation
internal import Fuzzing

/// Inputs that nobody meant, for each parser.
struct FuzzCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuzz",
        abstract: "Gives parsers inputs that nobody meant, and looks whether what has to hold of them does.",
        discussion: """
            Inputs are made by generators that know how they are built, and broken; each is drawn from the seed and its \
            own number. Where something does not hold, the input and its number are printed, and the exit code is 1. A \
            crash lies behind the last number printed by --progress: go on from there with --each.

            EXAMPLES
              freshet-bench fuzz --inputs 10000000
              freshet-bench fuzz --parser resp --inputs 100000 --seed 7
              freshet-bench fuzz --parser json --seed 7 --from 1376256 --inputs 65536 --each
            """)

    @Option(
        help: "One of \(FuzzRun.Parser.allCases.map(\.rawValue).joined(separator: ", ")); all where absent.")
    var parser: FuzzRun.Parser?
    @Option(
        help:
            "Inputs of each parser; where all are tried, of state files, which take their time, a thousandth."
    )
    var inputs = 1_000_000
    @Option(help: "Of the random choices.") var seed: UInt64 = 1
    @Option(help: "Number of the first input.") var from = 0
    @Flag(help: "Print the number of the next input every 65,536.") var progress = false
    @Flag(help: "Print the number of each input before it is tried, to find one that crashes.") var each =
        false

    func run() throws {
        print("parser          inputs     taken  inputs/s  resident after a tenth, in the end (MiB)")
        for parser in parser.map({ [$0] }) ?? FuzzRun.Parser.allCases {
            let run = FuzzRun(parser, seed: seed)
            do {
                show(
                    parser,
                    try each
                        ? runEach(run)
                        : run.run(inputs: share(of: parser), from: from) { if progress { say($0) } })
            } catch {
                print("\(error)")
                throw ExitCode(1)
            }
        }
    }

    private func share(of parser: FuzzRun.Parser) -> Int {
        parser == .state && self.parser == nil ? max(1, inputs / 1_000) : inputs
    }

    private func runEach(_ run: FuzzRun) throws -> FuzzRun.Result {
        var result = FuzzRun.Result()
        for number in from..<from + inputs {
            say(number)
            let one = try run.run(inputs: 1, from: number)
            result.tried += one.tried
            result.taken += one.taken
            result.seconds += one.seconds
        }
        return result
    }

    private func say(_ number: Int) { FileHandle.standardError.write(Data("\(number)\n".utf8)) }

    private func show(_ parser: FuzzRun.Parser, _ result: FuzzRun.Result) {
        let taken = Double(result.taken) / Double(max(1, result.tried))
        let perSecond = Double(result.tried) / max(1e-9, result.seconds)
        print(
            parser.rawValue.padding(toLength: 14, withPad: " ", startingAt: 0)
                + String(
                    format: "%8d  %6.1f %%  %8.0f  %.0f, %.0f", result.tried, 100 * taken, perSecond,
                    Double(result.residentBytes.early) / 1_048_576,
                    Double(result.residentBytes.end) / 1_048_576))
    }
}

extension FuzzRun.Parser: ExpressibleByArgument {}
