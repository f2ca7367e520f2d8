import Foundation
import TestSupport
import Testing

@testable import freshet

@Suite("lines on standard error", .ownThread)
struct LogOutputTests {
    @Test(
        "what a full pipe does not take is written, in order, once somebody reads; what was lost is counted")
    func fullPipe() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { ends.forEach { close($0) } }
        let output = LogOutput(descriptor: ends[1])
        // Three times what is held; never waits, for nobody reads.
        let line = String(repeating: "x", count: 990)
        for number in 0..<3_300 { output.write("\(number) \(line)\n") }

        var text = ""
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !text.contains("log lost") {
            let count = read(ends[0], &buffer, buffer.count)
            guard count > 0 else { throw TestFailure("the pipe ended") }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        let lines = text.split(separator: "\n")
        let numbers = lines.dropLast().compactMap { Int($0.prefix { $0 != " " }) }
        #expect(numbers == Array(0..<numbers.count) && numbers.count < 3_300)
        #expect(lines.last?.hasPrefix("freshet: \(3_300 - numbers.count) lines of the log lost") == true)

        output.write("after\n")
        output.flush()
        let count = read(ends[0], &buffer, buffer.count)
        #expect(String(decoding: buffer[..<max(0, count)], as: UTF8.self) == "after\n")
    }

    @Test("a descriptor that cannot be written loses the lines, and nobody waits")
    func closed() {
        let output = LogOutput(descriptor: -1)
        for _ in 0..<100 { output.write("line\n") }
        output.flush()
    }
}
