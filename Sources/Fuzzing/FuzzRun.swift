// Fuzzing: inputs that nobody meant, for every parser.
//
// Here live generators that know how inputs are built and break them, the parsers under test with what has to hold of them
// whatever comes, and runs of any length from a seed. A parser's name, a seed and a number come in; what was found comes out.
// What never comes in: the engine; commands are asked of a service that answers always the same.

internal import Events
internal import Foundation

/// What does not hold for an input.
package struct FuzzFinding: Error, CustomStringConvertible {
    package var what: String
    package var input: [UInt8]

    package var description: String {
        "\(what)\n  input, \(input.count) bytes: \(String(reflecting: String(decoding: input.prefix(2_000), as: UTF8.self)))"
    }
}

/// A parser, and what has to hold of it. One thread's.
protocol FuzzTarget {
    /// Makes an input, gives it to the parser and looks at what comes of it.
    ///
    /// - Returns: inputs tried, and how many of them were taken.
    /// - Throws: where something does not hold. A crash is one, too.
    mutating func run(_ numbers: inout FuzzNumbers) throws(FuzzFinding) -> (tried: Int, taken: Int)
}

/// A run of one parser.
package struct FuzzRun {
    package enum Parser: String, CaseIterable, Sendable {
        /// Requests of the RPC, in whatever pieces they come.
        case resp
        /// Calls of all commands.
        case commands
        /// Events as producers write them.
        case json
        /// Records of a log, one behind the other in one buffer, as batches are decoded.
        case records
        /// Files of separated values, a line an input.
        case csv
        /// GroupLens's three forms, a line an input.
        case movielens
        /// Files of events as JSON, a line an input.
        case jsonl
        /// `--set`, and configuration files.
        case configuration
        /// Files of users.
        case users
        /// What other daemons of a cluster tell.
        case cluster
        /// Rows as they come out of a state file.
        case rows
        /// State files that were damaged, and such as nobody would have written.
        case state
    }

    package struct Result: Sendable {
        package var tried = 0
        package var taken = 0
        package var seconds = 0.0
        /// Of this process, after the first tenth and in the end.
        package var residentBytes = (early: 0, end: 0)

        package init() {}
    }

    private let parser: Parser
    private let seed: UInt64

    package init(_ parser: Parser, seed: UInt64) { (self.parser, self.seed) = (parser, seed) }

    /// - Parameters:
    ///   - inputs: to be tried at least.
    ///   - first: the number of the first; that of a later one makes it again.
    ///   - progress: told the number of the next, every 65,536 steps; what crashes lies behind the last told.
    /// - Throws: `FuzzFinding` with the number of the step.
    package func run(
        inputs: Int, from first: Int = 0, progress: (Int) -> Void = { _ in }
    ) throws -> Result {
        var target = try makeTarget()
        var result = Result()
        let clock = ContinuousClock()
        let start = clock.now
        var step = first
        while result.tried < inputs {
            if step.isMultiple(of: 65_536) { progress(step) }
            var numbers = FuzzNumbers(seed: seed, input: UInt64(step))
            do throws(FuzzFinding) {
                let (tried, taken) = try target.run(&numbers)
                result.tried += tried
                result.taken += taken
            } catch {
                throw FuzzFinding(
                    what: "\(parser.rawValue), seed \(seed), step \(step): \(error.what)", input: error.input)
            }
            step += 1
            if result.residentBytes.early == 0, result.tried >= inputs / 10 {
                result.residentBytes.early = Self.residentBytes
            }
        }
        let (seconds, attoseconds) = start.duration(to: clock.now).components
        result.seconds = Double(seconds) + Double(attoseconds) / 1e18
        result.residentBytes.end = Self.residentBytes
        return result
    }

    private func makeTarget() throws -> any FuzzTarget {
        switch parser {
        case .resp: RESPTarget()
        case .commands: CommandTarget()
        case .json: EventTarget()
        case .records: RecordTarget()
        case .csv: try FileTarget(.csv)
        case .movielens: try FileTarget(.movielens)
        case .jsonl: try FileTarget(.jsonl)
        case .configuration: try ConfigurationTarget()
        case .users: UserFileTarget()
        case .cluster: try ClusterTarget()
        case .rows: try RowTarget()
        case .state: try StateTarget()
        }
    }

    private static var residentBytes: Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
