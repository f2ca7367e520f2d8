// SoakRuns: the real program under full load for a long time, and whether it stays as large as it was.
//
// Here live a daemon that is killed and started again, who feeds it and who asks it meanwhile, what is measured of it each
// second, and the verdict. A program's path and a length of time come in; measures come out. What never comes in: the parts
// of a daemon, which is another process.

internal import BenchmarkSupport
internal import Foundation
internal import RESP

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// One daemon over several starts. Started and killed by one thread.
final class SoakDaemon {
    let folder: BenchmarkFolder
    private let program: String
    private let settings: [String]
    private var process: Process?
    private(set) var starts = 0

    init(program: String, settings: [String]) throws {
        (self.program, self.settings) = (program, settings)
        folder = try BenchmarkFolder()
    }

    var state: String { folder.path + "/state" }
    var socket: String { folder.path + "/s" }

    func start() throws {
        let process = Process()
        process.endWithParent(
            program,
            ["serve"]
                + (["state.folder=\(state)", "rpc.socket=\(socket)", "http.listen=", "log.level=error"]
                + settings).flatMap { ["--set", $0] })
        try process.run()
        self.process = process
        starts += 1
        for _ in 0..<2_400 {
            if let client = try? RPCClient(socketPath: socket),
                case .simple("PONG")? = try? client.call(["PING"])
            {
                return
            }
            guard process.isRunning else { break }
            usleep(25_000)
        }
        throw BenchmarkFailure("'\(program) serve' does not answer on '\(socket)'")
    }

    func kill() {
        guard let process, process.isRunning else { return }
        Glibc.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }

    var isRunning: Bool { process?.isRunning == true }

    /// As the kernel counts it.
    var residentBytes: Int64 {
        let path = "/proc/\(process?.processIdentifier ?? 0)/statm"
        let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int64($0) } ?? 0
        return pages * Int64(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// Lengths of its files.
    var files: SoakFiles {
        func bytes(_ path: String) -> Int64 {
            var status = stat()
            return stat(path, &status) == 0 ? Int64(status.st_size) : 0
        }
        let generations = state + "/generations"
        let copies = (try? FileManager.default.contentsOfDirectory(atPath: generations)) ?? []
        return SoakFiles(
            state: bytes(state + "/state.sqlite"), stateWAL: bytes(state + "/state.sqlite-wal"),
            log: bytes(state + "/log.sqlite"), logWAL: bytes(state + "/log.sqlite-wal"),
            generations: copies.reduce(0) { $0 + bytes(generations + "/" + $1) })
    }
}

package struct SoakFiles: Sendable, Equatable {
    package var state: Int64 = 0
    package var stateWAL: Int64 = 0
    package var log: Int64 = 0
    package var logWAL: Int64 = 0
    package var generations: Int64 = 0

    package init(
        state: Int64 = 0, stateWAL: Int64 = 0, log: Int64 = 0, logWAL: Int64 = 0, generations: Int64 = 0
    ) {
        (self.state, self.stateWAL, self.log) = (state, stateWAL, log)
        (self.logWAL, self.generations) = (logWAL, generations)
    }

    /// Each with its name.
    package static let all: [(name: String, path: any KeyPath<SoakFiles, Int64> & Sendable)] = [
        ("state.sqlite", \.state), ("state.sqlite-wal", \.stateWAL), ("log.sqlite", \.log),
        ("log.sqlite-wal", \.logWAL), ("generations", \.generations),
    ]
}
