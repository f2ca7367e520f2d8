import Foundation
import RESP
import TestSupport

/// Where one daemon lives, over several starts: its state folder and its socket.
final class DaemonPlace {
    let folder: TestFolder
    private var starts = 0

    /// - Parameter stateFolder: of another place, to ask about it from here.
    init(stateFolder: String? = nil) throws {
        folder = try TestFolder()
        self.stateFolder = stateFolder ?? folder.path("state")
    }

    let stateFolder: String
    var stateFile: String { stateFolder + "/state.sqlite" }
    var logFile: String { stateFolder + "/log.sqlite" }
    var socket: String { folder.path("s") }

    /// Puts records into the embedded log, whose daemon must not run.
    func fillLog(_ records: [TestRecord]) throws {
        try FileManager.default.createDirectory(atPath: stateFolder, withIntermediateDirectories: true)
        try fillEmbedded(logFile, records)
    }

    /// Starts a daemon here, and returns at once.
    ///
    /// - Parameters:
    ///   - settings: `key=value`, over small tables and this place.
    ///   - fileBytesMax: the size no file of the daemon's may pass, as a full disk would have it.
    ///   - variables: `NAME=value`, for its environment.
    ///   - file: of its configuration.
    ///   - script: for bash, which starts the program as `"$0" "$@"`.
    ///   - errorFile: where its standard error goes; a file of its own where absent.
    func launch(
        _ settings: [String] = [], fileBytesMax: Int? = nil, variables: [String] = [], file: String? = nil,
        script: String? = nil, errorFile: String? = nil
    ) throws -> DaemonProcess {
        starts += 1
        let all = ["state.folder=\(stateFolder)", "rpc.socket=\(socket)", "engine.factors=16"] + settings
        var command = [try FreshetBinary.path(), "serve"] + all.flatMap { ["--set", $0] }
        if let file { command += ["--config", file] }
        if let script { command = ["/bin/bash", "-c", script] + command }
        if let fileBytesMax {
            // POSIX counts in blocks of 512 bytes.
            let script = "ulimit -f \(fileBytesMax / 512); exec \"$0\" \"$@\""
            command = ["/bin/sh", "-c", script] + command
        }
        if !variables.isEmpty { command = ["/usr/bin/env"] + variables + command }
        let (output, errors) = (folder.path("out.\(starts)"), errorFile ?? folder.path("err.\(starts)"))
        let child = try ChildProcess(command, output: output, errors: errors)
        return DaemonProcess(child, in: self, errorFile: errors)
    }

    /// Starts a daemon here, and returns once it answers.
    func start(
        _ settings: [String] = [], fileBytesMax: Int? = nil, variables: [String] = [], file: String? = nil,
        script: String? = nil, errorFile: String? = nil
    ) throws -> DaemonProcess {
        let daemon = try launch(
            settings, fileBytesMax: fileBytesMax, variables: variables, file: file, script: script,
            errorFile: errorFile)
        try daemon.waitUntilReady()
        return daemon
    }

    /// Starts a daemon here that has to end by itself.
    func refusal(_ settings: [String] = []) throws -> (ending: Ending, errors: String) {
        let daemon = try launch(settings)
        let ending = try daemon.child.wait()
        return (ending, daemon.errors)
    }
}

/// One run of `freshet serve`.
final class DaemonProcess {
    let child: ChildProcess
    /// Its folder stays for as long as the daemon runs.
    private let place: DaemonPlace
    private let errorFile: String
    private var connection: RPCClient?

    fileprivate init(_ child: ChildProcess, in place: DaemonPlace, errorFile: String) {
        self.child = child
        self.place = place
        self.errorFile = errorFile
    }

    /// What it has written to standard error.
    var errors: String { (try? FreshetBinary.text(of: errorFile)) ?? "" }

    func waitUntilReady() throws {
        try eventually("the daemon answers PING; it says: \(errors)") {
            if let ending = child.poll() { throw TestFailure("the daemon ended with \(ending): \(errors)") }
            guard let client = try? RPCClient(socketPath: place.socket) else { return false }
            guard try client.call(["PING"]) == .simple("PONG") else { return false }
            connection = client
            return true
        }
    }

    var client: RPCClient {
        get throws { try connection.orThrow("the daemon was never ready: \(errors)") }
    }

    func call(_ arguments: String...) throws -> RESPValue { try client.call(arguments) }

    /// The token of an appended event.
    func token(_ arguments: String...) throws -> String {
        let answer = try client.call(arguments)
        return try answer.string.orThrow("\(arguments) was answered by \(answer)")
    }

    /// Appends ahead of the answers, and gives the tokens.
    func tokens(_ commands: [[String]]) throws -> [String] {
        let client = try client
        for command in commands { try client.send(command) }
        return try commands.map { command in
            let answer = try client.receive()
            return try answer.string.orThrow("\(command) was answered by \(answer)")
        }
    }

    func status() throws -> Status { Status(try call("STATUS")) }

    func waitUntil(_ what: String, seconds: Int = 60, _ holds: (Status) throws -> Bool) throws {
        var last = Status(.null)
        try eventually("\(what); \(last.brief); \(errors.suffix(2_000))", seconds: seconds) {
            if let ending = child.poll() { throw TestFailure("the daemon ended with \(ending): \(errors)") }
            last = try status()
            return try holds(last)
        }
    }

    func waitUntilApplied(_ count: Int, seconds: Int = 120) throws {
        try waitUntil("\(count) events are applied", seconds: seconds) { $0["events.applied"] >= count }
    }

    func kill() throws {
        connection = nil
        child.send(SIGKILL)
        _ = try child.wait()
    }

    /// Asks it to stop, and waits for it.
    func stop(_ signal: Int32 = SIGTERM) throws -> Ending {
        connection = nil
        child.send(signal)
        return try child.wait()
    }
}

/// What STATUS said.
struct Status {
    let answer: RESPValue

    init(_ answer: RESPValue) { self.answer = answer }

    /// -1 where there is no such number.
    subscript(_ name: String) -> Int {
        guard case .integer(let number)? = answer[name] else { return -1 }
        return Int(number)
    }

    func flag(_ name: String) -> Bool? {
        switch answer[name] {
        case .boolean(let flag): flag
        case .integer(let number): number != 0
        default: nil
        }
    }

    /// Whole or not.
    func number(_ name: String) -> Double? {
        switch answer[name] {
        case .integer(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    func text(_ name: String) -> String { answer[name]?.string ?? "" }

    /// Next offset by partition.
    var positions: [Int: Int] {
        Dictionary(
            uniqueKeysWithValues: names.compactMap { name in
                name.hasPrefix("position.") ? Int(name.dropFirst(9)).map { ($0, self[name]) } : nil
            })
    }

    /// All that is learned and counted, with the digest where it was asked for; nothing of this run of the process.
    var learned: [String: String] {
        let kept = names.filter { name in
            ["events.", "users.", "items.", "model.", "default-model.", "position.", "digest"].contains {
                name.hasPrefix($0)
            }
                && name != "events.in-memory"
        }
        return Dictionary(uniqueKeysWithValues: kept.map { ($0, "\(answer[$0] ?? .null)") })
    }

    var brief: String {
        let shown = names.filter {
            $0.hasPrefix("events.") || $0.hasPrefix("log.") || $0.hasPrefix("position.")
        }
        return shown.map { "\($0)=\(answer[$0]?.string ?? "\(answer[$0] ?? .null)")" }.joined(separator: " ")
    }

    private var names: [String] {
        guard case .map(let pairs) = answer else { return [] }
        return pairs.compactMap { $0.0.string }
    }
}
