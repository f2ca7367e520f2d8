internal import Foundation
internal import RESP

/// A daemon of its own in a temporary folder, with a catalogue learned from a simulated stream.
package final class MeasuredDaemon {
    package let items: Int
    package let users: Int
    package let socketPath: String
    private let folder: String
    private let program: String
    private let process: Process

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
        package init(description: String) { self.description = description }
    }

    /// - Parameters:
    ///   - settings: key=value, of the daemon's configuration.
    ///   - parent: a folder for all of its files; the system's for temporary ones where absent.
    package init(
        program: String, items: Int, factors: Int, seen: Int, settings: [String], in parent: String? = nil
    ) throws {
        self.program = program
        self.items = items
        users = 2_000
        let parent = parent ?? FileManager.default.temporaryDirectory.path
        folder = parent + "/fb-\(UUID().uuidString.prefix(8))"
        socketPath = folder + "/s.sock"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        process = Process()
        process.endWithParent(
            program,
            ["serve"]
                + ([
                    "state.folder=\(folder)/state", "rpc.socket=\(socketPath)", "engine.factors=\(factors)",
                    "log.level=error",
                ] + settings).flatMap { ["--set", $0] })
        try process.run()
        do {
            try waitUntilReady()
            try simulate(events: max(users * seen, items), seed: 1, to: folder + "/events.jsonl")
            try run(["feed", folder + "/events.jsonl", "--socket", socketPath])
            try waitUntilLearned()
        } catch {
            stop()
            throw error
        }
    }

    package func stop() {
        process.terminate()
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Copies of its state to go back to.
    package var generations: Int {
        (try? FileManager.default.contentsOfDirectory(atPath: folder + "/state/generations"))?.count ?? 0
    }

    /// Feeds another stream over the same users and items at `rate`, for at least `seconds`: what users do, not a second
    /// description of each item, which the daemon has.
    package func startLearning(rate: Int, seconds: Double) throws -> Load {
        let path = folder + "/more.jsonl"
        try simulate(events: Int(Double(rate) * seconds), seed: 2, to: path)
        try leaveOutDescriptions(path)
        let process = Process()
        process.endWithParent(program, ["feed", path, "--socket", socketPath, "--rate", String(rate)])
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        // Until the feed has read its file and events flow.
        let start = try learned()
        while process.isRunning, try learned() == start { Thread.sleep(forTimeInterval: 0.05) }
        return Load(process: process)
    }

    package struct Load {
        fileprivate let process: Process

        package func stop() {
            process.terminate()
            process.waitUntilExit()
        }
    }

    /// Events behind the next one of the log.
    package func learned() throws -> Int {
        let client = try RPCClient(socketPath: socketPath)
        guard case .map(let fields) = try client.call(["STATUS"]) else { return 0 }
        for (key, value) in fields {
            if case .bulk(let name) = key, String(decoding: name, as: UTF8.self) == "position.0",
                case .integer(let position) = value
            {
                return Int(position)
            }
        }
        return 0
    }

    private func waitUntilReady() throws {
        for _ in 0..<400 {
            if let client = try? RPCClient(socketPath: socketPath),
                case .simple("PONG")? = try? client.call(["PING"])
            {
                return
            }
            guard process.isRunning else { break }
            Thread.sleep(forTimeInterval: 0.025)
        }
        throw Failure(description: "'\(program) serve' does not answer on '\(socketPath)'")
    }

    private func waitUntilLearned() throws {
        var (last, same) = (-1, 0)
        while same < 10 {
            let now = try learned()
            same = now == last && now > 0 ? same + 1 : 0
            last = now
            Thread.sleep(forTimeInterval: 0.1)
        }
    }

    private func simulate(events: Int, seed: Int, to path: String) throws {
        try Data().write(to: URL(fileURLWithPath: path))
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try run(
            [
                "simulate", "--users", String(users), "--items", String(items), "--events", String(events),
                "--seed", String(seed),
            ], output: handle)
        try handle.close()
    }

    private func leaveOutDescriptions(_ path: String) throws {
        let file = URL(fileURLWithPath: path)
        let description = Data(#"{"type":"item","#.utf8)
        let lines = try Data(contentsOf: file).split(separator: 0x0A).filter { !$0.starts(with: description) }
        try Data(lines.joined(separator: [0x0A])).write(to: file)
    }

    private func run(_ arguments: [String], output: FileHandle = .nullDevice) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = output
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "'\(program) \(arguments[0])' ended with \(process.terminationStatus)")
        }
    }
}
