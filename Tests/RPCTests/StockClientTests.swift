import Foundation
import Locking
import TestSupport
import Testing

/// The clients that Redis itself ships, against a real server. Where one is missing, the test says so.
@Suite("stock clients")
struct StockClientTests {
    fileprivate static func find(_ name: String) -> String? {
        let folders = ProcessInfo.processInfo.environment["PATH", default: ""].split(separator: ":")
        return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private static func run(_ program: String, _ arguments: [String], input: String = "") throws -> String {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let (stdin, stdout) = ("\(scratch.folder)/in", "\(scratch.folder)/out")
        try Data(input.utf8).write(to: URL(filePath: stdin))
        let child = try ChildProcess([program] + arguments, input: stdin, output: stdout)
        _ = try child.wait()
        return String(decoding: try Data(contentsOf: URL(filePath: stdout)), as: UTF8.self)
    }

    @Test(
        "redis-cli works unchanged, in RESP 2 and 3",
        .enabled(if: find("redis-cli") != nil, "skipped: redis-cli not found"))
    func redisCLI() async throws {
        let program = try #require(Self.find("redis-cli"))
        try await withServer { path, _ in
            let two = ["-s", path]
            #expect(try Self.run(program, two + ["PING"]) == "PONG\n")
            #expect(try Self.run(program, two + ["RATE", "u1", "i1", "4.5"]) == "0:0\n")
            #expect(
                try Self.run(program, two + ["--json", "-3", "RECOMMEND", "u1", "COUNT", "2", "WITHSCORES"])
                    == "[\"i1\",0.9,\"i2\",0.8]\n")
            #expect(
                try Self.run(program, ["-3", "--no-raw"] + two + ["ITEM.GET", "i1"]).contains(
                    "\"title\" => \"Title of i1\""))
            #expect(
                try Self.run(program, two + ["-e", "RECOMMEND", "u1", "COUNT", "-1"]).hasPrefix(
                    "ERR COUNT is '-1'"))
            let several = try Self.run(
                program, two, input: "ECHO \"a b\"\nSELECT 0\nCOMMAND COUNT\nHELLO 3\n")
            #expect(several.hasPrefix("a b\nOK\n"))
            #expect(several.contains("freshet"))
            // As the interactive shell asks for its hints.
            #expect(try Self.run(program, two + ["COMMAND", "DOCS"]).contains("recommend"))
        }
    }

    @Test(
        "redis-cli --pipe loads a file of commands",
        .enabled(if: find("redis-cli") != nil, "skipped: redis-cli not found"))
    func pipe() async throws {
        let program = try #require(Self.find("redis-cli"))
        try await withServer { path, service in
            let commands = (0..<500).map { "RATE u\($0) i1 4\r\n" }.joined()
            let output = try Self.run(program, ["-s", path, "--pipe"], input: commands)
            #expect(output.contains("errors: 0, replies: 500"))
            #expect(service.state.withLock { $0.appended.count } == 500)
        }
    }

    @Test(
        "redis-cli --pipe is told of a wrong command and goes on, of a broken line and what came before it is stored",
        .enabled(if: find("redis-cli") != nil, "skipped: redis-cli not found"))
    func brokenPipe() async throws {
        let program = try #require(Self.find("redis-cli"))
        try await withServer { path, service in
            let shell = ["-c", "'\(program)' -s '\(path)' --pipe 2>&1"]
            let wrong = try Self.run(
                "/bin/sh", shell, input: "RATE u1 i1 4\r\nNOSUCH a\r\nRATE u1 i2 4\r\n")
            #expect(wrong.contains("ERR unknown command 'NOSUCH', with args beginning with: 'a'"))
            #expect(wrong.contains("errors: 1, replies: 3"))
            #expect(service.state.withLock { $0.appended.count } == 2)
            // More follows than any socket holds: it must not be the sending that fails.
            let rest = String(repeating: "RATE u1 i4 4\r\n", count: 100_000)
            let broken = try Self.run(
                "/bin/sh", shell, input: "RATE u1 i3 4\r\nRATE u1 \"i4 4\r\n" + rest)
            #expect(broken.contains("ERR Protocol error: unbalanced quotes in request"))
            #expect(service.state.withLock { $0.appended.count } == 3)
        }
    }

    @Test(
        "redis-benchmark works unchanged",
        .enabled(if: find("redis-benchmark") != nil, "skipped: redis-benchmark not found"))
    func benchmark() async throws {
        let program = try #require(Self.find("redis-benchmark"))
        try await withServer { path, _ in
            let output = try Self.run(program, ["-s", path, "-t", "ping", "-n", "1000", "-P", "16", "-q"])
            #expect(output.contains("PING_MBULK"))
            #expect(!output.lowercased().contains("error"))
            #expect(!output.contains("WARN"))
        }
    }
}
