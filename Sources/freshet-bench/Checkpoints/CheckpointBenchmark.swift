internal import ArgumentParser
internal import BenchmarkSupport
internal import Checkpoints
internal import Foundation
internal import GRDB
internal import SQLiteFiles
internal import State

/// What a checkpoint costs: how long learning stands still, and how fast rows come to the disk.
struct CheckpointBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract: "Pause and rows a second of a checkpoint in which every row has changed.",
        discussion: """
            A state of the default models is invented and written whole, twice: into an empty file, and again over the \
            same rows. Beside it stand a copy of the same bytes in memory, and SQLite's own insert loop: as many rows \
            of one blob, bound from memory, in one transaction with the same settings.

            EXAMPLES
              swift run -c release freshet-bench checkpoint
              swift run -c release freshet-bench checkpoint --rows 2000000 --json
            """)

    @Option(help: "Rows that have changed: a third users and items, the others of two models.") var rows =
        300_000
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
        let invented = try InventedState(rows: rows, shards: shards, factors: factors)
        let file = try StateFile(path: folder.state, identity: InventedState.identity(of: invented.state))
        let first = try checkpoint(invented, file)
        invented.touchAll()
        let again = try checkpoint(invented, file)
        try file.close()
        let baselines = Baselines(
            copy: copySeconds(bytes: invented.rowBytes),
            insert: try insertSeconds(folder.path + "/plain.sqlite"))
        if json { return try figures(first, again, baselines).printJSON() }
        tell("into an empty file", first, baselines)
        tell("over the same rows", again, baselines)
    }

    private struct Measured {
        var pause: Double
        var written: Double
        var folded: Double
        var report: WriteReport
        var rowsPerSecond: Double { Double(report.rows) / written }
    }

    private struct Baselines {
        var copy: Double
        var insert: Double
    }

    private func checkpoint(_ invented: InventedState, _ file: StateFile) throws -> Measured {
        let clock = ContinuousClock()
        let begin = clock.now
        let frozen = invented.state.freeze()
        let pause = begin.duration(to: clock.now)
        let written = clock.now
        let report = try file.write(frozen.head, then: frozen.nextPage)
        let time = written.duration(to: clock.now)
        invented.state.thaw(frozen, isSaved: true)
        let folded = try clock.measure { _ = try file.keepWithinBounds(always: true) }
        return Measured(pause: pause.seconds, written: time.seconds, folded: folded.seconds, report: report)
    }

    private func tell(_ name: String, _ measured: Measured, _ baselines: Baselines) {
        print("\(measured.report.rows) rows \(name)")
        Report.print([
            Comparison(
                name: "  learning stands still", ours: measured.pause * 1000,
                baselineName: "copying all rows' bytes", baseline: baselines.copy * 1000, unit: "ms",
                moreIsBetter: false),
            Comparison(
                name: "  durable", ours: measured.rowsPerSecond, baselineName: "SQLite's insert loop",
                baseline: Double(rows) / baselines.insert, unit: "rows/s"),
        ])
        let report = measured.report
        let stages = [
            ("copying pages", report.pages), ("users", report.users), ("items", report.items),
            ("user_factors", report.userFactors), ("item_factors", report.itemFactors),
            ("positions, scalars", report.rest), ("commit and sync", report.commit),
        ]
        for (name, time) in stages {
            print(
                "    " + name.padding(toLength: 36, withPad: " ", startingAt: 0) + milliseconds(time.seconds))
        }
        print("    folding the log in, afterwards      " + milliseconds(measured.folded))
    }

    private func milliseconds(_ seconds: Double) -> String { String(format: "%8.1f ms", seconds * 1000) }

    private func figures(_ first: Measured, _ again: Measured, _ baselines: Baselines) -> Figures {
        var figures = Figures(
            benchmark: "checkpoint",
            parameters: ["rows": Double(rows), "shards": Double(shards), "factors": Double(factors)])
        for (name, measured) in [("first", first), ("again", again)] {
            figures.figures["\(name).pause-ms"] = measured.pause * 1000
            figures.figures["\(name).rows-per-second"] = measured.rowsPerSecond
            figures.figures["\(name).fold-ms"] = measured.folded * 1000
            let report = measured.report
            for (stage, time) in [
                ("pages", report.pages), ("users", report.users), ("items", report.items),
                ("user-factors", report.userFactors), ("item-factors", report.itemFactors),
                ("rest", report.rest), ("commit", report.commit),
            ] { figures.figures["\(name).stage.\(stage)-ms"] = time.seconds * 1000 }
        }
        figures.figures["baseline.copy-ms"] = baselines.copy * 1000
        figures.figures["baseline.insert-rows-per-second"] = Double(rows) / baselines.insert
        return figures
    }

    private func copySeconds(bytes: Int) -> Double {
        let source = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes, alignment: 64)
        defer {
            source.deallocate()
            copy.deallocate()
        }
        source.initializeMemory(as: UInt8.self, repeating: 1)
        return seconds { copy.copyMemory(from: UnsafeRawBufferPointer(source)) }
    }

    private func insertSeconds(_ path: String) throws -> Double {
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { db in
            try db.execute(
                sql: """
                    PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;
                    PRAGMA wal_autocheckpoint = 0; CREATE TABLE plain(row INTEGER PRIMARY KEY, vector BLOB NOT NULL)
                    """)
        }
        let vector = [Float](repeating: 0.5, count: factors)
        let time = try ContinuousClock().measure {
            try queue.write { db in
                let statement = try PlainStatement("INSERT INTO plain(row, vector) VALUES (?, ?)", db)
                for row in 0..<rows {
                    try vector.withUnsafeBytes { bytes in
                        statement.bind(Int64(row), at: 1)
                        statement.bind(blob: bytes, at: 2)
                        try statement.run()
                    }
                }
            }
        }
        try queue.close()
        return time.seconds
    }
}
