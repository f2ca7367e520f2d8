internal import ArgumentParser
internal import BenchmarkSupport
internal import Checkpoints
internal import Foundation
internal import State

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// How long a daemon takes to be back with all it had learned.
struct RestoreBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Time of reading a state file back, beside reading the file's bytes.",
        discussion: """
            A state of the default models is invented, written and read back. The baseline reads the same file from its \
            beginning to its end. The system is asked to forget the file before each of the two.

            EXAMPLES
              swift run -c release freshet-bench restore
              swift run -c release freshet-bench restore --rows 2000000 --json
            """)

    @Option(help: "Rows of the state: a third users and items, the others of two models.") var rows = 300_000
    @Option(help: "Shards of the state.") var shards = 2
    @Option(help: "Numbers per row; a multiple of 8.") var factors = 64
    @Flag(help: "Print the figures as JSON.") var json = false

    func validate() throws {
        guard rows >= 30, shards > 0, factors > 0, factors % 8 == 0 else {
            throw ValidationError("rows is at least 30, shards above 0, factors a positive multiple of 8")
        }
    }

    func run() throws {
        let folder = try BenchmarkFolder()
        let (identity, options) = try write(folder.state)
        forget(folder.state)
        let clock = ContinuousClock()
        var bytes = 0
        let reading = clock.measure { bytes = read(folder.state) }
        forget(folder.state)
        let state = LearnedState(options: options)
        let restoring = try clock.measure {
            let file = try StateFile(path: folder.state, identity: identity)
            try file.read(into: StateLoader(state: state, path: folder.state))
        }
        let warm = clock.measure { _ = read(folder.state) }
        // Once more, because to ask the clock at each row takes time too.
        let timed = TimedReader(StateLoader(state: LearnedState(options: options), path: folder.state))
        let again = try clock.measure {
            try StateFile(path: folder.state, identity: identity).read(into: timed)
        }
        if json {
            var figures = Figures(
                benchmark: "restore",
                parameters: ["rows": Double(rows), "shards": Double(shards), "factors": Double(factors)])
            figures.figures = [
                "restore-ms": restoring.seconds * 1000, "baseline.read-ms": reading.seconds * 1000,
                "baseline.read-warm-ms": warm.seconds * 1000, "file-bytes": Double(bytes),
                "ratio": restoring.seconds / reading.seconds,
            ]
            for (name, time) in timed.stages { figures.figures["stage.\(name)-ms"] = time.seconds * 1000 }
            return try figures.printJSON()
        }
        Report.print([
            Comparison(
                name: "restoring \(rows) rows, \(bytes >> 20) MB", ours: restoring.seconds * 1000,
                baselineName: "reading the file", baseline: reading.seconds * 1000, unit: "ms",
                moreIsBetter: false),
            Comparison(
                name: "", ours: restoring.seconds * 1000, baselineName: "reading it out of memory",
                baseline: warm.seconds * 1000, unit: "ms", moreIsBetter: false),
        ])
        print(
            String(format: "once more, out of memory and with its parts timed: %.1f ms", again.seconds * 1000)
        )
        for (name, time) in timed.stages {
            print("    " + name.padded(36) + String(format: "%8.1f ms", time.seconds * 1000))
        }
        print(
            "    the rest is SQLite's; rows of factors are read beside users and items, by a thread of their own"
        )
    }

    private func write(_ path: String) throws -> (StateIdentity, StateOptions) {
        let invented = try InventedState(rows: rows, shards: shards, factors: factors)
        let identity = InventedState.identity(of: invented.state)
        let file = try StateFile(path: path, identity: identity)
        let frozen = invented.state.freeze()
        try file.write(frozen.head, then: frozen.nextPage)
        invented.state.thaw(frozen, isSaved: true)
        try file.close()
        return (identity, invented.state.options)
    }

    private func forget(_ path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        fsync(descriptor)
        #if os(Linux)
            posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
        #endif
    }

    private func read(_ path: String) -> Int {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { room.deallocate() }
        var all = 0
        while true {
            let count = plainRead(descriptor, room.baseAddress, room.count)
            guard count > 0 else { return all }
            all += count
        }
    }
}

/// Out here, where `read` is the system's.
private func plainRead(_ descriptor: Int32, _ room: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, room, count)
}
